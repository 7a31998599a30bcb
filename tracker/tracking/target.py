"""Which process a run measures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from ..errors import TrainwattError
from ..machine.job import local_rank
from ..machine.process import parent


class Target:
    """The process whose energy is measured.

    `tree_pid`: the root of its process tree, by default this process. `command` and `environ`: its command line and environment, None for
    those of this process. `joinable`: trackers in other processes may join the run. `full`: the command lines of processes outside the run
    are recorded as a whole, and not only their programs. `refused`: why the run is not in the database that the settings name, None if it
    is. `on_over` is called, in any thread, when the run has used its budget.
    """

    __slots__ = ("command", "on_over", "environ", "full", "joinable", "refused", "tree_pid")

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
        self.on_over: Callable[[], None] = lambda: None

    def root(self, environ: Mapping[str, str]) -> int:
        """The root of the tree of all processes of the run; `environ` is the environment of this process."""
        if local_rank(environ) is not None and self.environ is None:
            return parent(self.tree_pid) or self.tree_pid  # the other ranks of the node are the launcher's children too
        return self.tree_pid
