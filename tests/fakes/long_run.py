"""A long run in no time: the real sampler, recorder, writer and file on a clock that is moved by hand, without threads.

What the run itself makes the database delete is kept aside by triggers, so that one file holds the run both as it is and as it would be
had nothing been thinned or folded.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.core.sensing import Counter, Device
from trainwatt.energy.delay.unshown import PERIOD_MARGIN
from trainwatt.storage.read.records import StoredRun
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.recording import rows
from trainwatt.tracking.recording.phases.phase_record import PhaseRecord
from trainwatt.tracking.recording.record import Record
from trainwatt.tracking.recording.recorder import Recorder
from trainwatt.tracking.sampling.sampler import Sampler

from . import stored_rows
from .clock import FakeClock

RUN, SEGMENT, BOOT = "run-1", "seg-1", "boot-1"
ASIDE = ("curve_point", "clock_anchor", "phase", "phase_energy")


UPDATE_S = 0.02
LATE_NS = round(UPDATE_S / PERIOD_MARGIN / 2 * 1e9)
"""How late the counter is on average. UPDATE_S is its update period as it is measured, which is a little too long."""


class Swinging:
    """A sensor whose counter, in millijoules, counts a power that swings around `mean_w`: implements trainwatt.core.sensing.Sensor."""

    name, period_s = "energy", None
    kind = Counter(1e-3, None, restarts_at_zero=True)

    def __init__(self, device: Device, clock: FakeClock, mean_w: float, swing_s: float) -> None:
        self.device = device
        self._clock, self._mean_w, self._swing_s = clock, mean_w, swing_s

    def joules(self, t_ns: int) -> float:
        """The truth, since the clock's 0."""
        t_s, turn = t_ns * 1e-9, 2 * math.pi / self._swing_s
        return self._mean_w * (t_s + 0.8 * (1 - math.cos(turn * t_s)) / turn)

    def read(self) -> int:
        return int(1000 * self.joules(self._clock.now_ns - LATE_NS))

    def holder_pids(self) -> Sequence[int] | None:
        return None

    def close(self) -> None:
        pass


def swinging(clock: FakeClock, count: int) -> list[Swinging]:
    """So many devices, no two alike."""
    devices = [Device(f"gpu{i}", "gpu", 700.0, 0.05, "nvml") for i in range(count)]
    return [Swinging(d, clock, 100.0 + 37.0 * i, 700.0 + 311.0 * i) for i, d in enumerate(devices)]


class LongRun:
    """Begins when it is made. `move` lets time pass, with a reading every tick and a commit every `commit_s`."""

    def __init__(
        self, db: Path, clock: FakeClock, sensors: Sequence[Swinging], *, commit_s: float = 1.0, aside: bool = True, joinable: bool = False
    ) -> None:
        self.db, self.clock, self.commit_s = db, clock, commit_s
        self.sampler = Sampler(sensors, clock, 0.1)
        self.writer = Writer.open(db, timeout_s=0.01)
        anchor = clock.anchor()
        self.begin_utc_ns = anchor.utc_ns
        first = {
            "run": [stored_rows.run(RUN, started_utc_ns=anchor.utc_ns)],
            "segment": [stored_rows.segment(SEGMENT, RUN, boot_id=BOOT, start_t_ns=anchor.monotonic_ns)],
            "device": [rows.device_row(SEGMENT, sensor.device, None) for sensor in sensors],
            "clock_anchor": [rows.anchor_row(SEGMENT, anchor)],
        }
        self.writer.write(first)
        if aside:
            with sqlite3.connect(db) as connection:
                for table in ASIDE:
                    connection.execute(f"CREATE TABLE {table}_aside AS SELECT * FROM {table} WHERE false")
                    names = [f"old.{name}" for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
                    insert = f"INSERT INTO {table}_aside VALUES ({', '.join(names)})"
                    connection.execute(f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} BEGIN {insert}; END")
        record = Record(
            self.writer,
            clock,
            self.sampler,
            run_id=RUN,
            segment_id=SEGMENT,
            boot_id=BOOT,
            owner=True,
            joinable=joinable,
            several=False,
            surroundings=None,
            standby=None,
            first=first,
        )
        self.recorder = Recorder(self.writer, clock, self.sampler, record)
        self.begin_ns = self.sampler.poll()
        for integrator in self.sampler.integrators.values():
            integrator.set_update_period(UPDATE_S)
        self.recorder.flush()
        self._committed_ns = clock.now_ns
        self.seq = 0

    def move(self, seconds: float, tick_s: float = 0.1, *, each: Callable[[], None] | None = None) -> None:
        """`each` is called before every reading."""
        for _ in range(round(seconds / tick_s)):
            if each is not None:
                each()
            self.clock.advance(tick_s)
            self.sampler.poll()
            if self.clock.now_ns - self._committed_ns >= self.commit_s * 1e9:
                self.commit()

    def commit(self) -> None:
        """As the writing thread does once a second."""
        self._committed_ns = self.clock.now_ns
        self.recorder.flush()

    def begin(self, name: str) -> PhaseRecord:
        """A phase begins now."""
        self.seq += 1
        record = PhaseRecord(SEGMENT, self.seq, name, self.clock.now_ns)
        self.recorder.phase(record)
        return record

    def over(self, record: PhaseRecord) -> None:
        """A phase ends now."""
        record.end_t_ns = self.clock.now_ns
        self.recorder.phase(record)

    def end(self) -> None:
        """The run ends now."""
        end_ns = self.sampler.finish()
        closing = {"status": "completed", "ended_utc_ns": self.clock.anchor().utc_of(end_ns)}
        duration_s = (end_ns - self.begin_ns) * 1e-9
        self.recorder.finish(closing | {"duration_s": duration_s}, closing | {"end_t_ns": end_ns})

    # ---- read back

    def stored(self) -> tuple[StoredRun, dict[str, list[Point]]]:
        """The run and its curves by device, as they are."""
        store = Store.open(str(self.db))
        try:
            return store.load(RUN), {device: points for (_, device), points in store.points(RUN).items()}
        finally:
            store.close()

    def whole(self, device: str) -> tuple[list[Point], list[Anchor]]:
        """A curve and the anchors as they would be had nothing been thinned."""
        with closing(sqlite3.connect(self.db)) as connection:
            points = connection.execute(
                f"SELECT {', '.join(Point._fields)} FROM (SELECT * FROM curve_point UNION SELECT * FROM curve_point_aside)"
                " WHERE device = ? ORDER BY t_ns",
                (device,),
            ).fetchall()
            columns = ", ".join(Anchor._fields)
            anchors = connection.execute(f"SELECT {columns} FROM clock_anchor UNION SELECT {columns} FROM clock_anchor_aside").fetchall()
        return [Point._make(row) for row in points], sorted(Anchor._make(row) for row in anchors)

    def count(self, table: str) -> int:
        """Rows of a table."""
        with closing(sqlite3.connect(self.db)) as connection:
            number: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            return number
