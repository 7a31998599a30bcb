"""What runs have lost, from stored rows with a known profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, phase, phase_energy, point, run, segment
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError

S = 10**9
LASTS_S = 1000
TERMS = ("--intensity", "360", "--pue", "1")
"""A tenth of a milligram a joule."""

Profile = list[tuple[int, float, float]]
"""Until when, in seconds, how many watts, and which share of the time a GPU was busy."""


def stored(path: Path, gpus: list[Profile], *, gain: float = 0.01, status: str = "completed", **rows: list[Row]) -> Path:
    """A run of 1,000 s with GPUs that did what their profiles say."""
    points: list[Row] = []
    activity: list[Row] = []
    for number, profile in enumerate(gpus):
        name, at, joules, busy_ms = f"gpu{number}", 0, 0.0, 0.0
        points.append(point(0, 0.0, name, edge_low_j=0.0, edge_high_j=0.0))
        for until, watts, busy in profile:
            for second in range(at + 10, until + 1, 10):
                joules, busy_ms = joules + 10 * watts, busy_ms + 10_000 * busy
                points.append(point(second * S, joules, name, edge_low_j=0.0, edge_high_j=0.0))
                sums = {"seen_ms": second * 1000, "busy_ms": round(busy_ms), "busy_scatter_ms2": 0, "throttled": "{}"}
                activity.append({"segment_id": "seg-1", "device": name, "t_ns": second * S, **sums})
            at = until
    more: dict[str, list[Row]] = {
        "run": [run(status=status, started_utc_ns=0, ended_utc_ns=LASTS_S * S, duration_s=float(LASTS_S))],
        "segment": [segment(status=status, start_t_ns=0, end_t_ns=LASTS_S * S)],
        "device": [device(f"gpu{number}", uuid=f"GPU-{number}", gain=gain) for number in range(len(gpus))],
        "curve_point": points,
        "activity_point": activity,
    }
    return write(path, **more, **rows)


def call(db: Path, *arguments: str, **env: str) -> Result:
    return CliRunner().invoke(cli, ["advise", *arguments, "--db", str(db)], env={"COLUMNS": "100", **env}, standalone_mode=False)


def advice(db: Path, *arguments: str) -> Any:
    result = call(db, *(arguments or ("latest",)), *TERMS, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_a_gpu_that_is_idle_for_half_of_the_run_is_the_first_line(tmp_path: Path) -> None:
    """80 W for 500 s, beside a GPU that works: 40 kJ of 640 kJ."""
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.95)], [(500, 600.0, 0.9), (1000, 80.0, 0.0)]])
    view = advice(db)
    first = view["advice"][0]
    assert (first["kind"], first["names"], first["run"]) == ("idle-gpu", ["gpu1"], "run-1")
    assert first["energy_j"]["value"] == pytest.approx(40_000, rel=0.05)
    assert first["energy_j"]["low"] < 40_000 < first["energy_j"]["high"]
    assert (first["seconds"], first["of_seconds"]) == (pytest.approx(500), pytest.approx(1000))
    assert first["grams"]["value"] == pytest.approx(4.0, rel=0.05)
    assert first["share"] == pytest.approx(40 / 640, rel=0.05)
    printed = call(db, "latest", *TERMS).stdout
    assert "gpu1 of run run-1 was held and idle: 40.0 kJ" in printed or "gpu1 of run run-1 was held and idle: 11.1 Wh" in printed
    assert "CUDA_VISIBLE_DEVICES" in printed


def test_a_gpu_that_waits_for_data_has_a_wide_range(tmp_path: Path) -> None:
    """30 % busy at 200 W: of its 200 kJ, between nothing and 70 % would not have been needed."""
    view = advice(stored(tmp_path / "runs.db", [[(1000, 200.0, 0.3)]]))
    [first] = view["advice"]
    assert first["kind"] == "waiting-gpu"
    assert first["energy_j"] == pytest.approx({"value": 70_000, "low": 0.0, "high": 140_000})
    assert first["busy"] == pytest.approx(0.3)


def test_a_run_without_losses_is_told_so(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.97)]])
    assert advice(db)["advice"] == []
    assert "Nothing stands out." in call(db, "latest").stdout


def test_nothing_below_the_error_of_the_measurement_is_advised(tmp_path: Path) -> None:
    """The same idle GPU, with a sensor that may be off by a tenth of all."""
    profiles: list[Profile] = [[(1000, 300.0, 0.95)], [(500, 600.0, 0.9), (1000, 80.0, 0.0)]]
    view = advice(stored(tmp_path / "runs.db", profiles, gain=0.2))
    assert (view["advice"], view["below_error"]) == ([], 1)


def test_failed_runs_are_lost(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.97)]], status="failed")
    [first] = advice(db)["advice"]
    assert (first["kind"], first["names"]) == ("lost-runs", ["run-1"])
    assert first["energy_j"]["value"] == pytest.approx(300_000)
    assert first["share"] == pytest.approx(1.0)


def test_what_two_runs_have_read_at_the_same_time_is_lost_once(tmp_path: Path) -> None:
    """A tracker and `trainwatt run` beside it, of one idle GPU: 300 kJ are lost, not 600."""
    ended = {"started_utc_ns": 0, "ended_utc_ns": LASTS_S * S, "duration_s": float(LASTS_S), "status": "failed"}
    rows: dict[str, list[Row]] = {"run": [], "segment": [], "device": [], "curve_point": [], "activity_point": []}
    for name in ("a", "b"):
        rows["run"].append(run(name, **ended))
        rows["segment"].append(segment(f"s-{name}", name, status="failed", start_t_ns=0, end_t_ns=LASTS_S * S))
        rows["device"].append(device("gpu0", f"s-{name}", uuid="GPU-0", gain=0.01))
        rows["curve_point"] += [point(t * S, 300.0 * t, "gpu0", f"s-{name}") for t in (0, LASTS_S)]
        sums = {"t_ns": LASTS_S * S, "seen_ms": LASTS_S * 1000, "busy_ms": 0, "busy_scatter_ms2": 0, "throttled": "{}"}
        rows["activity_point"].append({"segment_id": f"s-{name}", "device": "gpu0", **sums})
    found = advice(write(tmp_path / "runs.db", **rows), "a", "b")["advice"]
    for kind in ("idle-gpu", "lost-runs"):
        assert sum(a["energy_j"]["value"] for a in found if a["kind"] == kind) == pytest.approx(300_000, rel=0.01)


def test_validation_that_takes_much_is_named(tmp_path: Path) -> None:
    phases = [phase(0, "train"), phase(1, "validate"), phase(2, "evaluate")]
    energies = [
        {**phase_energy(seq, joules), "slack_low_j": 0.0, "slack_high_j": 0.0, "scatter_j2": 0.0}
        for seq, joules in ((0, 180_000.0), (1, 80_000.0), (2, 40_000.0))
    ]
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.97)]], phase=phases, phase_energy=energies)
    [first] = advice(db)["advice"]
    assert (first["kind"], sorted(first["names"])) == ("checks", ["evaluate", "validate"])
    assert first["energy_j"]["value"] == pytest.approx(120_000)


def test_a_run_of_an_earlier_version_says_that_its_activity_is_not_known(tmp_path: Path) -> None:
    rows: dict[str, list[Row]] = {
        "run": [run(status="completed", started_utc_ns=0, ended_utc_ns=LASTS_S * S, duration_s=float(LASTS_S))],
        "segment": [segment(status="completed", start_t_ns=0, end_t_ns=LASTS_S * S)],
        "device": [device(gain=0.01)],
        "curve_point": [point(0, 0.0), point(LASTS_S * S, 300_000.0)],
    }
    db = write(tmp_path / "runs.db", **rows)
    view = advice(db)
    assert (view["advice"], view["without_activity"]) == ([], ["run-1"])
    assert "is not known of 1 run (run-1)" in call(db, "latest").stdout


def test_the_largest_loss_is_the_first(tmp_path: Path) -> None:
    profiles: list[Profile] = [[(1000, 300.0, 0.0)], [(1000, 100.0, 0.0)], [(1000, 500.0, 0.9)]]
    assert [a["names"] for a in advice(stored(tmp_path / "runs.db", profiles))["advice"]] == [["gpu0"], ["gpu1"]]


def test_a_run_must_be_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["advise", "--db", str(stored(tmp_path / "runs.db", []))], standalone_mode=False)
    assert isinstance(result.exception, ConfigurationError)
    assert "no run is named" in str(result.exception)
