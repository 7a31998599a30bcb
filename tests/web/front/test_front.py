"""The first page of `serve`: what trains now, this month and the last sweeps, with the figures of the commands."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from tests.browser.runs import write
from tests.fakes.served import served
from tests.fakes.stored_rows import Row, device, phase, point, run, segment
from tests.fakes.world import HANGS_S
from trainwatt.analysis.over_time.periods import period_of
from trainwatt.cli.main import cli
from trainwatt.presentation.words.quantities import format_energy, metric_text
from trainwatt.presentation.words.runs import energy_text
from trainwatt.presentation.words.work.ahead import ahead_lines

S = 10**9
ODD = "<script>alert(1)</script> \u202eback 😀 " + "x" * 200
NEVER = "month-less"
ACCURACIES = {"slow": (0.5, 0.8, 0.9, 0.97), "fast": (0.9, 0.96, 0.95, 0.94), "poor": (0.1, 0.2, 0.3, 0.4), ODD: (0.6, 0.7, 0.7, 0.7)}
"""The accuracy of the runs of a sweep after 20, 40, 60 and 80 of their 100 s, at 100 W."""

FORECAST = {
    "epoch": 3,
    "epochs": 10,
    "from_epochs": 3,
    "done": 0.3,
    "energy_j": [9e4, 8e4, 11e4],
    "grams": None,
    "seconds": [400, 350, 450],
}
SETTINGS = {"epochs": 10, "budget": "50 kJ", "on_budget": "stop", "forecast": FORECAST}


def rows_of(name: str, began_ns: int, seconds: int = 100, watts: float = 100.0, **changes: Any) -> dict[str, list[Row]]:
    """A run on one GPU, by default an ended one. Its curve has a point each 5 s."""
    running = changes.get("status") == "running"
    last_ns = changes.pop("last_seen_utc_ns", began_ns + seconds * S)
    end = {} if running else {"ended_utc_ns": began_ns + seconds * S}
    whole = {"started_utc_ns": began_ns, "last_seen_utc_ns": last_ns, "status": changes.get("status", "completed"), **end}
    run_id = changes.pop("id", re.sub(r"\W", "", name)[:20])
    id_ = f"s-{run_id}"
    return {
        "run": [run(run_id, **{"name": name, **whole, "duration_s": None if running else float(seconds), **changes})],
        "segment": [segment(id_, run_id, **whole, start_t_ns=0, end_t_ns=None if running else seconds * S)],
        "device": [device(segment_id=id_, uuid=f"GPU-{run_id}")],
        "clock_anchor": [{"segment_id": id_, "monotonic_ns": 0, "utc_ns": began_ns, "boottime_ns": 0}],
        "curve_point": [point(t * S, watts * t, segment_id=id_) for t in range(0, seconds + 1, 5)],
    }


def logged(run_id: str, values: Sequence[float], metric: str = "val_accuracy") -> dict[str, list[Row]]:
    """The values of a metric after 20, 40, 60 … s."""
    at = [20 * (n + 1) * S for n in range(len(values))]
    low, high = min(range(len(values)), key=values.__getitem__), max(range(len(values)), key=values.__getitem__)
    of = {"segment_id": f"s-{run_id}", "name": metric}
    figures: Row = {"values_logged": len(values), "last": values[-1], "last_t_ns": at[-1]}
    for end, n in (("lowest", low), ("highest", high)):
        figures |= {end: values[n], f"{end}_number": n + 1, f"{end}_t_ns": at[n]}
        figures |= {f"{end}_next_t_ns": at[n + 1] if n + 1 < len(at) else None}
    points = [{**of, "seq": n, "t_ns": t, "step": n, "value": v} for n, (t, v) in enumerate(zip(at, values, strict=True))]
    return {"metric": [{**of, **figures}], "metric_point": points}


def joined(*parts: dict[str, list[Row]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for part in parts:
        for table, rows in part.items():
            found.setdefault(table, []).extend(rows)
    return found


def team(path: Path) -> Path:
    """A sweep, runs of this month in two projects and all stages, a run of long ago, one that trains, and one that has been silent."""
    now_ns = time.time_ns()
    month = period_of(now_ns, "month")
    earlier = [now_ns - t * S for t in (30, 20, 10, 5)]  # within the month, but for its first seconds
    parts = [
        rows_of("old", now_ns - 400 * 86_400 * S, project=NEVER, stage="training"),
        rows_of("a", earlier[0], 200, project="llm", stage="training"),
        rows_of("b", earlier[1], project="llm", stage="inference"),
        rows_of("c", earlier[2], 50, project=ODD, stage=None, status="failed", group_name="sweep-" + "z" * 100),
        rows_of(
            "live",
            now_ns - 100 * S,
            99,
            250.0,
            settings=json.dumps(SETTINGS),
            project="llm",
            stage="training",
            status="running",
            last_seen_utc_ns=now_ns + 60 * S,
        ),
        rows_of("lost", now_ns - 7200 * S, 99, project="llm", status="running", host="node-z"),
        {
            "phase": [
                phase(0, "train", "s-live", "live", step=3, start_t_ns=10 * S, end_t_ns=None, start_utc_ns=now_ns - 90 * S, resolved=None)
            ]
        },
    ]
    for number, (name, values) in enumerate(ACCURACIES.items()):
        found = rows_of(name, earlier[3] + number * S, project="digits", group_name="rates", tags=json.dumps({"lr": str(number)}))
        parts += [found, logged(found["run"][0]["id"], values)]
    assert month  # the sums below are those of the command, whatever the day is
    return write(path, **joined(*parts))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team(tmp_path_factory.mktemp("front") / "runs.db")


@pytest.fixture(scope="module")
def site(db: Path) -> Iterator[str]:
    with served(db) as address:
        yield address


@pytest.fixture(scope="module")
def front(site: str) -> str:
    return text_of(f"{site}/")


def text_of(address: str, **query: str) -> str:
    answer = requests.get(address, params=query, timeout=HANGS_S)
    assert answer.status_code == 200
    return answer.text


def words_of(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def section(text: str, name: str) -> str:
    [found] = re.findall(rf'<section class="{name}">(.*?)</section>', text, re.DOTALL)
    return str(found)


def printed(db: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(cli, ["list", *arguments, "--json", "--db", str(db)], standalone_mode=False)
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_what_trains_now_comes_first_with_its_power_and_its_energy(front: str) -> None:
    now = section(front, "now")
    assert front.index("Training now") < front.index("This month") < front.index("Last sweeps") < front.index("Newest runs")
    assert 'href="/runs/live"' in now
    words = words_of(now)
    assert "llm/ live" in words
    assert "in train step 3" in words
    assert "power 250 W" in words
    assert format_energy(99 * 250.0 - 4 * 250.0) in words  # its newest point is 95 s after its first
    assert "1 run has not ended, and has written nothing for over 5 minutes." in words
    assert "/runs/lost" not in now
    assert 'aria-label="Power over the last 96 s: 250 W to 250 W"' in now


def test_a_budget_and_a_forecast_are_those_of_show(db: Path, front: str) -> None:
    words = words_of(section(front, "now"))
    view = json.loads(CliRunner().invoke(cli, ["show", "live", "--json", "--db", str(db)]).stdout)
    assert view["budget"]["share"] == pytest.approx(95 * 250.0 / 50e3)
    budget, forecast = ahead_lines(view, utc=True)
    assert f"B{budget[1:]}" in words
    assert "of 50 kJ (48 %), the training stops when it is used" in words
    assert f"F{forecast[1:]}" in words
    assert "25.0 Wh (22.2–30.6)" in words
    assert 'width="47.5%"' in front


def test_the_month_is_that_of_list_by_project_and_stage(db: Path, front: str) -> None:
    since = f"{period_of(time.time_ns(), 'month')}-01T00:00:00+00:00"
    month = section(front, "month")
    whole = printed(db, "--by", "project", "--since", since)
    energies = [g["energy"] for g in whole["groups"]]
    largest = max(e["total_j"] for e in energies)
    expected = {g["project"]: energy_text(g["energy"], largest) for g in whole["groups"]}
    assert set(expected) >= {"llm", "digits"}
    assert NEVER not in expected
    bars = re.findall(r'<li><div class="words">.*?</div>', month)
    assert len(bars) == len(expected)
    assert all(any(figure in words_of(bar) for bar in bars) for figure in expected.values())
    assert f"<b>{format_energy(whole['total']['energy']['total_j'])}</b>" in month.replace("≥ ", "")
    for group in printed(db, "--by", "stage", "--since", since)["groups"]:
        said = group["stage"] or "no stage"
        assert f"{said} {format_energy(group['energy']['total_j'], largest)}" in words_of(month)


def test_a_run_whose_clock_is_ahead_is_of_its_own_month(tmp_path: Path) -> None:
    now_ns = time.time_ns()
    rows = joined(rows_of("now", now_ns - 10 * S, 5), rows_of("ahead", now_ns + 70 * 86_400 * S, 5, project="ahead"))
    with served(write(tmp_path / "runs.db", **rows)) as address:
        month = words_of(section(text_of(f"{address}/"), "month"))
    assert "1 run" in month
    assert "ahead" not in month


def test_the_last_sweep_has_its_best_run_and_the_energy_until_then(db: Path, front: str) -> None:
    sweeps = section(front, "sweeps")
    assert 'href="/sweep?project=digits&amp;group=rates"' in sweeps
    first = words_of(re.findall(r'<ol class="best".*?</ol>', sweeps, re.DOTALL)[0])
    best = printed(db, "--group", "rates", "--to", "val_accuracy>=0.97", "--sort", "to", "--metric", "val_accuracy")["runs"][0]
    assert best["metric"] == {"name": "val_accuracy", "value": 0.97, "which": "highest"}
    assert first.startswith(f"slow {metric_text(0.97)} after {format_energy(best['to']['energy_j'])}")
    assert sweeps.count('class="plot sweep"') == 1
    assert "4 runs" in words_of(sweeps)


def test_the_page_of_a_sweep_has_all_its_runs_and_leads_to_them(site: str, front: str) -> None:
    text = text_of(f"{site}/sweep", project="digits", group="rates")
    assert "What the energy bought" in text
    assert all(f'href="/runs/{name}"' in text for name in ("slow", "fast", "poor"))
    [ranked] = re.findall(r'href="([^"]*)">Its runs, the best', text)
    listed = text_of(site + html.unescape(ranked))
    ids = re.findall(r'name="run" value="([^"]*)"', listed)
    assert ids[:2] == ["slow", "fast"]
    assert ids[-1] == "poor"
    [compare] = re.findall(r'href="([^"]*)">Compare those on the front', text)
    assert "beside" in text_of(site + html.unescape(compare))
    assert "<script>alert" not in text
    assert requests.get(f"{site}/sweep", params={"project": "digits", "group": "none"}, timeout=HANGS_S).status_code == 404
    assert requests.get(f"{site}/sweep", timeout=HANGS_S).status_code == 400


def test_a_link_of_an_older_version_leads_to_the_list(site: str) -> None:
    for query in ("q=slow", "project=llm", "group=rates&sort=-energy", "status=failed", "page=2"):
        answer = requests.get(f"{site}/?{query}", timeout=HANGS_S)
        assert answer.url == f"{site}/runs?{query}"
        assert "<h1>Runs</h1>" in answer.text


def test_names_are_text(front: str) -> None:
    assert "<script>alert" not in front
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in front
    assert all(len(words) < 200 for words in re.findall(r"<a [^>]*>([^<]*)</a>", front))


def test_the_news_are_what_trains_now(site: str) -> None:
    with requests.get(f"{site}/live", stream=True, timeout=HANGS_S) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        [line] = [line for line, _ in zip(answer.iter_lines(), range(2), strict=False) if line.startswith(b"data:")]
    news = json.loads(line.removeprefix(b"data:"))
    assert news.startswith('<section class="now">')
    assert 'href="/runs/live"' in news


def test_a_database_without_runs(tmp_path: Path) -> None:
    with served(write(tmp_path / "empty.db")) as address:
        text = text_of(f"{address}/")
    assert "No runs yet" in text
    assert "trainwatt run --" in text
    assert "Nothing trains now" not in text


def test_only_runs_that_failed_and_one_whose_process_is_gone(tmp_path: Path) -> None:
    """A run that died is not one that trains, and costs no figure of the month."""
    from trainwatt.machine.process import this_process

    me, now_ns = this_process(), time.time_ns()
    gone = rows_of("gone", now_ns - 50 * S, 45, status="running", host=me.host)
    gone["segment"][0] |= {"host": me.host, "boot_id": me.boot_id, "pid_namespace": me.pid_namespace, "pid": 2**22 - 1, "start_ticks": 1}
    rows = joined(
        gone, rows_of("bad", now_ns - 20 * S, 10, status="failed"), {"run": [run("bare", status="failed", started_utc_ns=now_ns)]}
    )
    with served(write(tmp_path / "runs.db", **rows)) as address:
        text = text_of(f"{address}/")
        assert "Nothing trains now." in section(text, "now")
        assert "interrupted" in text
        assert "Last sweeps" not in text
        assert "has not ended" not in text


def test_a_group_in_two_projects_is_two_sweeps_and_one_run_is_none(tmp_path: Path) -> None:
    now_ns = time.time_ns()
    names = [("a", "one"), ("b", "one"), ("c", "two"), ("d", "two"), ("e", "three")]
    rows = joined(*(rows_of(n, now_ns - (9 - i) * S, 5, project=p, group_name="g") for i, (n, p) in enumerate(names)))
    with served(write(tmp_path / "runs.db", **rows)) as address:
        sweeps = section(text_of(f"{address}/"), "sweeps")
    assert re.findall(r'href="/sweep\?project=(\w+)', sweeps) == ["two", "one"]
    assert "There is no chart" in sweeps
