"""`trainwatt list --to`: the energy until a metric reached a target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from trainwatt.analysis.work.target import target_of
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError

S = 10**9
VALUES = {"slow": (0.5, 0.8, 0.9, 0.98), "fast": (0.9, 0.98, 0.99, 0.99), "never": (0.1, 0.2, 0.3, 0.4), "broken": (0.97, 0.99, 0.5, 0.5)}
"""The accuracy of runs after 20, 40, 60 and 80 of their 100 s, at 100 W."""


@pytest.fixture
def db(tmp_path: Path) -> Path:
    rows: dict[str, list[Row]] = {name: [] for name in ("run", "segment", "device", "clock_anchor", "curve_point", "metric_point")}
    for number, (name, values) in enumerate({**VALUES, "silent": ()}.items()):
        segment_id, began = f"s-{name}", number * 1000 * S
        end = {"started_utc_ns": began, "ended_utc_ns": began + 100 * S, "duration_s": 100.0, "status": "completed"}
        rows["run"].append(run(name, name=name, **end))
        rows["segment"].append(segment(segment_id, name, status="completed", start_t_ns=7 * S, end_t_ns=107 * S))
        rows["device"].append(device("gpu0", segment_id, uuid=f"GPU-{name}", gain=0.1))
        rows["clock_anchor"].append({"segment_id": segment_id, "monotonic_ns": 7 * S, "utc_ns": began, "boottime_ns": 0})
        rows["curve_point"] += [point((7 + t) * S, 100.0 * t, "gpu0", segment_id) for t in (0, 100)]
        rows["metric_point"] += [
            {"segment_id": segment_id, "name": metric, "seq": n, "t_ns": (7 + 20 * (n + 1)) * S, "step": n, "value": value}
            for metric, sign in (("accuracy", 1.0), ("loss", -1.0))
            for n, value in enumerate(sign * v for v in values)
        ]
    return write(tmp_path / "runs.db", **rows)


def call(db: Path, *arguments: str, columns: int = 120) -> Result:
    return CliRunner().invoke(cli, ["list", *arguments, "--db", str(db)], env={"COLUMNS": str(columns)}, standalone_mode=False)


def listed(db: Path, *arguments: str) -> Any:
    result = call(db, *arguments, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)["runs"]


@pytest.mark.parametrize("target", ["accuracy>=0.98", " accuracy  ≥ 9.8e-1 ", "loss<=-0.98"])
def test_a_sweep_is_ranked_by_the_energy_to_a_target(db: Path, target: str) -> None:
    """The least energy first; those that never got there come last, also in the opposite order. The first time counts."""
    runs = listed(db, "--to", target, "--sort", "to")
    assert [(r["run"]["name"], r["to"] and (r["to"]["energy_j"], r["to"]["after_s"])) for r in runs[:3]] == [
        ("broken", (4000.0, 40.0)),
        ("fast", (4000.0, 40.0)),
        ("slow", (8000.0, 80.0)),
    ]
    assert {r["run"]["name"] for r in runs[3:]} == {"never", "silent"}
    assert runs[0]["to"]["low_j"] < 4000.0 < runs[0]["to"]["high_j"]
    backwards = listed(db, "--to", target, "--sort", "to", "--reverse")
    assert [r["run"]["name"] for r in backwards[:1]] == ["slow"]
    assert {r["run"]["name"] for r in backwards[3:]} == {"never", "silent"}


def test_the_table_has_a_column_of_it(db: Path) -> None:
    printed = call(db, "--to", "accuracy>=0.98", "--sort", "to").stdout
    assert "to accuracy ≥ 0.98" in printed
    assert printed.count("never") >= 2
    assert "1.11 Wh" in printed or "4.00 kJ" in printed


def test_csv_has_its_figures(db: Path) -> None:
    head, *lines = call(db, "--to", "accuracy>=0.98", "--format", "csv").stdout.splitlines()
    assert {"to_j", "to_low_j", "to_high_j", "to_s", "to_value"} <= set(head.split(","))
    assert len(lines) == 5


def test_the_limit_keeps_the_best(db: Path) -> None:
    assert [r["run"]["name"] for r in listed(db, "--to", "accuracy>=0.985", "--sort", "to", "--limit", "1")] == ["broken"]


def test_without_the_option_nothing_is_added(db: Path) -> None:
    assert all("to" not in r for r in listed(db))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "accuracy"), ("--to 'accuracy'", "val_accuracy>=0.98")),
        (("--to", "accuracy>0.9"), ("no target",)),
        (("--to", ">=0.9"), ("no target",)),
        (("--to", "accuracy>=high"), ("high is no number",)),
        (("--to", "accuracy>=nan"), ("nan is no number",)),
        (("--to", "acc>=0.9"), ("acc", "accuracy, loss")),
        (("--sort", "to"), ("--to",)),
        (("--to", "accuracy>=0.9", "--by", "group"), ("--by group",)),
    ],
)
def test_bad_input_is_refused(db: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = call(db, *arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception


def test_a_metric_may_have_signs_in_its_name() -> None:
    assert target_of("val/acc@1 >= 0.5") == ("val/acc@1", True, 0.5)
    assert str(target_of("loss<=1e-3")) == "loss ≤ 0.001"


@pytest.mark.parametrize("columns", [60, 80])
def test_the_energy_to_the_target_is_the_last_column_to_go(db: Path, columns: int) -> None:
    """It is what the list is sorted by, so a narrow terminal has it too."""
    printed = call(db, "--to", "accuracy>=0.98", "--sort", "to", columns=columns).stdout
    assert "never" in printed
    assert "4000 J" in printed or "1.11 Wh" in printed
    assert "no room for: to" not in printed


def test_the_names_that_tell_the_runs_apart_are_whole(tmp_path: Path) -> None:
    """At 80 columns, with long names of metrics and runs."""
    rows: dict[str, list[Row]] = {name: [] for name in ("run", "segment", "device", "clock_anchor", "curve_point", "metric_point")}
    for number, rate in enumerate(("0.0003", "0.003", "0.03")):
        end = {"started_utc_ns": number * 1000 * S, "ended_utc_ns": (number * 1000 + 100) * S, "duration_s": 100.0, "status": "completed"}
        rows["run"].append(run(rate, project="digits", name=f"lr={rate}", **end))
        rows["segment"].append(segment(rate, rate, status="completed", start_t_ns=0, end_t_ns=100 * S))
        rows["metric_point"].append({"segment_id": rate, "name": "val_accuracy", "seq": 0, "t_ns": S, "step": 0, "value": 0.5})
    printed = call(write(tmp_path / "named.db", **rows), "--to", "val_accuracy>=0.97", "--sort", "to", columns=80).stdout
    assert all(f"digits/lr={rate} " in printed for rate in ("0.0003", "0.003", "0.03"))
    assert "no room for" not in printed
