"""`trainwatt attach PID`: measure until a process that already runs ends."""

from __future__ import annotations

import errno
import os
import select
from typing import Any

import rich_click as click

from ...errors import ConfigurationError
from ...machine.process import alive_ticks, command_of, environment_of
from ...tracking.target import Target
from ...tracking.tracker import EnergyTracker
from ..options import arguments, full_option, tracking_options
from ..output import say
from .processes.measuring import report


@click.command("attach")
@full_option
@tracking_options
@click.argument("pid", type=int)
def command(pid: int, full: bool, **options: Any) -> None:
    """Measure the machine until process PID ends; Ctrl-C detaches.

    The energy that it used before is not counted. Its exit code cannot be seen from outside.
    """
    try:
        if pid > 0 and alive_ticks(pid) is None:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"PID {pid}: there is no such process ({getattr(error, 'strerror', None) or error}); `ps` lists those that run"
        ) from None
    target = Target(tree_pid=pid, command=command_of(pid), environ=environment_of(pid), full=full)
    tracker = EnergyTracker.watching(target, **arguments(**options))
    tracker.start()
    say(f"following process {pid}; Ctrl-C detaches")
    try:
        select.select([descriptor], [], [])
    except KeyboardInterrupt:
        tracker.stop("completed", "detached by Ctrl-C while the process still ran")
    else:
        tracker.stop("completed", "the process ended; its exit code cannot be seen from outside")
    report(tracker)
