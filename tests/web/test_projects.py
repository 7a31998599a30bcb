"""The pages of projects: the same sums as `list --by`, by period."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from click.testing import CliRunner

from tests.browser.runs import write
from tests.fakes.served import served
from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import HANGS_S
from trainwatt.cli.main import cli
from trainwatt.presentation.words.masses import format_mass
from trainwatt.presentation.words.quantities import format_energy, format_range

S = 10**9
DAY = 86_400 * S
BEGIN = 1_793_491_200 * S
"""2026-11-01 00:00 UTC."""
ODD = "<script>alert(1)</script>/a & b 😀"
RUNS = (  # project, day, watts, status
    ("vision", 0, 100.0, "completed"),
    ("vision", 0, 50.0, "failed"),
    ("vision", 9, 200.0, "completed"),
    (ODD, 3, 300.0, "interrupted"),
)


def several(path: Path) -> Path:
    """Runs of 1,000 s on one GPU each."""
    ids = [f"run-{i}" for i in range(len(RUNS))]
    return write(
        path,
        run=[
            run(r, status=status, started_utc_ns=BEGIN + day * DAY, duration_s=1000.0, project=project)
            for r, (project, day, _, status) in zip(ids, RUNS, strict=True)
        ],
        segment=[segment(f"s{r}", r, status="completed", start_t_ns=0, end_t_ns=1000 * S) for r in ids],
        device=[device(segment_id=f"s{r}") for r in ids],
        curve_point=[point(t * S, t * watts, segment_id=f"s{r}") for r, (_, _, watts, _) in zip(ids, RUNS, strict=True) for t in (0, 1000)],
    )


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return several(tmp_path_factory.mktemp("projects") / "runs.db")


@pytest.fixture(scope="module")
def site(db: Path) -> Iterator[str]:
    with served(db) as address:
        yield address


def printed(db: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CliRunner().invoke(cli, ["list", *arguments, "--json", "--db", str(db)]).output)
    return found


def test_projects_as_json_are_those_of_the_command_line(site: str, db: Path) -> None:
    answer = requests.get(f"{site}/api/projects", timeout=HANGS_S).json()
    expected = printed(db, "--by", "project")
    assert {g["project"]: g for g in answer["groups"]} == {g["project"]: g for g in expected["groups"]}


def test_the_page_has_each_project_with_its_sum_the_most_first(site: str, db: Path) -> None:
    text = requests.get(f"{site}/projects", timeout=HANGS_S).text
    groups = sorted(printed(db, "--by", "project")["groups"], key=lambda g: -g["energy"]["total_j"])
    largest = groups[0]["energy"]["total_j"]
    sums = [format_range(g["energy"]["total_j"], g["energy"]["low_j"], g["energy"]["high_j"], largest) for g in groups]
    cells = [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r'data-head="energy \(range\)">(.*?)</td>', text)]
    assert cells == sums  # in one unit, so that they can be compared
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;/a &amp; b 😀" in text
    assert "/projects?name=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%2Fa+%26+b+%F0%9F%98%80" in text


def test_a_projects_page_has_its_days_as_the_command_line_has_them(site: str, db: Path) -> None:
    text = requests.get(f"{site}/projects", params={"name": "vision"}, timeout=HANGS_S).text
    days = printed(db, "--by", "day", "--project", "vision")
    assert [(g["day"], g["runs"]) for g in days["groups"]] == [("2026-11-10", 1), ("2026-11-01", 2)]
    for g in days["groups"]:
        energy = g["energy"]
        row = f'<th scope="row">{g["day"]}</th><td class="n">{g["runs"]}</td><td class="n">'
        assert row + format_range(energy["total_j"], energy["low_j"], energy["high_j"]) in text
    assert text.count('<th scope="row">2026-11-') == 10  # days without runs, too
    assert "13.9 Wh of it (14 %) went into runs that failed or were interrupted." in text
    whole = days["total"]["energy"]
    assert f"<b>{format_range(whole['total_j'], whole['low_j'], whole['high_j']).partition(' (')[0]}</b>" in text


def test_a_project_may_be_called_others(tmp_path: Path) -> None:
    """The project called "others" is not the sum of the smaller projects, which has the same name and its own colour."""
    names = ["others", "b", "c", "d", "e", "f", "g"]
    watts = {name: 700.0 - 100 * i for i, name in enumerate(names)}
    db = write(
        tmp_path / "runs.db",
        run=[run(n, status="completed", started_utc_ns=BEGIN, duration_s=1000.0, project=n) for n in names],
        segment=[segment(f"s{n}", n, status="completed", start_t_ns=0, end_t_ns=1000 * S) for n in names],
        device=[device(segment_id=f"s{n}") for n in names],
        curve_point=[point(t * S, t * watts[n], segment_id=f"s{n}") for n in names for t in (0, 1000)],
    )
    with served(db) as address:
        text = requests.get(f"{address}/projects", timeout=HANGS_S).text
    heads = re.findall(r'<th[^>]*scope="col">([^<]*)</th>', text)
    assert heads[:9] == ["day", "runs", "energy (range)", "others", "b", "c", "d", "e", "others"]
    [row] = re.findall(r'<th scope="row">2026-11-01</th>(.*?)</tr>', text)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert (cells[2], cells[-1]) == (format_energy(700e3), format_energy(300e3, 700e3))  # the rest: 200 and 100 kJ


def test_a_name_that_is_no_projects_is_said(site: str) -> None:
    answer = requests.get(f"{site}/projects", params={"name": "<b>none</b>"}, timeout=HANGS_S)
    assert answer.status_code == 404
    assert "There is no run of the project &lt;b&gt;none&lt;/b&gt;" in answer.text


def test_a_database_without_runs_or_without_energy(tmp_path: Path) -> None:
    with served(write(tmp_path / "empty.db")) as address:
        assert "No runs yet" in requests.get(f"{address}/projects", timeout=HANGS_S).text
    with served(write(tmp_path / "bare.db", run=[run(status="completed")])) as address:
        for query in ("", "?name=digits"):
            answer = requests.get(f"{address}/projects{query}", timeout=HANGS_S)
            assert answer.status_code == 200
            assert "None of these runs has energy." in answer.text


def test_the_life_of_a_project_is_a_page(site: str, db: Path) -> None:
    """Its figures are those of `trainwatt life`, and nothing of a name is markup."""
    for project in ("vision", ODD):
        address = f"{site}/life?{urlencode({'project': project})}"
        text = requests.get(address, timeout=HANGS_S).text
        arguments = ["life", "--project", project, "--json", "--db", str(db)]
        whole = json.loads(CliRunner().invoke(cli, arguments).stdout)
        least = whole["so_far"]["operational_lower_bound"] or whole["so_far"]["embodied_lower_bound"]
        grams = format_mass(*(whole["so_far"][f"total{end}_g"] for end in ("", "_low", "_high")))
        assert f"{'≥ ' if least else ''}{grams} CO2e so far" in text
        assert (whole["embodied_share"] is not None) == ("On a cleaner grid" in text)
        assert "<script>alert" not in text
        link = html.escape(f"/life?{urlencode({'project': project})}")
        assert link in requests.get(f"{site}/projects?{urlencode({'name': project})}", timeout=HANGS_S).text
    assert requests.get(f"{site}/life?project=nobody", timeout=HANGS_S).status_code == 404
    assert requests.get(f"{site}/life", timeout=HANGS_S).status_code == 400
