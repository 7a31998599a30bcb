"""Processes of a run that go on after its end, and are not measured any more."""

from __future__ import annotations

import os
import time

from ...config import JOIN_RUN
from ...core.clock import Anchor
from ...core.run import Event, EventKind
from ...errors import StoreError
from ...machine.process import command_of, started_with
from ...storage.write.writer import Writer

ENDING_S = 0.2
"""Workers of a command end a little later than the command."""
MOST_NAMED = 3
LEAST_S = 1.0
"""A process that ends so soon after its run ended with it."""


def left_behind(run_id: str, t_ns: int, procfs: str) -> list[Event]:
    """An event with the processes of a command under `trainwatt run` that go on when the command has ended."""
    pids = started_with(JOIN_RUN, run_id, procfs)
    if pids:
        time.sleep(ENDING_S)
        pids = [pid for pid in started_with(JOIN_RUN, run_id, procfs) if pid in pids]
    if not pids:
        return []
    named = [f"process {pid} ({command_of(pid, procfs) or 'whose command cannot be read'})" for pid in pids[:MOST_NAMED]]
    more = f" and {len(pids) - MOST_NAMED} more" if len(pids) > MOST_NAMED else ""
    text = f"{', '.join(named)}{more} of the command went on when it ended: from then on the run measured nothing"
    return [Event(EventKind.OUTLIVED, t_ns, None, text)]


def went_on(writer: Writer, run_id: str, now: Anchor) -> list[Event]:
    """An event of a process that joined a run and ends now: for how long it was not measured. Nothing if the database does not answer."""
    try:
        ended = writer.query("SELECT ended_utc_ns FROM run WHERE id = ?", (run_id,))
    except StoreError:
        return []
    for (ended_utc_ns,) in ended:
        seconds = 0.0 if ended_utc_ns is None else (now.utc_ns - ended_utc_ns) * 1e-9
        if seconds > LEAST_S:
            text = f"process {os.getpid()} went on for {seconds:.1f} s after the end of the run, which were not measured"
            return [Event(EventKind.OUTLIVED, now.monotonic_ns, None, text)]
    return []
