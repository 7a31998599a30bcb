"""Runs that did not end normally, on a wall clock that was set meanwhile: how long they lasted, and what is computed from that."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.powercap import FakePowercap
from tests.fakes.recorded import Package, RecordedRun
from tests.fakes.views import device
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.over_time.figures import figures
from trainwatt.analysis.over_time.live import LiveRun
from trainwatt.analysis.totals import members
from trainwatt.core.clock import Anchor
from trainwatt.storage.read.several.lasting import UNSEEN_NS, Lived, last_t_ns, lasted_s
from trainwatt.storage.read.store import Store

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
S = 10**9


class Gone:
    """The machine of a run whose process was killed."""

    def __init__(self, segment: Any) -> None:
        self.host, self.boot_id, self.pid_namespace = segment.host, segment.boot_id, segment.pid_namespace

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        return False


def measured(machine: FakePowercap, step_ns: int, *, seconds: int = 100, killed: bool = True) -> Store:
    """A run of that length whose wall clock is set after 61 s, just after an anchor was stored. Then it is killed, or goes on."""
    random = machine.procfs / "sys/kernel/random"
    random.mkdir(parents=True)
    (random / "boot_id").write_text("a-boot\n")
    package, clock = Package(machine), FakeClock()
    run = RecordedRun(machine, clock, package.draw)
    for second in range(seconds):
        if second == 62:
            clock.step_utc_ns(step_ns)
        run.move(1.0)
    run.phase("train", run.begun.start_t_ns + 5 * S, run.begun.start_t_ns + 45 * S)
    run.move(0.0)
    store = Store.open(str(run.db))
    if killed:
        assert store.mark_vanished(Gone(run.stored.segments[0])) == [run.begun.run_id]
    return store


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "open"])
@pytest.mark.parametrize("step_ns", [0, DAY_NS, -DAY_NS, HOUR_NS, -30 * S, 30 * S])
def test_a_step_of_the_wall_clock_changes_no_duration_and_no_gram(machine: FakePowercap, step_ns: int, killed: bool) -> None:
    """It showed a duration of a day or of nothing, and the embodied grams of a day or none."""
    store = measured(machine, step_ns, killed=killed)
    [listed] = store.list_runs()
    stored = store.load(listed.id)
    view = view_of(store, stored)
    assert view["run"]["status"] == ("interrupted" if killed else "running")
    assert listed.duration_s == view["run"]["duration_s"] == pytest.approx(100.0, abs=1e-6)
    assert members(store, [listed])[0].entry["run"]["duration_s"] == view["run"]["duration_s"]
    package = device(view, "package-0")
    assert package["mean_power_w"] == pytest.approx(100.0)
    assert (package["seen_fraction"], view["energy"]["lower_bound"]) == (pytest.approx(1.0), False)
    assert view["phases"][0]["duration_s"] == pytest.approx(40.0)
    carbon = view["carbon"]
    assert carbon is not None
    as_told = view_of(store, stored._replace(run=stored.run._replace(duration_s=100.0)))["carbon"]
    assert as_told is not None
    assert carbon["embodied_g"] == pytest.approx(as_told["embodied_g"])
    assert 0 < (carbon["embodied_g"] or 0.0) < 5
    drawing = figures(store, listed.id).drawing
    assert drawing.cuts[-1] == pytest.approx(100.0, abs=1e-6)
    store.close()


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS])
def test_a_phase_that_was_open_when_the_run_was_killed_lasts_as_long_as_its_readings(machine: FakePowercap, step_ns: int) -> None:
    store = measured(machine, step_ns)
    [run] = store.list_runs()
    with closing(sqlite3.connect(store.place)) as connection, connection:
        connection.execute("UPDATE phase SET end_t_ns = NULL, resolved = NULL")
    found = figures(store, run.id)
    assert [(round(band.start_s), round(band.end_s)) for band in found.drawing.bands] == [(5, 100)]
    store.close()


def test_what_is_under_way_is_timed_by_the_readings(machine: FakePowercap) -> None:
    store = measured(machine, -DAY_NS, killed=False)
    [run] = store.list_runs()
    with closing(sqlite3.connect(store.place)) as connection, connection:
        connection.execute("UPDATE phase SET end_t_ns = NULL, resolved = NULL")
        connection.execute("INSERT INTO work SELECT id, 'samples', '', 5000 FROM segment")
    view = LiveRun(store, run.id, lambda: store).look().view
    [phase] = view["phases_now"]
    assert 95.0 <= phase["elapsed_s"] <= 105.1  # up to the last reading, and at most ten seconds of silence
    assert view["rates"] == {"samples": pytest.approx(50.0)}
    json.dumps(view, allow_nan=False)
    store.close()


def test_a_process_without_readings_lasts_as_long_as_it_was_seen() -> None:
    anchor = Anchor(60 * S, 1_000 * S, 60 * S)
    assert last_t_ns(0, None, [], anchor, 1_030 * S) == 90 * S
    assert last_t_ns(0, None, [], anchor, 1_000 * S + UNSEEN_NS + 1) == 60 * S  # the wall clock was set
    assert last_t_ns(0, None, [], anchor, 900 * S) == 60 * S
    assert last_t_ns(0, None, [70 * S], anchor, 1_030 * S) == 70 * S
    assert last_t_ns(0, 80 * S, [], anchor, 9_999 * S) == 80 * S
    assert last_t_ns(5, None, [], None, 10**18) == 5
    assert lasted_s(0, []) is None


SPANS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=4)


@given(SPANS, st.lists(st.integers(-(10**18), 10**18), min_size=4, max_size=4))
def test_on_one_clock_the_wall_clock_says_nothing(spans: list[tuple[int, int]], utc: list[int]) -> None:
    """Processes that follow each other on one machine, whatever the time of day was when each began."""
    begun = min(utc)
    processes = [Lived(("a", "boot"), max(begun, u), start, start + length) for (start, length), u in zip(spans, utc, strict=False)]
    at_least_one = {ns for start, length in spans for ns in range(start, start + length)}  # the time in between does not count
    assert lasted_s(begun, processes) == pytest.approx(len(at_least_one) * 1e-9)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_after_a_restart_of_the_machine_the_time_in_between_does_not_count(first: int, pause: int, second: int) -> None:
    processes = [Lived(("a", "boot 1"), 0, 500, 500 + first), Lived(("a", "boot 2"), first + pause, 7, 7 + second)]
    assert lasted_s(0, processes) == pytest.approx((first + second) * 1e-9)
    unknown = [process._replace(clock=None) for process in processes]
    assert lasted_s(0, unknown) == lasted_s(0, processes)


def test_a_run_lost_with_all_its_devices_is_seen_until_its_newest_anchor(machine: FakePowercap, tmp_path: Path) -> None:
    """Its energy is a lower bound then: what it drew after the last reading is not known."""
    store = measured(machine, 0, seconds=130)
    [run] = store.list_runs()
    with closing(sqlite3.connect(store.place)) as connection, connection:
        connection.execute("DELETE FROM curve_point WHERE t_ns > (SELECT start_t_ns + 30000000000 FROM segment)")
    view = view_of(store, store.load(run.id))
    assert view["run"]["duration_s"] == pytest.approx(120.0, abs=2.0)
    assert view["energy"]["lower_bound"]
    store.close()
