"""What the ranks of a run use of its machine: by that, the energy of devices that they share is divided between them.

Each rank looks at the CPU time of its own processes, and who reads a GPU at the ranks that compute on it. They look seldom, and what they
see is added up. How the energy is divided is decided when the run is read.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...core.sensing import Sensor
from ...energy.shares.policy import CGROUP, MACHINE, Use
from ...machine.process import Identity, parent
from ...storage.write.writer import Writer
from ..harmless import Harmless
from ..recording.rows import Row
from .others import INITIAL_PID_NAMESPACE
from .tree import ProcessTree

if TYPE_CHECKING:
    from ...sensors.nvidia.process_use import ProcessUse

COST = 1000
"""A look may take one part in this many of the time."""
SELDOM_NS = 5_000_000_000
"""Looks are made as seldom at least, once the run is older than that."""
_RANKS = "SELECT pid, id FROM segment WHERE run_id = ? AND boot_id = ? AND pid_namespace = ? AND rank IS NOT NULL ORDER BY started_utc_ns"
_NS = 1e-9


class RankUse:
    """The use of the rank that the process `me` is, whose segment is `segment_id`, and of all ranks of run `run_id` on the GPUs of
    `sensors`, which this process reads. `is_rank`: this process is a rank."""

    def __init__(self, run_id: str, segment_id: str, me: Identity, sensors: Iterable[Sensor], *, is_rank: bool, sysfs: str) -> None:
        self._of_run = run_id, me.boot_id, me.pid_namespace
        self._segment_id = segment_id
        self._me = me
        self._is_rank = is_rank
        self._sysfs = sysfs
        self._tree: ProcessTree | None = None
        self._sensors = {sensor.device.name: sensor for sensor in sensors}
        self._gpus: dict[str, _Gpu | None] = {}
        self._ranks: dict[int, str] = {}
        """The segment of each rank that was seen, by its process."""
        self._ours: dict[tuple[str, str], float] = defaultdict(float)
        self._whole: dict[str, Use] = {}
        """By device, and by rank and device, what was used until now. What the ranks used is in `others` here."""
        self._first_ns: int | None = None
        self._next_ns = 0

    def add(self, sensors: Iterable[Sensor], t_ns: int) -> None:
        """This process reads these sensors too, from now on. May wait for the driver."""
        for sensor in sensors:
            self._sensors[sensor.device.name] = sensor
            self._open(sensor, t_ns)

    def rows(self, writer: Writer, t_ns: int, harmless: Harmless, *, final: bool, asks: bool) -> list[Row]:
        """Look, if it is time to. Returns the rows of what was used until now. `asks`: the database and the driver are asked."""
        if not final and t_ns < self._next_ns:
            return []
        begun_ns = time.thread_time_ns()
        if self._is_rank:
            with harmless("the CPU time of this rank could not be read"):
                self._look_at_processors()
        gpus = [sensor for sensor in self._sensors.values() if sensor.device.kind == "gpu"]
        if asks and gpus:
            with harmless("the ranks that compute on the GPUs could not be looked up"):
                self._ranks |= dict(writer.query(_RANKS, self._of_run))
            for sensor in gpus if self._ranks else ():
                with harmless(f"the use of {sensor.device.name} by ranks could not be read"):
                    self._look_at_gpu(sensor, t_ns)
        self._first_ns = self._first_ns or t_ns
        self._next_ns = t_ns + max(min(SELDOM_NS, t_ns - self._first_ns), COST * (time.thread_time_ns() - begun_ns))
        return [self._row(device, user, ours) for (device, user), ours in self._ours.items()]

    def _look_at_processors(self) -> None:
        if self._tree is None:
            self._tree = ProcessTree(self._me.pid, self._me.procfs, self._sysfs)
            return
        for name, spent in zip((MACHINE, CGROUP), self._tree.spent(), strict=True):
            if spent is not None:
                used = spent.use
                self._add(name, used._replace(ours=0.0, others=used.ours + used.others), {self._segment_id: used.ours})

    def _look_at_gpu(self, sensor: Sensor, t_ns: int) -> None:
        """Raises ReadError."""
        name = sensor.device.name
        if name not in self._gpus:
            return self._open(sensor, t_ns)
        if (gpu := self._gpus[name]) is None:
            return None
        used_s, passed_s = gpu.used_s(t_ns)
        ranks = {pid: rank for pid in used_s if (rank := self._rank_of(pid)) is not None}
        gpu.matches |= bool(ranks) or self._me.pid_namespace == INITIAL_PID_NAMESPACE
        ours: dict[str, float] = defaultdict(float)
        known_s = unknown_s = 0.0
        for pid, seconds in used_s.items():
            if pid in ranks:
                ours[ranks[pid]] += seconds
                known_s += seconds
            elif gpu.matches and self._me.is_there(pid):
                known_s += seconds
            else:
                unknown_s += seconds
        self._add(name, Use(0.0, known_s, unknown_s, passed_s), ours)
        return None

    def _open(self, sensor: Sensor, t_ns: int) -> None:
        """Look at the use of a GPU from `t_ns` on, if its driver tells it."""
        from ...sensors.nvidia.process_use import ProcessUse
        from ...sensors.nvidia.readers import NvmlSensor

        use = ProcessUse(sensor) if isinstance(sensor, NvmlSensor) else None
        self._gpus[sensor.device.name] = None if use is None or use.refusal() is not None else _Gpu(use, t_ns)

    def _rank_of(self, pid: int) -> str | None:
        """The segment of the rank that a process is, or belongs to; None if it is no rank's."""
        seen, current = set[int](), pid
        while current and current not in seen:
            if current in self._ranks:
                return self._ranks[current]
            seen.add(current)
            current = parent(current, self._me.procfs) or 0
        return None

    def _add(self, device: str, whole: Use, ours: Mapping[str, float]) -> None:
        before = self._whole.get(device, Use(0.0, 0.0, 0.0, 0.0))
        self._whole[device] = Use(*(a + b for a, b in zip(before, whole, strict=True)))
        for user, used in ours.items():
            self._ours[device, user] += used

    def _row(self, device: str, user: str, ours: float) -> Row:
        whole = self._whole[device]
        use = whole._replace(ours=ours, others=max(0.0, whole.others - ours))
        return {"segment_id": self._segment_id, "device": device, "user_segment_id": user, **use._asdict()}


class _Gpu:
    """A GPU whose driver tells which process uses how much of it. `matches`: it names processes as this process does."""

    def __init__(self, use: ProcessUse, since_ns: int) -> None:
        self.matches = False
        self._use = use
        self._looked_ns = since_ns

    def used_s(self, t_ns: int) -> tuple[dict[int, float], float]:
        """The seconds that each process has computed since the last call, and all seconds since then. Raises ReadError."""
        samples = self._use.take()
        passed_s = (t_ns - self._looked_ns) * _NS
        self._looked_ns = t_ns
        most = max(map(len, samples.values()), default=1)  # the driver keeps those of the last seconds only: they stand for all of the time
        return {pid: sum(percents) / (100.0 * most) * passed_s for pid, percents in samples.items()}, passed_s
