"""Which process a run measures."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import TrainwattError


class Target:
    """The process whose energy is measured.

    `tree_pid`: the root of its process tree, by default this process. `command` and `environ`: its command line and environment, None for
    those of this process. `joinable`: trackers in other processes may join the run. `full`: the command lines of processes outside the run
    are recorded as a whole, and not only their programs. `refused`: why the run is not in the
    database that the settings name, None if it is.
    """

    __slots__ = ("command", "environ", "full", "joinable", "refused", "tree_pid")

    def __init__(
        self,
        tree_pid: int | None = None,
        command: str | None = None,
        environ: Mapping[str, str] | None = None,
        joinable: bool = False,
        full: bool = False,
    ) -> None:
        self.tree_pid = os.getpid() if tree_pid is None else tree_pid
        self.command = command
        self.environ = environ
        self.joinable = joinable
        self.full = full
        self.refused: TrainwattError | None = None
