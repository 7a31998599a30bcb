"""What runs have lost, from stored rows with a known profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, phase, phase_energy, point, run, segment
from tests.life.advised import LASTS_S, TERMS, Profile, S, advice, call, footprint_of, stored
from trainwatt.cli.main import cli
from trainwatt.core.activity import ActivityPoint, figures, window
from trainwatt.core.point import Point
from trainwatt.errors import ConfigurationError
from trainwatt.life.advice.stretches import Processors, stretches


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


def test_a_gpu_that_waits_for_busy_processors_is_told_apart(tmp_path: Path) -> None:
    """The processors were busy while the GPU waited in the first half of the run, and not while it did in the last fifth."""
    gpu = [(500, 200.0, 0.3), (800, 400.0, 0.95), (1000, 200.0, 0.2)]
    db = stored(tmp_path / "runs.db", [gpu], processors=[(500, 0.0, 0.9), (1000, 0.0, 0.04)])
    bound, waiting = advice(db)["advice"]
    assert (bound["kind"], bound["seconds"], bound["busy"]) == ("data-bound-gpu", 500.0, pytest.approx(0.3))
    assert bound["processors_busy"] == pytest.approx(0.9)
    assert bound["energy_j"] == pytest.approx({"value": 35_000, "low": 0.0, "high": 70_000})
    assert (waiting["kind"], waiting["seconds"], waiting["busy"]) == ("waiting-gpu", 200.0, pytest.approx(0.2))
    assert waiting["processors_busy"] == pytest.approx(0.04)
    assert waiting["energy_j"] == pytest.approx({"value": 16_000, "low": 0.0, "high": 32_000})
    shown = " ".join(call(db, "latest", *TERMS).stdout.split())
    assert "gpu0 of run run-1 waited for busy processors: 35.0 kJ" in shown or "waited for busy processors: 9.72 Wh" in shown
    assert "It was 30 % busy for 8 min 20 s of 16 min 40 s, and the processors 90 % at the same time." in shown
    assert "The preparation of the data is the bottleneck" in shown
    assert "take larger batches" in shown


def test_throttling_is_named_by_reason(tmp_path: Path) -> None:
    """A power limit is a choice. The seconds of heat are named by what the driver says."""
    sums = {"device": "gpu0", "segment_id": "seg-1", "busy_scatter_ms2": 0}
    throttled = json.dumps({"heat": 300_000, "hardware-heat": 120_000, "power-cap": 900_000, "sync-boost": 90_000})
    rows = [{**sums, "t_ns": LASTS_S * S, "seen_ms": LASTS_S * 1000, "busy_ms": 950_000, "throttled": throttled}]
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.95)]], activity_point=rows)
    heat, group = advice(db)["advice"]
    assert (heat["kind"], heat["reasons"], heat["energy_j"]) == ("heat", {"heat": 300.0, "hardware-heat": 120.0}, None)
    assert (group["kind"], group["reasons"], group["seconds"]) == ("group-clocks", {"sync-boost": 90.0}, 90.0)
    assert "heat for 5 min 00 s and too much heat for 2 min 00 s, of 16 min 40 s" in " ".join(call(db, "latest", *TERMS).stdout.split())


def test_a_host_for_one_busy_gpu_of_eight_is_one_loss(tmp_path: Path) -> None:
    """Seven GPUs of 100 W were idle: 700 kJ, and seven eighths of what the making of the GPUs and the host has emitted."""
    profiles: list[Profile] = [[(1000, 500.0, 0.9)], *([(1000, 100.0, 0.0)] for _ in range(7))]
    held = [
        {"run_id": "run-1", "host": "node-a", "kind": "gpu", "name": f"gpu{n}", "detail": '{"model": "NVIDIA H100 80GB HBM3"}'}
        for n in range(8)
    ]
    db = stored(tmp_path / "runs.db", profiles, inventory=held)
    [loss] = advice(db)["advice"]
    assert (loss["kind"], loss["busy_gpus"], loss["of_gpus"], loss["host"]) == ("held-host", 1, 8, "node-a")
    assert loss["energy_j"]["value"] == pytest.approx(700_000)
    whole = footprint_of(db)
    assert loss["embodied_g"]["value"] == pytest.approx(whole["embodied_g"] * 7 / 8)
    assert loss["grams"]["value"] == pytest.approx(70.0 + whole["embodied_g"] * 7 / 8)
    shown = " ".join(call(db, "latest", *TERMS).stdout.split())
    assert "Host node-a of run run-1 was held for 1 busy GPU of 8" in shown
    assert "gpu1, gpu2, gpu3, gpu4, gpu5 and 2 more were idle for 16 min 40 s" in shown


def test_gpus_of_a_job_that_were_not_read_are_held_too(tmp_path: Path) -> None:
    """A job of Slurm had four GPUs, of which the run has seen one. The joules of the others are not known, the making of them is."""
    held = [{"run_id": "run-1", "host": "node-a", "kind": "gpu", "name": "gpu0", "detail": '{"model": "NVIDIA H100 80GB HBM3"}'}]
    held += [{"run_id": "run-1", "host": "node-a", "kind": "allocation", "name": "7", "detail": '{"job": "7", "gpus": 4, "of_gpus": 4}'}]
    db = stored(tmp_path / "runs.db", [[(1000, 500.0, 0.9)]], inventory=held)
    [loss] = advice(db)["advice"]
    assert (loss["kind"], loss["busy_gpus"], loss["of_gpus"], loss["energy_j"]) == ("held-host", 1, 4, None)
    assert loss["grams"]["value"] == pytest.approx(3 * footprint_of(db)["embodied_g"])
    assert "the job had 3 GPUs more that this run has not read" in " ".join(call(db, "latest", *TERMS).stdout.split())


def test_a_gpu_that_no_process_used_is_idle_where_its_driver_does_not_tell(tmp_path: Path) -> None:
    detail = [
        {"run_id": "run-1", "host": "node-a", "kind": "gpu", "name": f"gpu{n}", "detail": json.dumps({"used": n == 0})} for n in range(2)
    ]
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.9)], [(1000, 60.0, 0.0)]], activity_point=[], inventory=detail)
    [loss] = advice(db)["advice"]
    assert (loss["kind"], loss["names"]) == ("idle-gpu", ["gpu1"])
    assert loss["energy_j"]["value"] == pytest.approx(60_000)


def test_many_small_losses_are_one_large_one(tmp_path: Path) -> None:
    """Each of 150 runs has lost a fiftieth of its energy, and so less than 1 % of all."""
    db = tmp_path / "runs.db"
    for number in range(150):
        stored(db, [[(800, 300.0, 0.9), (1000, 60.0, 0.0)]], name=f"run{number:03}", gain=0.0001, start_utc_ns=number * LASTS_S * S)
    view = advice(db, "--project", "digits")
    [loss] = view["advice"]
    assert (loss["kind"], loss["run"], len(loss["runs"]), view["below_error"]) == ("idle-gpu", None, 150, 0)
    assert loss["energy_j"]["value"] == pytest.approx(150 * 12_000)
    assert loss["grams"]["value"] == pytest.approx(150 * 1.2)
    assert "GPUs of 150 runs were held and idle" in call(db, "--project", "digits", *TERMS).stdout


def test_a_machine_without_gpus_is_idle_when_its_processors_are(tmp_path: Path) -> None:
    """A program of one thread is not idle, although it uses a tenth of the processors only."""
    points = [point(0, 0.0, "package-0"), *(point(t * S, 100.0 * t, "package-0") for t in (400, 1000))]
    processors = [device("package-0", kind="cpu", gain=0.01)]
    db = stored(tmp_path / "a.db", [], processors=[(400, 0.0, 0.1), (1000, 0.0, 0.001)], device=processors, curve_point=points)
    [loss] = advice(db)["advice"]
    assert (loss["kind"], loss["seconds"], loss["names"]) == ("idle-processors", 600.0, ["package-0"])
    assert loss["energy_j"]["value"] == pytest.approx(60_000)
    assert "The processors of run run-1 were held and idle" in call(db, "latest", *TERMS).stdout
    busy = stored(tmp_path / "b.db", [], processors=[(1000, 0.0, 0.1)], device=processors, curve_point=points)
    assert advice(busy)["advice"] == []


def test_the_error_is_that_of_the_devices_in_question(tmp_path: Path) -> None:
    """Beside processors whose energy is modelled, and may be off by more than an idle GPU has used."""
    modelled = [point(t * S, 0.0, "cpu", modelled_j=200.0 * t, slack_low_j=100.0 * t, slack_high_j=150.0 * t) for t in (0, LASTS_S)]
    db = stored(tmp_path / "runs.db", [[(500, 600.0, 0.95), (1000, 70.0, 0.0)]])
    write(db, device=[device("cpu", kind="cpu", gain=0.0, gain_class="model")], curve_point=modelled)
    view = advice(db)
    assert (view["energy_j"]["high"] - view["energy_j"]["low"]) / 2 > 100_000
    [loss] = view["advice"]
    assert (loss["kind"], loss["energy_j"]["value"]) == ("idle-gpu", pytest.approx(35_000))


def test_gpus_that_wait_together_are_one_loss(tmp_path: Path) -> None:
    gpu = [(1000, 200.0, 0.3)]
    db = stored(tmp_path / "runs.db", [gpu, gpu, [(500, 200.0, 0.9), (1000, 100.0, 0.1)], [(1000, 300.0, 0.95)]])
    [loss] = advice(db)["advice"]
    assert (loss["kind"], loss["names"]) == ("waiting-gpu", ["gpu0", "gpu1", "gpu2"])
    assert loss["energy_j"] == pytest.approx({"value": 162_500, "low": 0.0, "high": 325_000})
    assert loss["busy"] == pytest.approx((0.3 + 0.3 + 0.05) / 2.5)
    assert "gpu0, gpu1 and gpu2 of run run-1 waited" in call(db, "latest", *TERMS).stdout


def test_a_short_work_in_an_idle_time_is_not_a_wait(tmp_path: Path) -> None:
    """A GPU that works for 4 s now and then, and is looked at every 10 s."""
    works = range(510, LASTS_S + 1, 50)
    short = (0.4 * 600.0 + 0.6 * 70.0, 0.4 * 0.9)
    profile = [(t, *((600.0, 0.9) if t <= 200 else short if t in works else (70.0, 0.0))) for t in range(10, LASTS_S + 1, 10)]
    found = advice(stored(tmp_path / "runs.db", [profile]))["advice"]
    assert [a["kind"] for a in found] == ["idle-gpu"]
    assert found[0]["seconds"] == pytest.approx(800 - 10 * 4)
    assert found[0]["energy_j"]["value"] == pytest.approx(70 * (800 - 10 * 4))


@pytest.mark.parametrize("ends_s", [500.0, 504.0, 507.5, 509.9])
@pytest.mark.parametrize("first", [True, False])
def test_an_idle_time_may_begin_and_end_between_two_looks(ends_s: float, first: bool) -> None:
    """A GPU that is looked at every 10 s, and is idle until, or from, an instant in between, at 70 W beside 600 W."""
    looks = range(0, LASTS_S + 1, 10)
    busy_s = [max(0.0, t - ends_s) if first else min(float(t), ends_s) for t in looks]
    activity = [ActivityPoint(t * S, t * 1000.0, 1000 * 0.9 * busy) for t, busy in zip(looks, busy_s, strict=True)]
    curve = [Point(t * S, 600 * busy + 70 * (t - busy), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0) for t, busy in zip(looks, busy_s, strict=True)]
    found = stretches(activity, curve)
    assert found is not None
    idle_s = ends_s if first else LASTS_S - ends_s
    assert found.idle.seconds == pytest.approx(idle_s, rel=1e-3)
    assert found.idle.energy_j == pytest.approx(70 * idle_s, rel=1e-3)
    assert found.whole.energy_j == pytest.approx(curve[-1].energy_j)
    assert found.waiting.seconds == found.data_bound.seconds == 0.0


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0.0, 1.0)), min_size=1, max_size=8),
    st.integers(-5, 400),
    st.integers(-5, 400),
)
def test_the_busy_share_of_processors_is_that_of_their_activity(steps: list[tuple[int, float]], start_s: int, end_s: int) -> None:
    """As `core.activity` has it, of which the quick way takes one figure only."""
    at, points = 0, [ActivityPoint(0, cpus=4.0)]
    busy_ms = 0.0
    for seconds, share in steps:
        at, busy_ms = at + seconds, busy_ms + 4000 * share * seconds
        points.append(ActivityPoint(at * S, at * 1000.0, busy_ms, cpus=4.0))
    found = Processors(points).between(start_s * S, end_s * S)
    seen = window(points, start_s * S, end_s * S)
    about = None if seen is None else figures(seen)
    assert found == (None if about is None else pytest.approx(about.busy, abs=1e-9))


@given(st.lists(st.tuples(st.floats(0.0, 1.0) | st.just(0.0), st.floats(50.0, 700.0), st.floats(0.0, 1.0)), min_size=1, max_size=20))
def test_the_stretches_of_any_gpu_are_parts_of_its_time_and_energy(looks: list[tuple[float, float, float]]) -> None:
    curve, activity, processors = [Point(0)], [ActivityPoint(0)], [ActivityPoint(0, cpus=2.0)]
    for number, (busy, watts, beside) in enumerate(looks, start=1):
        curve.append(Point(number * 10 * S, curve[-1].energy_j + 10 * watts))
        activity.append(ActivityPoint(number * 10 * S, number * 10_000.0, (activity[-1].busy_ms or 0.0) + 10_000 * busy))
        busy_ms = (processors[-1].busy_ms or 0.0) + 20_000 * beside
        processors.append(ActivityPoint(number * 10 * S, number * 10_000.0, busy_ms, cpus=2.0))
    found = stretches(activity, curve, processors)
    assert found is not None
    assert found.whole.seconds == pytest.approx(10 * len(looks))
    assert found.whole.energy_j == pytest.approx(curve[-1].energy_j)
    assert found.whole.busy_s == pytest.approx(sum(10 * busy for busy, _, _ in looks), abs=0.2 * len(looks))  # idle: 2 % of 10 s
    for part in (found.idle, found.data_bound, found.waiting):
        assert 0.0 <= part.seconds <= found.whole.seconds + 1e-6
        assert 0.0 <= part.energy_j <= found.whole.energy_j + 1e-6


def test_a_run_that_is_a_test_is_not_advised_to_test_less(tmp_path: Path) -> None:
    energies = [{**phase_energy(0, 290_000.0), "slack_low_j": 0.0, "slack_high_j": 0.0, "scatter_j2": 0.0}]
    db = stored(tmp_path / "runs.db", [[(1000, 300.0, 0.97)]], phase=[phase(0, "test")], phase_energy=energies)
    assert advice(db)["advice"] == []


def test_many_gpus_that_are_idle_for_a_part_of_a_run_are_one_loss(tmp_path: Path) -> None:
    gpus: list[Profile] = [[(500, 500.0, 0.95), (1000, 80.0, 0.0)]] * 8
    [loss] = advice(stored(tmp_path / "runs.db", gpus))["advice"]
    assert (loss["kind"], len(loss["names"]), loss["seconds"]) == ("idle-gpu", 8, 500.0)
    assert loss["energy_j"]["value"] == pytest.approx(320_000)
    shown = " ".join(call(tmp_path / "runs.db", "latest", *TERMS).stdout.split())
    assert "gpu0, gpu1, gpu2, gpu3, gpu4 and 3 more of run run-1 were held and idle" in shown
    assert "Each, on average, for 8 min 20 s of 16 min 40 s." in shown


def test_what_many_runs_have_lost_is_one_line(tmp_path: Path) -> None:
    """The run that has lost the most comes first. Three runs have a line each."""
    db = tmp_path / "runs.db"
    for number in range(5):
        lost = [(500 + 10 * number, 300.0, 0.9), (1000, 100.0, 0.0)]
        stored(db, [lost], name=f"run{number}", start_utc_ns=number * LASTS_S * S)
    [loss] = advice(db, "--project", "digits")["advice"]
    assert (loss["runs"], loss["run"]) == ([f"run{n}" for n in range(5)], None)
    assert loss["energy_j"]["value"] == pytest.approx(sum(100 * (500 - 10 * n) for n in range(5)))
    assert [a["run"] for a in advice(db, "run4", "run2", "run0")["advice"]] == ["run0", "run2", "run4"]


def test_heat_of_many_runs_is_added_up(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    for number in range(4):
        sums = {"device": "gpu0", "segment_id": f"seg-r{number}", "busy_scatter_ms2": 0, "throttled": '{"heat": 300000}'}
        rows = [{**sums, "t_ns": LASTS_S * S, "seen_ms": LASTS_S * 1000, "busy_ms": 950_000}]
        stored(db, [[(1000, 300.0, 0.95)]], name=f"r{number}", start_utc_ns=number * LASTS_S * S, activity_point=rows)
    [loss] = advice(db, "--project", "digits")["advice"]
    assert (loss["kind"], loss["energy_j"], loss["grams"], loss["reasons"]) == ("heat", None, None, {"heat": 1200.0})
    assert "By their drivers: heat for 20 min 00 s, of 1 h 06 min." in " ".join(call(db, "--project", "digits").stdout.split())


@pytest.mark.parametrize(
    "gpus",
    [
        {"run": [run(status="completed", ended_utc_ns=LASTS_S * S, duration_s=float(LASTS_S), settings='{"gpus": []}')]},
        {"inventory": [{"run_id": "run-1", "host": "node-a", "kind": "host", "name": "x", "detail": '{"gpus": 8}'}]},
    ],
)
def test_processors_beside_gpus_that_were_not_read_may_have_waited_for_them(tmp_path: Path, gpus: dict[str, Any]) -> None:
    points = [point(0, 0.0, "package-0"), point(LASTS_S * S, 100_000.0, "package-0")]
    of_machine: dict[str, Any] = {"device": [device("package-0", kind="cpu", gain=0.01)], "curve_point": points}
    idle: Profile = [(1000, 0.0, 0.001)]
    assert [a["kind"] for a in advice(stored(tmp_path / "a.db", [], processors=idle, **of_machine))["advice"]] == ["idle-processors"]
    assert advice(stored(tmp_path / "b.db", [], processors=idle, **of_machine, **gpus))["advice"] == []
