"""Who else uses the devices of this run: other processes on its GPUs, and other runs on its machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..core.run import Event, EventKind
from ..core.sensing import Sensor
from ..errors import StoreError
from ..machine.process import Identity, command_of, is_descendant
from ..storage.write.writer import Writer
from .harmless import Harmless

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""The kernel's first pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h): the driver names processes by their pid there."""


class SharedDevices:
    """Looks which processes outside the tree under `tree_pid` hold a device; says each once."""

    def __init__(self, sensors: Iterable[Sensor], tree_pid: int, me: Identity) -> None:
        self._by_device = {s.device.name: s for s in sensors}
        self._tree_pid = tree_pid
        self._me = me
        self._said: set[tuple[str, int]] = set()

    def look(self, t_ns: int, harmless: Harmless) -> list[Event]:
        """Look once. Returns a `shared` event for each process that was not seen before; `harmless` guards the look at each device."""
        events: list[Event] = []
        for name, sensor in self._by_device.items():
            with harmless(f"the processes that hold {name} could not be looked up"):
                for pid, command in self._strangers(name, sensor):
                    who = f"process {pid} ({command or 'whose command cannot be read'})"
                    events.append(Event(EventKind.SHARED, t_ns, name, f"{who} holds it too; its energy is in the figure"))
        return events

    def _strangers(self, name: str, sensor: Sensor) -> Iterator[tuple[int, str | None]]:
        """The pid and the command of each process outside the tree that holds a device and was not seen before."""
        for pid in sensor.holder_pids() or ():
            if (name, pid) in self._said or is_descendant(pid, self._tree_pid, self._me.procfs):
                continue
            command = command_of(pid, self._me.procfs)
            if command is None and self._me.pid_namespace != INITIAL_PID_NAMESPACE:
                continue  # in a container the driver names processes by the host's pids: it cannot be known whose process this is
            self._said.add((name, pid))
            yield pid, command


FRESH_NS = 10_000_000_000
"""A run that has written nothing for so long is taken for one that was killed: it writes every second."""


NEWEST = 200
"""Among so many runs they are looked for: however long the history is, a run begins and ends as quickly."""


_OTHERS = (
    f"SELECT r.id FROM (SELECT id, status, started_utc_ns FROM run ORDER BY started_utc_ns DESC LIMIT {NEWEST}) r"
    " CROSS JOIN segment s WHERE s.run_id = r.id AND s.role = 'owner' AND s.boot_id = ? AND (s.pid <> ? OR s.pid_namespace <> ?)"
    " AND r.id <> ? AND EXISTS (SELECT 1 FROM device d WHERE d.segment_id = s.id) AND "
)


class Neighbours:
    """Of the run `run_id`, which began at `start_utc_ns` in the process `me`. Trackers of one process find each other by themselves."""

    def __init__(self, run_id: str, me: Identity, start_utc_ns: int) -> None:
        self._self = (me.boot_id, me.pid, me.pid_namespace, run_id)
        self._start_utc_ns = start_utc_ns

    def already_there(self, writer: Writer, t_ns: int) -> list[Event]:
        """Those that go on as the run begins, as an event."""
        return self._said(writer, "r.status = 'running' AND s.last_seen_utc_ns > ?", self._start_utc_ns - FRESH_NS, t_ns)

    def begun_since(self, writer: Writer, t_ns: int) -> list[Event]:
        """Those that have begun since, whether they go on or not, as an event."""
        return self._said(writer, "r.started_utc_ns > ?", self._start_utc_ns, t_ns)

    def _said(self, writer: Writer, which: str, than_ns: int, t_ns: int) -> list[Event]:
        try:
            others = [run_id for (run_id,) in writer.query(_OTHERS + which, (*self._self, than_ns))]
        except StoreError:
            return []
        if not others:
            return []
        who = f"run {', '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''}"
        text = f"{who} measured this machine at the same time: the joules of devices that both read are in both, and not to be added up"
        return [Event(EventKind.OVERLAP, t_ns, None, text)]
