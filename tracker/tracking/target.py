"""Which process a run measures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """The process whose energy is measured.

    `tree_pid`: the root of its process tree, by default this process. `command` and `environ`: its command line and environment, None for
    those of this process. `joinable`: trackers in other processes may join the run.
    """

    tree_pid: int = field(default_factory=os.getpid)
    command: str | None = None
    environ: Mapping[str, str] | None = None
    joinable: bool = False
