"""Time that stops, jumps or comes late: cases 17, 18, 19 and 37."""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.powercap import FakePowercap
from tests.fakes.processes import begin
from tests.fakes.recorded import Package, RecordedRun
from tests.fakes.rig import Rig, kinds, so_far
from tests.fakes.sensor import AVERAGE
from tests.fakes.views import assert_within, device, events
from tests.fakes.world import World, finished
from trainwatt.carbon.join import join_all, total
from trainwatt.carbon.series import read_series, utc_ns
from trainwatt.core.units import J_PER_KWH

POWER_W = 100
HOUR_NS = 3600 * 10**9


def grams(run: RecordedRun, csv: str) -> float:
    """The grams of the package: each piece of energy times the intensity of its hour."""
    stored = run.stored
    joined = total(join_all([run.curves["package-0"]], stored.anchors[stored.segments[0].id], [read_series(csv, "grid.csv")]))
    assert joined.unmatched_j == 0
    return joined.total_g


def hourly(first: str, values: list[int], offset: str = "Z") -> str:
    day, hour = first.split("T")
    return "start,intensity_g_per_kwh\n" + "".join(f"{day}T{int(hour) + i:02d}:00{offset},{g}\n" for i, g in enumerate(values))


@pytest.mark.parametrize("step_h", [0, 1, -1])
def test_case_17_a_wall_clock_stepped_by_an_hour_changes_no_joule_and_meets_the_hours_it_shows(machine: FakePowercap, step_h: int) -> None:
    """Four hours from 10:30 on; at half past twelve the clock is set an hour ahead or back, and says what hour it is from then on."""
    package, clock = Package(machine), FakeClock(utc_ns=utc_ns("2026-11-24T10:30Z"))
    run = RecordedRun(machine, clock, package.draw)
    for minute in range(4 * 60):
        if minute == 2 * 60:
            run.move(0.0)
            clock.step_utc_ns(step_h * HOUR_NS)
        run.move(60.0, tick_s=30.0)
    run.end()
    found = device(run.view, "package-0")
    assert found["energy_j"] == pytest.approx(4 * 3600 * POWER_W, abs=1e-6)
    assert found["provenance"]["measured-counter"] == found["energy_j"]
    assert run.view["run"]["duration_s"] == pytest.approx(4 * 3600)
    by_hour = {h: 100 + h * h for h in range(9, 17)}
    hours = {10: 0.5, 11: 1.0, 12: 0.5}
    for hour, share in ((12, 0.5), (13, 1.0), (14, 0.5)):
        hours[hour + step_h] = hours.get(hour + step_h, 0.0) + share
    expected = sum(by_hour[h] * share * POWER_W / 1000 for h, share in hours.items())
    a_minute = POWER_W * 60 / J_PER_KWH * 100  # between two anchors it is not known when the clock was set
    assert grams(run, hourly("2026-11-24T09", list(by_hour.values()))) == pytest.approx(expected, abs=a_minute if step_h else 1e-6)


@pytest.mark.parametrize(
    ("night", "hours"),
    [("2026-03-29", ["01:00+01:00", "03:00+02:00", "04:00+02:00"]), ("2026-10-25", ["02:00+02:00", "02:00+01:00", "03:00+01:00"])],
    ids=["spring", "autumn"],
)
def test_case_17_a_change_of_daylight_saving_moves_nothing(
    machine: FakePowercap, monkeypatch: pytest.MonkeyPatch, night: str, hours: list[str]
) -> None:
    """A local hour that is missing, or comes twice: three true hours of 100 W, each by the intensity of its own."""
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    try:
        package, clock = Package(machine), FakeClock(utc_ns=utc_ns(f"{night}T{hours[0]}"))
        run = RecordedRun(machine, clock, package.draw)
        for _ in range(3 * 60):
            run.move(60.0, tick_s=30.0)
        run.end()
        csv = "start,intensity_g_per_kwh\n" + "".join(f"{night}T{h},{g}\n" for h, g in zip(hours, (100, 300, 700), strict=True))
        assert grams(run, csv) == pytest.approx(0.1 * (100 + 300 + 700), rel=1e-9)
        assert device(run.view, "package-0")["energy_j"] == pytest.approx(3 * 3600 * POWER_W, abs=1e-6)
        assert run.view["run"]["started_at"] == f"{night}T00:00:00.000Z"
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize("restarted", [True, False], ids=["counter restarted", "counter went on"])
def test_case_18_a_suspended_machine_is_shown_and_nothing_is_guessed(machine: FakePowercap, restarted: bool) -> None:
    """A minute, two hours asleep, a minute: the run has two minutes and their energy, and an event says how long it slept."""
    package, clock = Package(machine), FakeClock()
    run = RecordedRun(machine, clock, package.draw)
    run.move(60.0, tick_s=0.5)
    clock.sleep(7200.0)
    if restarted:
        package.show(3 * 10**6)
    run.move(60.0, tick_s=0.5)
    run.end()
    view = run.view
    [suspended] = events(view, "suspended")
    assert "7200 s" in suspended["detail"]
    assert view["run"]["duration_s"] == pytest.approx(120.0)
    found = device(view, "package-0")
    assert found["energy_j"] == pytest.approx(120 * POWER_W, abs=1)
    assert found["low_j"] <= 120 * POWER_W <= found["high_j"]
    assert found["provenance"]["imputed"] == pytest.approx(0.5 * POWER_W if restarted else 0.0, abs=1)
    assert [e["kind"] for e in events(view, "reset")] == (["reset"] if restarted else [])
    rises = [(b.t_ns - a.t_ns, b.energy_j - a.energy_j) for a, b in pairwise(run.curves["package-0"])]
    assert all(0 <= joules <= 1.001 * POWER_W * ns * 1e-9 + 1 for ns, joules in rises)


def test_case_19_a_stopped_process_leaves_the_counter_exact_and_no_disagreement() -> None:
    """The process is stopped for 60 s, in which the load ends. The gauge saw nothing of that, so it does not contradict the counter."""
    rig = Rig(gauges={"power-average": AVERAGE})
    rig.read()
    rig.run(250, 5)
    rig.draw(60, 59.9)
    rig.run(250, 15)
    assert so_far(rig.integrator).energy_j == pytest.approx(rig.true_j, abs=1e-3)
    assert "disagreement" not in kinds(rig.integrator)
    assert so_far(rig.integrator).high_j == pytest.approx(rig.true_j, abs=1.0)


GREEDY = """
import sys, time
from trainwatt import EnergyTracker
sys.setswitchinterval(0.4)  # a loop that never waits keeps the interpreter for as long
with EnergyTracker() as tracker:
    count, until = 0, time.monotonic() + 4
    while time.monotonic() < until:
        count += 1
"""


@pytest.mark.slow
def test_case_37_a_training_loop_in_pure_python_makes_ticks_late_and_no_joule_wrong(world: World) -> None:
    ended = world.run_python(GREEDY)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    view = world.show()
    assert view["sampler"]["missed"] >= 3
    assert [e["kind"] for e in events(view, "late")] == ["late"]
    for name, watts in (("package-0", world.package_w), ("gpu0", world.gpus_w[0])):
        found, true_j = device(view, name), watts * view["run"]["duration_s"]
        assert found["low_j"] <= true_j <= found["high_j"]
        assert found["energy_j"] == pytest.approx(true_j, rel=0.05)
        assert found["provenance"]["measured-counter"] == found["energy_j"]


@pytest.mark.slow
def test_case_19_a_stopped_process_is_running_and_its_counters_bridge_the_pause(world: World) -> None:
    """The process is stopped for 2.5 s instead of 60 s."""
    code = """
with EnergyTracker() as tracker:
    time.sleep(0.8)  # past the calibration
    say(tracker.run_id)
    while not os.path.exists("go"): time.sleep(0.01)
"""
    process, run_id = begin(world, code)
    process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    assert world.show(run_id)["run"]["status"] == "running"
    process.send_signal(signal.SIGCONT)
    time.sleep(0.2)
    Path(world.work / "go").touch()
    assert finished(process).returncode == 0
    view = world.show(run_id)
    truth = world.total_w * view["run"]["duration_s"]
    assert view["run"]["duration_s"] > 2.5
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    assert view["energy"]["total_j"] == pytest.approx(truth, rel=0.08)
    assert view["energy"]["measured_fraction"] == pytest.approx(1.0)
    assert view["sampler"]["missed"] >= 10
    assert [e["kind"] for e in view["events"]] == ["late"]
