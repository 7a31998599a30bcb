"""Who else holds a tracked GPU: other people's work is never silently billed."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.run import Event
from ..core.sensing import Sensor
from ..machine.process import Identity, command_of, is_descendant

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""The kernel's first pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h): the driver names processes by their pid there."""


class SharedWatch:
    """Looks which processes outside the tree under `tree_pid` hold a device; says each once."""

    def __init__(self, sensors: Iterable[Sensor], tree_pid: int, me: Identity) -> None:
        self._by_device = {s.device.name: s for s in sensors}
        self._tree_pid = tree_pid
        self._me = me
        self._said: set[tuple[str, int]] = set()

    def look(self, t_ns: int) -> list[Event]:
        """One look, as `shared` events of processes not seen before."""
        events = []
        for name, sensor in self._by_device.items():
            for pid in sensor.holder_pids() or ():
                if (name, pid) in self._said or is_descendant(pid, self._tree_pid, self._me.procfs):
                    continue
                command = command_of(pid, self._me.procfs)
                if command is None and self._me.pid_namespace != INITIAL_PID_NAMESPACE:
                    continue  # in a container the driver's pids are the host's: whose process that is cannot be told
                self._said.add((name, pid))
                who = f"process {pid} ({command or 'whose command cannot be read'})"
                events.append(Event("shared", t_ns, name, f"{who} holds it too; its energy is in the figure"))
        return events
