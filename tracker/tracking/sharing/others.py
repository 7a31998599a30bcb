"""Who else uses the devices of this run: other processes on its GPUs, and other runs on its machine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...config import JOIN_RUN
from ...core.clock import Anchor
from ...core.run import Event, EventKind
from ...core.sensing import Sensor, share_name
from ...errors import StoreError
from ...machine.process import Identity, Program, command_of, environment_of, is_descendant, program_of
from ...storage.write.writer import Writer
from ...unwarned import unwarned
from ..harmless import Harmless
from .gpu_use import GpuUse

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""The kernel's first pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h). The driver names processes by their pid in it."""


LOOK_NS = 30_000_000_000
"""How often the processes that hold the devices are looked up."""
YOUNG_NS = 10_000_000_000
"""A younger run is looked at in every commit until all of its GPUs are known to be used: a command may end soon."""
REST = 20_000
"""After that, a look may take one part in this many of the time, but is made every LOOK_NS."""


class SharedDevices:
    """Looks at the processes that hold a device. Those that do not belong to the run `run_id`, which began at `start_ns`, are reported once
    each, with their program and user, or with their whole command line if `full`; the others tell which GPUs it uses. Its processes are the
    tree of `tree_pid`, and daemons that `trainwatt run` started."""

    def __init__(self, sensors: Iterable[Sensor], tree_pid: int, me: Identity, run_id: str, start_ns: int, *, full: bool) -> None:
        self._by_device = {s.device.name: s for s in sensors}
        self._tree_pid = tree_pid
        self._me = me
        self._run_id = run_id
        self._full = full
        self.whole = True
        """Whether the run counts all of the energy of its devices, also that of others."""
        self._said: set[tuple[str, int]] = set()
        self._ours: set[int] = set()
        self._start_ns = start_ns
        self._looked_ns: int | None = None
        self._pause_ns = 0
        gpus = [s.device.name for s in self._by_device.values() if s.device.kind == "gpu"]
        self._use = GpuUse(gpus, start_ns, me.pid_namespace == INITIAL_PID_NAMESPACE)

    @property
    def used(self) -> Mapping[str, bool | None]:
        """Whether the run has used each GPU, as far as it is known."""
        return self._use.used()

    def due(self, t_ns: int) -> bool:
        """Whether it is time for a look."""
        return self._looked_ns is None or t_ns - self._looked_ns > self._pause_ns

    def add(self, sensors: Iterable[Sensor]) -> None:
        """Look at the devices of these sensors too."""
        self._by_device |= {s.device.name: s for s in sensors}

    def look(self, t_ns: int, harmless: Harmless) -> list[Event]:
        """Look once. Returns a `shared` event for each process that was not seen before; `harmless` guards the look at each device."""
        events: list[Event] = []
        begun_ns = time.monotonic_ns()
        self._looked_ns = t_ns
        self._use.looked(t_ns)
        for name, sensor in self._by_device.items():
            with harmless(f"the processes that hold {name} could not be looked up"):
                for pid, program in self._strangers(name, sensor):
                    who = f"process {pid} ({'whose program cannot be read' if program is None else self._named(pid, program)})"
                    counts = "its energy is included" if self.whole else "its part of the energy is not in the total"
                    events.append(Event(EventKind.SHARED, t_ns, name, f"{who} uses it too; {counts}"))
        young = t_ns - self._start_ns < YOUNG_NS
        took_ns = time.monotonic_ns() - begun_ns
        self._pause_ns = LOOK_NS if self._use.settled else 0 if young else min(LOOK_NS, REST * took_ns)
        return events

    def _of_the_run(self, pid: int) -> bool:
        """Whether a process belongs to the run. A daemon has left the tree, and keeps the variable of `trainwatt run`."""
        if is_descendant(pid, self._tree_pid, self._me.procfs):
            return True
        return (environment_of(pid, self._me.procfs) or {}).get(JOIN_RUN) == self._run_id

    def _named(self, pid: int, program: Program) -> str:
        """A process of other people. A run is shown to those who may not see their arguments, so these are kept on demand only."""
        command = command_of(pid, self._me.procfs) if self._full else None
        return f"{command or program.name} of user {program.user}"

    def _strangers(self, name: str, sensor: Sensor) -> Iterator[tuple[int, Program | None]]:
        """The pid and the program of each process outside the tree that holds a device and was not seen before."""
        try:
            pids = unwarned(sensor.holder_pids)
        except Exception:  # raised again; a sensor of the user's own may raise anything
            self._use.saw(name, None)
            raise
        # A process that has just ended has no parents any more.
        ours = {pid: pid in self._ours or self._of_the_run(pid) for pid in pids or ()}
        self._ours.update(pid for pid, of_the_run in ours.items() if of_the_run)
        self._use.saw(name, None if pids is None else ours.values())
        for pid, of_the_run in ours.items():
            if of_the_run or (name, pid) in self._said:
                continue
            program = program_of(pid, self._me.procfs)
            if program is None and self._me.pid_namespace != INITIAL_PID_NAMESPACE:
                continue  # in a container the pid may be one of the host, and its process cannot be identified
            self._said.add((name, pid))
            yield pid, program


FRESH_NS = 10_000_000_000
"""A run that has written nothing for this long was killed: a run writes every two seconds."""


NEWEST = 200
"""How many of the newest runs are searched: so a run begins and ends equally fast with any length of history."""


_OTHERS = (
    "SELECT r.id, s.end_t_ns, s.last_seen_utc_ns, s.pid_namespace, s.pid, s.start_ticks"
    f" FROM (SELECT id, status, started_utc_ns FROM run ORDER BY started_utc_ns DESC LIMIT {NEWEST}) r"
    " CROSS JOIN segment s WHERE s.run_id = r.id AND s.role = 'owner' AND s.boot_id = ? AND (s.pid <> ? OR s.pid_namespace <> ?)"
    " AND r.id <> ? AND EXISTS (SELECT 1 FROM device d JOIN device mine ON COALESCE(d.uuid, d.name) = COALESCE(mine.uuid, mine.name)"
    " JOIN segment m ON m.id = mine.segment_id WHERE d.segment_id = s.id AND m.run_id = ?"
    # With scope="process" the devices as a whole count in neither total, and the shares of two runs are of different processes.
    f" AND (d.included_in_total = 1 OR mine.included_in_total = 1) AND d.name NOT LIKE '{share_name('%')}'"
    f" AND mine.name NOT LIKE '{share_name('%')}') AND "
)


class _Other(NamedTuple):
    """A row of _OTHERS: a process of another run."""

    run_id: str
    end_t_ns: int | None
    last_seen_utc_ns: int
    pid_namespace: str
    pid: int
    start_ticks: int


class Neighbours:
    """Other runs that read devices of run `run_id`, which began at `start` in the process `me`. Runs of the same process are left out:
    `ActiveRun.mention` reports them. Each run is reported once."""

    def __init__(self, run_id: str, me: Identity, start: Anchor) -> None:
        self._me = me
        self._self = (me.boot_id, me.pid, me.pid_namespace, run_id, run_id)
        self._start = start
        self._said: set[str] = set()

    def already_there(self, writer: Writer, t_ns: int) -> list[Event]:
        """An event with the runs that are running when this one begins."""
        found = self._others(writer, "r.status = 'running' AND s.last_seen_utc_ns > ?", self._start.utc_ns - FRESH_NS)
        return self._new(found, t_ns)

    def met(self, writer: Writer, t_ns: int) -> list[Event]:
        """An event with the other runs that measured at any time since this one began. One that started at the same instant may have
        written nothing yet when `already_there` looked."""
        # The monotonic clock is that of the boot, so that no step of the wall clock puts runs that followed each other together.
        found = self._others(writer, "(s.end_t_ns > ? OR s.end_t_ns IS NULL)", self._start.monotonic_ns)
        return self._new((other for other in found if other.end_t_ns is not None or self._goes_on(other)), t_ns)

    def _goes_on(self, other: _Other) -> bool:
        """Whether a run that has not ended was there since this one began: it has written since then, or its process lives. One that began
        just before this one may have written nothing since."""
        if other.last_seen_utc_ns > self._start.utc_ns:
            return True
        return other.pid_namespace == self._me.pid_namespace and self._me.is_alive(other.pid, other.start_ticks)

    def _others(self, writer: Writer, which: str, than_ns: int) -> list[_Other]:
        try:
            return [_Other(*row) for row in writer.query(_OTHERS + which, (*self._self, than_ns))]
        except StoreError:
            return []

    def _new(self, found: Iterable[_Other], t_ns: int) -> list[Event]:
        others = [run_id for run_id in dict.fromkeys(other.run_id for other in found) if run_id not in self._said]
        if not others:
            return []
        self._said.update(others)
        who = f"run {', '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''}"
        text = f"{who} measured this machine at the same time: both count the joules of devices that both read, so do not add them up"
        return [Event(EventKind.OVERLAP, t_ns, None, text)]
