"""Brings the runs that a local file owes a server there: once, or for as long as they run."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import select as sql_select

from ...errors import StoreError, TrainwattError
from ..engine import read
from ..merge import places
from ..merge.merging import Merge, Place
from ..read.rows import chunks_of
from ..read.store import Store
from ..read.vanished import Here
from ..read_only import Stamp, stamp_of
from ..schema import RUN, SEGMENT
from ..side_files import WAL, beside
from .outbox import Outbox

PAUSE_S, SHARE = 20.0, 20
"""The pause between two looks at runs that go on, and how many times as long as a look it is at least."""
RETRY_S, LONGEST_RETRY_S = 2.0, 60.0
"""The first and the longest pause where the server could not be used."""
WAIT_S, LOOK_S = 5.0, 0.02
"""How long a command waits for the process that brings runs, and how often it looks."""
QUIET_S = 600.0
"""After so long without anything new in the local file, no run goes on, or nobody knows of it: then the next run or command goes on."""


def bring(outbox: Outbox, here: Here, target: Place | None = None) -> None:
    """Bring all runs that are owed. Those that are over are owed no more. Raises StoreError and ConfigurationError."""
    owed = outbox.owed()
    if not owed:
        return
    local = str(outbox.real_path)
    store = Store.open(local)
    store.mark_vanished(here)
    store.close()
    source = places.source(local)
    going_on = _going_on(source, owed)  # asked first: what is over now is over in what is read below
    merge = Merge(source, target or places.target(outbox.server), owed)
    for batch in merge.batches():
        merge.take(batch)
    failed: dict[str, str] = dict(merge.taken.failed)
    for run_id in owed:
        if run_id not in going_on and run_id not in failed:
            outbox.remove(run_id)
    if failed:
        shown = "; ".join(f"run {run_id}: {reason}" for run_id, reason in failed.items())
        raise StoreError(f"the server does not take {shown}")


def bring_now(outbox: Outbox, here: Here) -> str | None:
    """Bring what is owed before a command reads the server. A process that does so already is given a moment. Returns why something is
    missing on the server, None if nothing is. Raises nothing of the server's: whoever reads it next says so."""
    if not outbox.owed():
        return None
    with outbox.locked() as mine:
        if mine:
            try:
                bring(outbox, here)
                outbox.passed(None)
            except TrainwattError as error:
                outbox.passed(str(error))
                return str(error)
            return None
    return awaited(outbox)


def awaited(outbox: Outbox) -> str | None:
    """Let the process that brings runs look now, and wait a moment for it. Returns why something is missing on the server, None if
    nothing is but what goes on."""
    passes, deadline = outbox.passes, time.monotonic() + WAIT_S
    outbox.wake()
    while outbox.passes == passes and outbox.owed():
        if time.monotonic() > deadline:
            return outbox.fault or "it takes longer"
        time.sleep(LOOK_S)
    return outbox.fault or None


def follow(outbox: Outbox, here: Callable[[], Here]) -> None:
    """Bring the runs that are owed until none is owed any more, or nothing happens. Returns at once if another process does so."""
    with suppress(OSError):
        os.nice(19)
    while outbox.owed():
        with outbox.locked() as mine:
            if not mine or not _followed(outbox, here):
                return


def _followed(outbox: Outbox, here: Callable[[], Here]) -> bool:
    """Whether all was brought. A run may have begun since, before the lock was given back."""
    woken, target = outbox.wakes(), None
    retry_s, changed_s, last = RETRY_S, time.monotonic(), list[Stamp]()
    try:
        while outbox.owed():
            begun_s = time.monotonic()
            try:
                if target is None:
                    target = places.target(outbox.server)
                bring(outbox, here(), target)
                outbox.passed(None)
                retry_s, pause_s = RETRY_S, max(PAUSE_S, SHARE * (time.monotonic() - begun_s))
            except TrainwattError as error:
                outbox.passed(str(error))
                pause_s, retry_s = retry_s, min(2 * retry_s, LONGEST_RETRY_S)
            if not outbox.owed():
                break
            now = _stamps(outbox)
            if now != last:
                changed_s, last = time.monotonic(), now
            if time.monotonic() - changed_s > QUIET_S:
                return False
            if select.select([woken], [], [], pause_s)[0]:
                os.read(woken, 4096)
        return True
    finally:
        os.close(woken)


def _going_on(source: Place, run_ids: list[str]) -> set[str]:
    """The runs that say they are running, and those of which a process does."""
    chunks = chunks_of(run_ids)
    runs = sql_select(RUN.c.id).where(RUN.c.status == "running")
    segments = sql_select(SEGMENT.c.run_id).where(SEGMENT.c.status == "running")
    return read(
        source.engine,
        source.place,
        lambda connection: {
            str(run_id)
            for chunk in chunks
            for query in (runs.where(RUN.c.id.in_(chunk)), segments.where(SEGMENT.c.run_id.in_(chunk)))
            for run_id in connection.scalars(query)
        },
    )


def _stamps(outbox: Outbox) -> list[Stamp]:
    return [stamp_of(beside(outbox.real_path, ending)) for ending in ("", WAL)]
