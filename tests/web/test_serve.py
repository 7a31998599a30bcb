"""What the pages of `trainwatt serve` answer, on a real port."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from click.testing import CliRunner

from tests.browser.runs import hour, write
from tests.fakes.served import served
from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import HANGS_S, TRAINWATT
from trainwatt.cli.main import cli
from trainwatt.config import resolve
from trainwatt.errors import ConfigurationError, TrainwattError
from trainwatt.presentation.words.quantities import format_energy
from trainwatt.presentation.words.runs import headline
from trainwatt.web.guard import cookie_name

ODD = "<script>alert(1)</script>\n😀 " + "x" * 300
TOKEN = "a-token-of-enough-length"


def worked(i: int) -> int:
    """The number of samples of run `i` of `many`. Every tenth run counted none."""
    return 0 if i % 10 == 9 else 1 + i * 37 % 101


def many(path: Path, count: int) -> Path:
    """Runs with one device. A later run has more energy. Half of the runs are in one of four groups."""
    ids = [f"run-{i:04d}" for i in range(count)]
    return write(
        path,
        run=[
            run(
                r,
                status="completed",
                started_utc_ns=i * 10**9,
                duration_s=float(count - i),
                project=f"p{i % 3}",
                name=ODD if i == 0 else f"n{i}",
                group_name=f"sweep-{i % 4}" if i < count // 2 else None,
            )
            for i, r in enumerate(ids)
        ],
        segment=[segment(f"s{r}", r, status="completed", start_t_ns=0, end_t_ns=10**9) for r in ids],
        device=[device(segment_id=f"s{r}") for r in ids],
        curve_point=[point(t, t * 1e-9 * (i + 1), segment_id=f"s{r}") for i, r in enumerate(ids) for t in (0, 10**9)],
        work=[{"segment_id": f"s{r}", "unit": "samples", "phase": "", "amount": worked(i)} for i, r in enumerate(ids) if worked(i)],
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(many(tmp_path_factory.mktemp("served") / "runs.db", 120)) as address:
        yield address


def listed(address: str, **query: str) -> list[str]:
    answer = requests.get(f"{address}/api/runs", params=query, timeout=HANGS_S)
    assert answer.status_code == 200
    return [view["run"]["id"] for view in answer.json()["runs"]]


@pytest.fixture(scope="module")
def first_page(site: str) -> list[str]:
    return listed(site)


# ---- the same figures


def test_a_runs_page_and_its_json_say_what_the_command_line_says(tmp_path: Path) -> None:
    db = hour(tmp_path / "runs.db")
    printed = json.loads(CliRunner().invoke(cli, ["show", "--json", "--db", str(db)]).output)
    with served(db) as address:
        assert requests.get(f"{address}/api/runs/{printed['run']['id']}", timeout=HANGS_S).json() == printed
        [of_list] = requests.get(f"{address}/api/runs", timeout=HANGS_S).json()["runs"]
        page = requests.get(f"{address}/runs/{printed['run']['id'][:4]}", timeout=HANGS_S)
    assert of_list["energy"]["total_j"] == printed["energy"]["total_j"]
    large, _, small = headline(printed).partition(" (")
    assert f"<b>{large}</b>" in page.text
    assert small.rstrip(")") in page.text


# ---- the list


def test_a_page_of_the_list_and_the_next(site: str) -> None:
    first, last = listed(site), listed(site, page="3")
    assert (first[0], len(first)) == ("run-0119", 50)
    assert (last[-1], len(last)) == ("run-0000", 20)
    text = requests.get(f"{site}/runs", params={"page": "2"}, timeout=HANGS_S).text
    assert "51–100 of 120" in text
    assert 'href="/runs" rel="prev"' in text
    assert 'href="/runs?page=3"' in text


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "", "0" * 9])
def test_a_page_that_is_none_is_the_first(site: str, first_page: list[str], page: str) -> None:
    assert listed(site, page=page) == first_page


def test_a_page_behind_the_last_is_the_last(site: str) -> None:
    assert listed(site, page="99999") == listed(site, page="3")


def test_sorted_filtered_and_searched(site: str) -> None:
    assert listed(site, sort="started")[0] == "run-0000"
    assert listed(site, sort="-duration")[0] == "run-0000"
    assert listed(site, sort="nonsense") == listed(site)
    assert len(listed(site, project="p1")) == 40
    assert listed(site, status="running") == []
    assert listed(site, q="N117") == ["run-0117"]
    assert listed(site, q="%") == []
    assert listed(site, q="<SCRIPT>") == ["run-0000"]
    assert "No runs match" in requests.get(f"{site}/", params={"q": "nothing such"}, timeout=HANGS_S).text


def test_an_order_by_energy_is_that_of_all_runs_and_not_of_a_page(site: str) -> None:
    by_energy = [run_id for page in "123" for run_id in listed(site, sort="energy", page=page)]
    assert by_energy == [f"run-{i:04d}" for i in range(120)]
    assert listed(site, sort="-energy")[0] == "run-0119"
    each_j = {f"run-{i:04d}": (i + 1) / worked(i) for i in range(120) if worked(i)}
    expected = sorted(each_j, key=lambda run_id: each_j[run_id])
    by_each = [run_id for page in "123" for run_id in listed(site, sort="each", page=page)]
    assert by_each[: len(expected)] == expected
    nothing_counted = [f"run-{i:04d}" for i in range(119, -1, -1) if not worked(i)]
    assert by_each[len(expected) :] == nothing_counted  # they are last in both directions
    assert listed(site, sort="-each", page="3")[-len(nothing_counted) :] == nothing_counted
    assert listed(site, sort="-each")[0] == expected[-1]


def test_a_run_that_goes_on_moves_up_in_the_order_by_energy(tmp_path: Path) -> None:
    """The energies of runs that have ended are kept. Those of a running run, or of one that was restarted, are read again."""
    db = many(tmp_path / "runs.db", 3)
    with served(db) as address:
        assert listed(address, sort="-energy") == ["run-0002", "run-0001", "run-0000"]
        later = {"last_seen_utc_ns": 20 * 10**9, "status": "running"}
        write(db, run=[run("run-0000", **later)], curve_point=[point(2 * 10**9, 50.0, segment_id="srun-0000")])
        assert listed(address, sort="-energy")[0] == "run-0000"
        write(db, curve_point=[point(2 * 10**9, 100.0, segment_id="srun-0001")])
        write(db, run=[run("run-0001", **later)])
        assert listed(address, sort="-energy")[0] == "run-0001"


def test_filtered_by_group_and_sorted_among_those(site: str) -> None:
    assert listed(site, group="sweep-3", sort="-energy") == [f"run-{i:04d}" for i in range(59, 0, -4)]
    assert listed(site, group="sweep-3", project="p1", sort="energy") == [f"run-{i:04d}" for i in range(7, 60, 12)]
    assert requests.get(f"{site}/api/runs", params={"group": "sweep-3"}, timeout=HANGS_S).json()["count"] == 15
    assert listed(site, group="sweep") == []


def test_the_list_has_the_energy_of_a_unit_of_work_as_the_command_line_has_it(tmp_path: Path) -> None:
    db = many(tmp_path / "runs.db", 12)
    arguments = ["list", "--columns", "run,each", "--format", "csv", "--db", str(db)]
    lines = csv.DictReader(io.StringIO(CliRunner().invoke(cli, arguments).output))
    printed = {line["id"]: line["energy_each_j"] for line in lines}
    assert printed["run-0009"] == ""
    with served(db) as address:
        text = requests.get(f"{address}/runs", timeout=HANGS_S).text
    cells = re.findall(r'value="(run-\d+)".*?<td class="n" data-head="each">(.*?)</td>', text, re.DOTALL)
    assert {run_id for run_id, _ in cells} == set(printed)
    largest_j = max(float(each) for each in printed.values() if each)
    for run_id, cell in cells:
        words = re.sub(r"<[^>]*>", "", cell)
        assert words == ("–" if not printed[run_id] else f"{format_energy(float(printed[run_id]), largest_j)} per sample")


def test_the_heads_of_the_list_are_links_that_keep_the_filters(site: str) -> None:
    query = {"q": "n", "project": "p1", "group": "sweep-3", "status": "completed", "sort": "-energy"}
    text = requests.get(f"{site}/", params=query, timeout=HANGS_S).text
    found = {}
    for href, words in re.findall(r'<th[^>]*><a href="([^"]*)">([^<]*)</a>', text):
        found[words] = dict(parse_qsl(urlsplit(html.unescape(href)).query))
    filters = {name: value for name, value in query.items() if name != "sort"}
    assert found["energy (range) ↓"] == {**filters, "sort": "energy"}
    assert found["each"] == {**filters, "sort": "-each"}
    assert found["run"] == {**filters, "sort": "project"}
    assert found["started"] == filters  # newest first is the default order
    assert '<option value="sweep-3" selected>' in text
    assert '<input type="hidden" name="sort" value="-energy">' in text
    assert 'aria-sort="descending"' in text


def test_names_are_text(site: str) -> None:
    for page in (
        f"{site}/runs?sort=started",
        f"{site}/runs/run-0000",
        f"{site}/runs?tag=<script>alert(1)</script>&metric=<script>alert(1)</script>",
        f"{site}/?q=<script>alert(1)</script>&project=<script>alert(1)</script>",
    ):
        text = requests.get(page, timeout=HANGS_S).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text or "No runs match" in text


def test_selected_runs_are_compared_as_on_the_command_line(tmp_path: Path, site: str) -> None:
    db = many(tmp_path / "runs.db", 120)  # the same runs as those of `site`
    ids = ["run-0009", "run-0000", "run-0019"]
    printed = json.loads(CliRunner().invoke(cli, ["compare", *ids, "--json", "--db", str(db)]).output)
    text = requests.get(f"{site}/compare", params={"run": ids}, timeout=HANGS_S).text
    assert all(f'<p class="verdict">{run["verdict"]}</p>' in text for run in printed["runs"][1:])
    assert all(f">{label} − A</th>" in text for label in "BC")
    assert "<h1>2 sides beside " in text
    assert "Power over time" in requests.get(f"{site}/compare", params={"run": ids[:2]}, timeout=HANGS_S).text
    assert "<script>alert" not in text
    assert requests.get(f"{site}/compare", params={"run": "run-0009"}, timeout=HANGS_S).status_code == 400
    assert requests.get(f"{site}/compare", params={"run": ["run-0009", "none"]}, timeout=HANGS_S).status_code == 404


# ---- who may ask


def test_every_answer_has_a_policy_that_lets_nothing_in(site: str) -> None:
    for path in ("/", "/runs/run-0001", "/runs/none", "/api/runs", "/static/app.js", "/nothing"):
        headers = requests.get(site + path, timeout=HANGS_S).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self';")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[::1].evil.example"])
def test_a_foreign_host_name_is_refused(site: str, host: str) -> None:
    assert requests.get(f"{site}/api/runs", headers={"Host": host}, timeout=HANGS_S).status_code in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1:1", "[::1]:80"])
def test_a_local_one_is_not(site: str, host: str) -> None:
    assert requests.get(f"{site}/api/runs", headers={"Host": host}, timeout=HANGS_S).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(site: str, method: str) -> None:
    assert requests.request(method, f"{site}/runs/run-0001", timeout=HANGS_S).status_code == 405
    assert len(listed(site, q="run-0001")) == 1


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/static/../../etc/passwd", "/static/%2e%2e/app.py", "/runs/..%2f..%2fetc%2fpasswd", "/static/"]
)
def test_no_path_leads_out(site: str, path: str) -> None:
    host, port = site.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer


def test_what_is_not_there_says_so(site: str) -> None:
    page, api = requests.get(f"{site}/runs/none", timeout=HANGS_S), requests.get(f"{site}/api/runs/none", timeout=HANGS_S)
    assert (page.status_code, api.status_code) == (404, 404)
    assert "no run 'none'" in page.text
    assert "no run 'none'" in api.json()["error"]


def test_a_token_opens_and_nothing_else_does(tmp_path: Path) -> None:
    with served(many(tmp_path / "runs.db", 2), TOKEN) as address:
        assert requests.get(address, timeout=HANGS_S).status_code == 401
        assert requests.get(address, params={"token": "another-of-such-length"}, timeout=HANGS_S).status_code == 401
        assert requests.get(address, headers={"Authorization": "Bearer wrong"}, timeout=HANGS_S).status_code == 401
        assert requests.get(address, cookies={cookie_name(TOKEN): "wrong"}, timeout=HANGS_S).status_code == 401
        assert requests.get(address, cookies={cookie_name(TOKEN): TOKEN}, timeout=HANGS_S).status_code == 401
        assert requests.get(address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=HANGS_S).status_code == 200
        with requests.Session() as browser:
            first = browser.get(f"{address}/?q=run&token={TOKEN}", timeout=HANGS_S)
            assert first.status_code == 200
            assert first.url == f"{address}/runs?q=run"
            assert "HttpOnly" in first.history[0].headers["Set-Cookie"]
            assert browser.get(f"{address}/runs/run-0001", timeout=HANGS_S).status_code == 200


# ---- a database that changes meanwhile


def test_a_database_that_goes_away_is_said(tmp_path: Path) -> None:
    db = many(tmp_path / "runs.db", 1)
    with served(db) as address:
        assert requests.get(address, timeout=HANGS_S).status_code == 200
        for file in tmp_path.glob("runs.db*"):
            file.unlink()
        answer = requests.get(address, timeout=HANGS_S)
    assert answer.status_code == 503
    assert "runs.db" in answer.text


# ---- the command


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--host", "0.0.0.0", "--no-token"], "leave out --no-token"),
        (["--host", "::", "--no-token"], "leave out --no-token"),
        (["--host", "pages.example", "--no-token"], "leave out --no-token"),
        (["--host", "0.0.0.0", "--token", "short"], "16 to 256"),
        (["--token", ""], "16 to 256"),
        (["--token", "with a space in it!"], "without spaces"),
        (["--token", TOKEN, "--no-token"], "give only one of"),
        (["--token-file", "token", "--no-token"], "give only one of"),
        (["--token", TOKEN, "--token-file", "token"], "give only one of"),
        (["--token-file", "there-is-none"], "No such file"),
    ],
)
def test_what_would_let_others_in_is_refused(arguments: list[str], error: str) -> None:
    result = CliRunner().invoke(cli, ["serve", *arguments])
    assert isinstance(result.exception, ConfigurationError)
    assert error in str(result.exception)
    assert "***" not in str(result.exception)  # nothing of it is taken for a secret


@contextmanager
def serving(*options: str, **environ: str) -> Iterator[str]:
    """`trainwatt serve`, and the line that it prints."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TRAINWATT_")}
    command = [*TRAINWATT, "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kept | environ)
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        _, said = process.communicate(timeout=HANGS_S)
    assert said == ""


def code_of(address: str, **headers: str) -> int:
    return requests.get(address, headers=headers, timeout=HANGS_S).status_code


@pytest.mark.slow
def test_there_is_a_random_token_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    """Every user of a machine can reach its loopback addresses."""
    db = many(tmp_path / "runs.db", 1)
    tokens = set()
    for options in ((), ("--token", "new", "--host", "127.3.2.1")):
        with serving("--db", str(db), *options) as line:
            link = line.split()[0]
            assert code_of(link.partition("?")[0]) == 401
            with requests.Session() as browser:
                opened = browser.get(link, timeout=HANGS_S)
            assert (opened.status_code, opened.url) == (200, link.partition("?")[0])
            tokens.add(link.partition("token=")[2])
    assert len(tokens) == 2
    assert min(map(len, tokens)) == 32
    with serving("--db", str(db), "--no-token", "--host", "127.3.2.1") as line:
        assert line.endswith("/  (without a token; Ctrl-C ends it)\n")
        assert code_of(line.split()[0]) == 200


@pytest.mark.slow
def test_a_token_that_others_cannot_see_is_not_printed(tmp_path: Path) -> None:
    """A service's output is often kept where others can read it."""
    db, file = many(tmp_path / "runs.db", 1), tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    with serving("--db", str(db), "--token", "a+b/c=d&e%f#g?h" + "x" * 9) as line:
        assert requests.get(line.split()[0], timeout=HANGS_S).status_code == 200
    for options, environ in (
        (("--token-file", str(file)), {}),
        ((), {"TRAINWATT_TOKEN": TOKEN}),
        (("--token-file", str(file)), {"TRAINWATT_TOKEN": "another-of-such-length"}),
    ):
        with serving("--db", str(db), *options, **environ) as line:
            assert TOKEN not in line
            assert line.endswith("/  (it asks for your token; Ctrl-C ends it)\n")
            assert code_of(line.split()[0]) == 401
            assert code_of(line.split()[0], Authorization=f"Bearer {TOKEN}") == 200
            assert code_of(f"{line.split()[0]}?token={TOKEN}") == 200


def test_the_token_of_the_pages_is_no_unknown_setting_of_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert resolve({}, {"TRAINWATT_TOKEN": TOKEN, "TRAINWATT_ZONE": "FR"}, tmp_path).zone == "FR"
    assert caplog.text == ""


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    db = many(tmp_path / "runs.db", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(cli, ["serve", "--db", str(db), "--port", str(taken.getsockname()[1])])
    assert isinstance(result.exception, TrainwattError)
    assert "--port 0 takes a free port" in str(result.exception)
