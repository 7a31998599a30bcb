"""A run on a fake clock and without threads: real discovery, sampler, recorder and SQLite file, on a machine of ordinary files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainwatt.analysis.view import describe
from trainwatt.config import resolve
from trainwatt.core.run import Status
from trainwatt.storage.read.records import StoredRun
from trainwatt.storage.read.store import Store
from trainwatt.tracking.recording.phases.phase_record import PhaseRecord
from trainwatt.tracking.start import begin
from trainwatt.tracking.target import Target

from .clock import FakeClock
from .powercap import INTEL_RANGE_UJ, FakePowercap


class Package:
    """A package in a powercap tree that draws `watts`, its counter at `start_uj` when the run begins."""

    def __init__(
        self, machine: FakePowercap, watts: float = 100.0, *, start_uj: int = 5_000_000, range_uj: object = INTEL_RANGE_UJ
    ) -> None:
        self.watts = watts
        self._machine = machine
        self._uj = start_uj
        machine.zone("intel-rapl:0", "package-0", start_uj, range_uj, limit_w=250)

    def draw(self, seconds: float) -> None:
        """Let it draw power for that long."""
        self.show(self._uj + round(self.watts * seconds * 1e6))

    def show(self, uj: int) -> None:
        """Make the counter stand there, short of whole wraps."""
        self._uj = uj
        self._machine.set_energy("intel-rapl:0", uj % (INTEL_RANGE_UJ + 61))


class RecordedRun:
    """Begins when it is made. `move` lets the machine draw power for some seconds and then reads and commits; `end` ends it.

    `draw` is told the seconds that pass and makes the counters show them.
    """

    def __init__(
        self,
        machine: FakePowercap,
        clock: FakeClock,
        draw: Callable[[float], None],
        *,
        gpus: tuple[int | str, ...] | None = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        folder = machine.sysfs.parent
        self.db: Path = folder / "runs.db"
        self._environ = environ or {}
        self._clock = clock
        self._draw = draw
        places = {"db": str(self.db), "sysfs": str(machine.sysfs), "procfs": str(machine.procfs)}
        self.begun = begin(resolve(places | {"gpus": gpus}, {}, folder), Target(), clock, self._environ)
        assert self.begun.sampler is not None
        self.sampler = self.begun.sampler
        self.begun.start_t_ns = self.sampler.poll()
        self.begun.recorder.flush()
        self._phases = 0

    def move(self, seconds: float, *, tick_s: float | None = None) -> None:
        """Let time pass, read every tick, and commit at the end."""
        for _ in range(1 if tick_s is None else round(seconds / tick_s)):
            self._clock.advance(tick_s or seconds)
            self._draw(tick_s or seconds)
            self.sampler.poll()
        self.begun.recorder.flush()

    def phase(self, name: str, start_ns: int, end_ns: int) -> None:
        """A phase that was stamped while it went on."""
        self._phases += 1
        record = PhaseRecord(self.begun.segment_id, self._phases, name, start_ns)
        record.end_t_ns = end_ns
        self.begun.recorder.phase(record)

    def end(self) -> None:
        """The run ends now."""
        self.begun.end(Status.COMPLETED, None, self._environ)

    @property
    def stored(self) -> StoredRun:
        """The run, read back."""
        store = Store.open(str(self.db))
        try:
            return store.load(self.begun.run_id)
        finally:
            store.close()

    @property
    def curves(self) -> dict[str, list[Any]]:
        """The stored points of each device."""
        store = Store.open(str(self.db))
        try:
            return {device: points for (_, device), points in store.points(self.begun.run_id).items()}
        finally:
            store.close()

    @property
    def view(self) -> Any:
        """The run as the JSON contract has it, without its footprint."""
        return describe(self.stored)
