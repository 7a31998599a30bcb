"""Whose energy a run is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """Whose energy this is: the root of the process tree (this process by default), its command and environment, and whether
    trackers in other processes may join the run."""

    tree_pid: int = field(default_factory=os.getpid)
    command: str | None = None
    environ: Mapping[str, str] | None = None
    joinable: bool = False
