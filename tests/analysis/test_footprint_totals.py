"""Runs have one range of energy, whichever command adds them up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from trainwatt.cli.main import cli
from trainwatt.presentation.words.quantities import format_range

S = 10**9
HOUR = 3600
BOUNDS = {"edge_low_j": 200.0, "edge_high_j": 300.0, "slack_low_j": 400.0, "slack_high_j": 900.0, "scatter_j2": 1e6}


def gpu(index: int, **changes: Any) -> Row:
    return {"name": f"gpu{index}", "uuid": f"GPU-{index}", "gain_class": "gpu", "model": "NVIDIA L4", "offset_w": 5.0, **changes}


PACKAGE: Row = {"name": "package-0", "kind": "cpu", "gain": 0.03, "gain_class": "cpu", "model": "AMD EPYC 9654"}
STAND_IN: Row = {"name": "dram", "kind": "dram", "gain": 0.0, "gain_class": "model"}
OUTSIDE: Row = {"name": "psys", "kind": "platform", "gain": 0.1, "gain_class": "cpu", "included_in_total": 0}


def stored(path: Path, *runs: list[list[Row]], hours_apart: float = 10, **of_run: Any) -> str:
    """Runs of one group, each some hours after the one before. Each is a list of segments, and each of these a list of devices."""
    rows: dict[str, list[Row]] = {"run": [], "segment": [], "device": [], "curve_point": [], "clock_anchor": []}
    for number, segments in enumerate(runs):
        began = int(number * hours_apart * HOUR) * S
        end = {"started_utc_ns": began, "ended_utc_ns": began + HOUR * S, "duration_s": float(HOUR)}
        rows["run"].append(run(f"r{number}", status="completed", group_name="sweep", zone="FR", **end, **of_run))
        for part, devices in enumerate(segments):
            name = f"s{number}-{part}"
            rows["segment"].append(segment(name, f"r{number}"))
            rows["clock_anchor"].append({"segment_id": name, "monotonic_ns": 0, "utc_ns": began, "boottime_ns": 0})
            for place, columns in enumerate(devices):
                joules = 90_000.0 * (1 + place + number)
                rows["device"].append(device(segment_id=name, **columns))
                ends = [point(0, 0.0, columns["name"], name), point(HOUR * S, joules, columns["name"], name, **BOUNDS)]
                rows["curve_point"] += ends
    return str(write(path, **rows))


def said(db: str, *arguments: str) -> str:
    result = CliRunner().invoke(cli, [*arguments, "--db", db], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def total_line(db: str) -> str:
    return next(line for line in said(db, "footprint", "--group", "sweep").splitlines() if line.startswith("total: "))


@pytest.mark.parametrize(
    "runs",
    [
        ([[gpu(0)]], [[gpu(0)]]),
        ([[gpu(0)]], [[gpu(1)]], [[gpu(2)]]),
        ([[gpu(0), gpu(1), PACKAGE, STAND_IN, OUTSIDE]], [[gpu(1), gpu(2), PACKAGE]]),
        ([[gpu(0)], [gpu(0, gain=0.02, gain_class="meter")]], [[gpu(0)]]),
        ([[{**PACKAGE, "model": None}]], [[PACKAGE]], [[]]),
    ],
    ids=["one board twice", "three boards", "a node and a part of it", "a board whose class changed", "a run without energy"],
)
def test_footprint_and_a_list_by_group_give_one_range(tmp_path: Path, runs: tuple[list[list[Row]], ...]) -> None:
    db = stored(tmp_path / "runs.db", *runs)
    [group] = json.loads(said(db, "list", "--by", "group", "--json"))["groups"]
    energy = [group["energy"][name] for name in ("total_j", "low_j", "high_j")]
    total = json.loads(said(db, "footprint", "--group", "sweep", "--json"))["total"]["all"]
    assert [total[name] for name in ("energy_j", "energy_low_j", "energy_high_j")] == pytest.approx(energy, rel=1e-12)
    text = format_range(*energy)
    assert text in said(db, "list", "--by", "group")
    assert text in total_line(db)
    assert text in said(db, "footprint", "--group", "sweep", "--format", "md")


def test_three_boards_are_known_better_than_their_lows_and_highs_together(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", [[gpu(0)]], [[gpu(1)]], [[gpu(2)]])
    found = json.loads(said(db, "footprint", "--group", "sweep", "--json"))
    each, total = [f["energy"] for f in found["footprints"]], found["total"]["all"]
    assert total["energy_j"] == pytest.approx(sum(e["total_j"] for e in each))
    assert sum(e["low_j"] for e in each) < total["energy_low_j"] < total["energy_high_j"] < sum(e["high_j"] for e in each)


def test_runs_at_the_same_time_have_one_range_counted_once(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", [[gpu(0), gpu(1)]], [[gpu(0), gpu(2)]], [[gpu(3)]], hours_apart=0.25)
    [group] = json.loads(said(db, "list", "--by", "group", "--json"))["groups"]
    energy = [group["counted_once"]["energy"][name] for name in ("total_j", "low_j", "high_j")]
    assert format_range(*energy) in said(db, "footprint", "--group", "sweep", "--format", "md")


def test_a_run_without_grams_is_a_lower_bound_of_the_sum(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", [[gpu(0)]], [[]])
    total = json.loads(said(db, "footprint", "--group", "sweep", "--json"))["total"]["all"]
    assert total["lower_bound"]
    assert total_line(db).startswith("total: ≥ ")
