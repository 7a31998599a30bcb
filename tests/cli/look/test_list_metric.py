"""`trainwatt list --tag` and `--metric`, and the same on the page of the list: one selection and one order for both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from tests.browser.runs import write
from tests.fakes.served import served
from tests.fakes.stored_rows import Row, device, point, run, segment
from tests.fakes.world import HANGS_S
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError, RunNotFoundError

S = 10**9
TAGS: dict[str, str] = {
    "a": '{"lr":"0.001","seed":"1"}',
    "b": '{"lr":"0.01"}',
    "c": '{"lr": 0.001, "note": "lr=0.01"}',  # of another writer: a number, with blanks
    "d": '{"x":{"lr":"0.01"},"größe":"10 % _"}',  # a tag within another one is none
    "e": '{"gr\\u00f6\\u00dfe":"10 % _"}',
    "f": "no JSON",
    "g": '{"lr":"0.0010"}',
}
VALUES = {"a": (0.5, 0.9, 0.7), "b": (0.4, 0.95, 0.2), "c": (0.8, 0.81, 0.82), "g": (0.1, 0.2, 0.3)}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows: dict[str, list[Row]] = {name: [] for name in ("run", "segment", "device", "curve_point", "metric")}
    for number, (name, tags) in enumerate(TAGS.items()):
        began = number * 1000 * S
        stage = "training" if name in "ab" else None
        ended = {"started_utc_ns": began, "status": "completed", "duration_s": 10.0, "ended_utc_ns": began + 10 * S}
        rows["run"].append(run(name, tags=tags, stage=stage, **ended))
        for part in (1, 2) if name == "b" else (1,):  # b has gone on in a second process
            id_ = f"s{part}-{name}"
            rows["segment"].append(segment(id_, name, started_utc_ns=began + part, status="completed", start_t_ns=0, end_t_ns=10 * S))
            rows["device"].append(device(segment_id=id_, uuid=f"GPU-{name}{part}"))
            rows["curve_point"] += [point(t * S, t * 10.0 * (number + 1), segment_id=id_) for t in (0, 10)]
            for metric, values in {"acc": VALUES.get(name, ()), "loss": VALUES.get(name, ()), "speed": VALUES.get(name, ())}.items():
                seen = [v / part for v in values]
                if seen:
                    rows["metric"].append(_metric(id_, metric, seen))
    return write(tmp_path_factory.mktemp("tagged") / "runs.db", **rows)


def _metric(segment_id: str, name: str, values: list[float]) -> Row:
    low, high = values.index(min(values)), values.index(max(values))
    row: Row = {"segment_id": segment_id, "name": name, "values_logged": len(values), "last": values[-1], "last_t_ns": S * len(values)}
    for end, n in (("lowest", low), ("highest", high)):
        row |= {end: values[n], f"{end}_number": n + 1, f"{end}_t_ns": (n + 1) * S, f"{end}_next_t_ns": None}
    return row


def call(db: Path, *arguments: str, columns: int = 120) -> Result:
    return CliRunner().invoke(cli, ["list", *arguments, "--db", str(db)], env={"COLUMNS": str(columns)}, standalone_mode=False)


def listed(db: Path, *arguments: str) -> list[Any]:
    result = call(db, *arguments, "--json")
    assert result.exception is None, result.exception
    found: list[Any] = json.loads(result.stdout)["runs"]
    return found


def ids(db: Path, *arguments: str) -> str:
    return "".join(r["run"]["id"] for r in listed(db, *arguments))


@pytest.fixture(scope="module")
def site(db: Path) -> Any:
    with served(db) as address:
        yield address


def on_page(site: str, **query: str) -> str:
    answer = requests.get(f"{site}/api/runs", params=query, timeout=HANGS_S)
    assert answer.status_code == 200
    assert answer.json()["count"] == len(answer.json()["runs"])
    return "".join(r["run"]["id"] for r in answer.json()["runs"])


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("lr=0.001", "ca"),
        ("lr=0.01", "b"),
        ("lr", "gcba"),
        ("größe=10 % _", "ed"),
        ("größe=10 _ %", ""),
        ("seed=1", "a"),
        ("lr=", ""),
        ("l_=0.001", ""),
        ("note=lr=0.01", "c"),
        ("x", "d"),
    ],
)
def test_runs_with_a_tag_are_the_same_on_the_page_and_in_the_terminal(db: Path, site: str, tag: str, expected: str) -> None:
    assert ids(db, "--tag", tag) == expected
    assert on_page(site, tag=tag) == expected


def test_several_tags_a_stage_and_a_limit_narrow_further(db: Path, site: str) -> None:
    assert ids(db, "--tag", "lr=0.001", "--tag", "seed=1") == "a"
    assert ids(db, "--tag", "lr", "--limit", "2") == "gc"
    assert ids(db, "--tag", "lr", "--sort", "energy", "--reverse") == "acbg"  # two processes of b
    assert ids(db, "--stage", "training") == "ba"
    assert on_page(site, stage="training", tag="lr=0.01") == "b"
    assert on_page(site, stage="none such") == ""
    assert on_page(site, tag="=0.001") == on_page(site)  # no tag


def test_a_filter_that_no_run_fits_is_said_with_its_words(db: Path) -> None:
    result = CliRunner().invoke(cli, ["report", "--tag", "lr=7", "--stage", "data", "--db", str(db)], standalone_mode=False)
    assert isinstance(result.exception, RunNotFoundError)
    assert "stage 'data', tag lr=7" in str(result.exception)


@pytest.mark.parametrize(
    ("metric", "expected", "which"),
    [
        ("acc", {"b": 0.95, "a": 0.9, "c": 0.82, "g": 0.3}, "highest"),
        ("loss", {"g": 0.1, "b": 0.1, "a": 0.5, "c": 0.8}, "lowest"),
        ("speed", {"c": 0.82, "a": 0.7, "g": 0.3, "b": 0.1}, "last"),
    ],
)
def test_the_best_value_of_a_metric_and_its_order(db: Path, site: str, metric: str, expected: dict[str, float], which: str) -> None:
    """Of all processes of a run. The best is the first; those without the metric are last in both directions."""
    runs = listed(db, "--metric", metric, "--sort", "metric")
    found = {r["run"]["id"]: r["metric"] for r in runs}
    assert {i: m["value"] for i, m in found.items() if m} == pytest.approx(expected)
    assert {m["which"] for m in found.values() if m} == {which}
    order = "".join(found)
    assert order == "".join(expected) + "fed"
    sign = "" if which == "lowest" else "-"
    assert on_page(site, metric=metric, sort=f"{sign}metric") == order
    backwards = ids(db, "--metric", metric, "--sort", "metric", "--reverse")
    assert backwards[4:] == "fed"
    assert on_page(site, metric=metric, sort=f"{'-' if not sign else ''}metric") == backwards
    page = requests.get(f"{site}/runs", params={"metric": metric}, timeout=HANGS_S).text
    title = f"{'last' if which == 'last' else 'best'} {metric}"
    [head] = re.findall(rf'<th[^>]*><a href="([^"]*)">{title}</a>', page)
    assert head.endswith(f"metric={metric}&amp;sort={sign}metric")  # the first click puts the best first
    assert f'<td class="n" data-head="{title}">–</td>' in page


def test_the_table_and_csv_have_it(db: Path) -> None:
    printed = call(db, "--metric", "acc", columns=80).stdout
    assert "best acc" in printed
    assert "0.9500" in printed
    head, *lines = call(db, "--metric", "acc", "--format", "csv").stdout.splitlines()
    assert {"metric_value", "metric_which"} <= set(head.split(","))
    assert sum(line.count("highest") for line in lines) == 4
    assert all("metric" not in r for r in listed(db))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sort", "metric"), ("--metric val_accuracy",)),
        (("--metric", "accuracy"), ("accuracy", "acc, loss, speed")),
        (("--metric", "acc", "--by", "group"), ("--by group",)),
        (("--tag", "=1"), ("--tag '=1'", "lr=0.001")),
        (("--tag", ""), ("--tag ''",)),
    ],
)
def test_bad_input_is_refused(db: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = call(db, *arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception


def test_a_metric_that_no_run_has_is_an_empty_column_on_the_page(site: str) -> None:
    assert on_page(site, metric="<b>", sort="-metric") == "gfedcba"
    page = requests.get(f"{site}/runs", params={"metric": "<b>"}, timeout=HANGS_S).text
    assert "last &lt;b&gt;" in page
    assert on_page(site, sort="-metric") == "gfedcba"  # without a metric there is no such order
