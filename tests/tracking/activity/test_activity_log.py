"""The activity of a long run stays small in the database, and says what it did."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import stored_rows
from trainwatt.core.activity import ActivityPoint, GpuReading, Throttle, figures, window
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.activity.log import KEEP_NS, SLOT_NS, ActivityLog
from trainwatt.tracking.sampling.snapshot import Snapshot

S = 10**9
WEEK_S = 7 * 86_400
DEVICES = 10


class Course:
    """GPUs that are busy for 20 minutes, and then idle and cool for 10, over and over; and their log. A commit comes every `every_s`."""

    def __init__(self, db: Path, every_s: int) -> None:
        self.writer = Writer.open(db)
        self.writer.write({"run": [stored_rows.run()], "segment": [stored_rows.segment()]})
        self.log = ActivityLog("seg-1", 0)
        self.points = {f"gpu{i}": ActivityPoint(0) for i in range(DEVICES)}
        self.whole = [self.points["gpu0"]]
        self.every_s = every_s
        self.t_s = 0
        self._before = GpuReading(0.0)

    def run(self, seconds: int) -> None:
        for _ in range(seconds // self.every_s):
            self.t_s += self.every_s
            busy = self.t_s % 1800 <= 1200
            hot = 91.0 if self.t_s == 4320 * 100 else 70.0
            reason = frozenset({Throttle.HEAT}) if busy and self.t_s % 86_400 < 1800 else frozenset[Throttle]()
            now = GpuReading(0.9 if busy else 0.0, 0.3, 1980.0, 2619.0, reason, hot if busy else 40.0, 60_000.0 if busy else 500.0, 700.0)
            for name, point in self.points.items():
                fresh = point._replace(celsius_max=0.0, memory_mib_max=0.0)
                self.points[name] = fresh.extended(self.t_s * S, self.every_s * 1000, self._before, now)
            self._before = now
            self.whole.append(self.points["gpu0"])
            self.commit()

    def commit(self, *, final: bool = False) -> None:
        seen = Snapshot({}, [], [], self.points, 0, 0, 0.0, 0.0)
        rows = self.log.rows(seen, self.t_s * S, final=final)
        self.writer.write({"activity_point": rows}, {}, self.log.thinned(self.t_s * S))
        self.log.done()


@pytest.mark.slow
def test_a_week_of_ten_devices_takes_less_than_2_mb_and_any_window_can_be_asked(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    Writer.open(tmp_path / "empty.db").close()
    course = Course(db, 100)
    course.run(WEEK_S - 7200)
    course.every_s = 10
    course.run(7200)
    course.commit(final=True)
    course.writer.close()
    grown = db.stat().st_size - (tmp_path / "empty.db").stat().st_size
    assert grown < 2e6

    store = Store.open(str(db))
    stored = store.activity("run-1")["seg-1", "gpu0"]
    whole, slot_s = course.whole, DEVICES * SLOT_NS // S
    for start_s, end_s in ((0, WEEK_S), (5_000, 86_000), (WEEK_S - 1240, WEEK_S), (3_000, 4_000), (300_030, 400_020)):
        found, true = (window(points, start_s * S, end_s * S) for points in (stored, whole))
        assert found is not None
        assert true is not None
        a, b = figures(found), figures(true)
        assert a is not None
        assert b is not None
        exact = start_s >= WEEK_S - 3600 or not (start_s % slot_s or (end_s % slot_s and end_s < WEEK_S))
        within = 1e-6 if exact else 2 * slot_s / (end_s - start_s)
        assert a.busy == pytest.approx(b.busy, abs=within)
        assert a.celsius == pytest.approx(b.celsius, abs=50 * within)
        assert a.throttled_s is not None
        assert b.throttled_s is not None
        assert a.throttled_s.get("heat", 0.0) == pytest.approx(b.throttled_s.get("heat", 0.0), abs=1e-3 if exact else 2 * slot_s)
        assert b.celsius_max is not None
        assert a.celsius_max is not None
        assert a.celsius_max >= b.celsius_max
        assert a.celsius_max == b.celsius_max or not exact
    hours = KEEP_NS / S
    assert sum(p.t_ns > (WEEK_S - hours) * S for p in stored) == hours / 10
    of_run = store.load("run-1").activity["seg-1", "gpu0"]
    assert (of_run.t_ns, of_run.celsius_max) == (WEEK_S * S, 91)


def test_points_of_a_young_run_are_closer_together(tmp_path: Path) -> None:
    course = Course(tmp_path / "runs.db", 2)
    course.run(1000)
    course.writer.close()
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        times = [t // S for (t,) in connection.execute("SELECT t_ns FROM activity_point WHERE device = 'gpu0' ORDER BY t_ns")]
    assert times[:10] == list(range(2, 22, 2))
    assert [b - a for a, b in zip(times[-5:], times[-4:], strict=False)] == [10] * 4


def test_a_maximum_is_not_lost_between_two_points(tmp_path: Path) -> None:
    course = Course(tmp_path / "runs.db", 2)
    course.run(1000)
    [point] = {id(p): p for p in [course.points["gpu0"]]}.values()
    course.points = {"gpu0": point._replace(t_ns=point.t_ns + S, celsius_max=99.0)}
    course.commit()
    course.points = {"gpu0": point._replace(t_ns=point.t_ns + 2 * S, celsius_max=50.0)}
    course.commit(final=True)
    course.points = {"gpu0": point._replace(t_ns=point.t_ns + 3 * S, celsius_max=51.0)}
    course.commit(final=True)
    course.writer.close()
    store = Store.open(str(tmp_path / "runs.db"))
    assert [p.celsius_max for p in store.activity("run-1", newest=2)["seg-1", "gpu0"]] == [99, 51]


DAMAGED: list[dict[str, Any]] = [{"busy_ms": -1}, {"throttled": "[1]"}, {"throttled": '{"heat": -5}'}, {"throttled": "{"}, {"seen_ms": "x"}]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_value_is_said_and_is_not_used(tmp_path: Path, damage: dict[str, Any]) -> None:
    course = Course(tmp_path / "runs.db", 2)
    course.run(4)
    course.writer.close()
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        [(column, value)] = damage.items()
        connection.execute(f"UPDATE activity_point SET {column} = ? WHERE device = 'gpu1'", (value,))
    stored = Store.open(str(tmp_path / "runs.db")).load("run-1")
    assert {(d.table, d.column) for d in stored.damage} == {("activity_point", column)}
    other, found = stored.activity["seg-1", "gpu0"], stored.activity.get(("seg-1", "gpu1"))
    assert other.busy_ms is not None
    assert found is None or getattr(found, column) is None
    json.dumps(None if found is None else figures(found))
