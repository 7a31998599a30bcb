"""A machine to judge processes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Here:
    """The host `node-a`, on which the processes `alive` run, each a (pid, start_ticks)."""

    alive: tuple[tuple[int, int], ...]
    host: str = "node-a"
    boot_id: str = "boot-1"
    pid_namespace: str = "4026531836"

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        return (pid, start_ticks) in self.alive
