"""The energy of a run so far, for who asks during the training."""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.world import TRAINWATT, World, enter, finished
from trainwatt import EnergyTracker
from trainwatt.tracking.budgeting.live import Live

LOOP = """
import time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    first = tracker.energy_j
    begun = time.monotonic()
    seen = []
    while time.monotonic() < begun + 3:
        time.sleep(0.05)
        seen.append((time.monotonic() - begun, tracker.energy_j, tracker.power_w))
assert tracker.power_w is None
known = [(t, j, w) for t, j, w in seen if j is not None]
print(first, len(seen) - len(known), all(a[1] <= b[1] for a, b in zip(known, known[1:])), *known[-1])
print(tracker.energy_j, tracker.summary().to_dict()["energy"]["total_j"])
"""


@pytest.mark.slow
def test_the_energy_so_far_is_known_during_the_loop_and_equals_the_total_after_it(world: World) -> None:
    ended = world.run_python(LOOP)
    assert (ended.returncode, ended.stderr) == (0, "")
    during, after = (line.split() for line in ended.stdout.splitlines())
    assert int(during[1]) < 20
    assert during[2] == "True"
    t_s, joules, watts = map(float, during[3:])
    assert joules == pytest.approx(world.total_w * t_s, rel=0.2)
    assert watts == pytest.approx(world.total_w, rel=0.2)
    assert float(after[0]) == pytest.approx(float(after[1]), rel=1e-9)


JOINED = """
import time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    begun = time.monotonic()
    while tracker.energy_j is None and time.monotonic() < begun + 60:
        time.sleep(0.05)
    print(tracker.energy_j)
print(tracker.energy_j is not None)
"""


@pytest.mark.slow
def test_a_tracker_within_a_command_knows_what_the_command_has_stored(world: World) -> None:
    ended = finished(world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", JOINED]))
    first, later = ended.stdout.splitlines()
    assert later == "True"
    assert 0 < float(first) <= world.show()["energy"]["total_j"]


RESUMED = """
import time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    time.sleep(0.6)
    tracker.pause()
    before = tracker.energy_j
    tracker.resume()
    begun = time.monotonic()
    while (tracker.energy_j or 0) <= before and time.monotonic() < begun + 60:
        time.sleep(0.05)
print(before, tracker.energy_j, tracker.summary().to_dict()["energy"]["total_j"])
"""


@pytest.mark.slow
def test_a_run_that_goes_on_begins_with_what_it_had(world: World) -> None:
    ended = world.run_python(RESUMED)
    assert (ended.returncode, ended.stderr) == (0, "")
    before, live_j, total_j = map(float, ended.stdout.split())
    assert 0 < before < live_j
    assert live_j == pytest.approx(total_j, rel=1e-9)


def test_nothing_is_known_before_the_first_run_nor_without_a_sensor(tmp_path: Path) -> None:
    tracker = EnergyTracker(db=tmp_path / "runs.db")
    assert (tracker.energy_j, tracker.power_w) == (None, None)
    with tracker:
        assert tracker.power_w is None
        assert tracker.energy_j is None or tracker.energy_j >= 0  # a processor is modelled


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1e9)), min_size=1, max_size=12))
def test_figures_of_any_order_in_time_give_a_power_and_never_an_error(published: list[tuple[int, float]]) -> None:
    live = Live(FakeClock(), None)
    highest_j = 0.0
    for t_ns, energy_j in published:
        live._publish(t_ns, energy_j)
        assert live.power_w is None or live.power_w >= 0
        assert live.energy_j is not None
        assert live.energy_j >= highest_j
        highest_j = live.energy_j


def test_who_asks_opens_no_database_and_calls_no_driver(world: World, nvml_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: a thousand questions make not one call."""
    enter(world, monkeypatch, nvml_library)
    with EnergyTracker() as tracker:
        run = tracker._begun
        assert run is not None
        assert run.sampler is not None
        run.sampler.poll()
        run.recorder.flush()
        mine = threading.get_ident()
        calls: list[tuple[str, object]] = []

        def audit(event: str, arguments: object) -> None:
            if threading.get_ident() == mine and watching:
                calls.append((event, arguments))

        def profiled(frame: object, event: str, argument: object) -> None:
            if event == "c_call":
                calls.append((event, argument))

        watching = True
        sys.addaudithook(audit)
        values = [tracker.energy_j for _ in range(1000)]
        watching = False
        sys.setprofile(profiled)
        tracker.energy_j  # noqa: B018
        sys.setprofile(None)
    assert all(value is not None and value >= 0 for value in values)
    named = [call for event, call in calls if event == "c_call"]
    assert [call for call in calls if call[0] != "c_call"] == []
    assert len(named) < 20
    assert not any(isinstance(getattr(call, "__self__", None), sqlite3.Connection) for call in named)
