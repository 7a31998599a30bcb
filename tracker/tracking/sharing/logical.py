"""The one run of a job: every rank of a launch, on every node, and every restart of it record in the same run.

The id of that run follows from what the ranks know their launch by, so that ranks with databases of their own have it too.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ...core.run import Status
from ...errors import ConfigurationError
from ...machine.launch import Launch
from ...machine.process import Identity
from ...storage.write.writer import Writer

LATE_NS = 30_000_000_000
"""A rank may begin so long after the others have ended, and still belongs to their run."""
FRESH_NS = 30_000_000_000
"""A process of another machine, or of another container, that has written nothing for so long is over: a run writes every two seconds."""
ID_DIGITS = 12
AUTO = "auto"
_AGAIN = "the run goes on in another process after it had ended; the time in between does not count"
_PAUSED = "the run goes on after a pause; the time in between does not count"
MOST_RUNS = 1_000
_SEGMENTS = (
    "SELECT rank, host, boot_id, pid_namespace, pid, start_ticks, last_seen_utc_ns, status FROM segment WHERE run_id = ? AND role = 'owner'"
)
_begun: dict[str, int] = defaultdict(int)
"""How many runs of a launch this process has begun: its first tracker belongs to the first ones of the other ranks."""


class Claim(NamedTuple):
    """The run that this process records in. `exists`: the database has it already. `over`: it had ended, and this process goes on. `said`:
    what the run says of that, if it is no matter of course."""

    run_id: str
    exists: bool
    over: bool
    said: str | None = None


class _Segment(NamedTuple):
    rank: int | None
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    last_seen_utc_ns: int
    status: str


def claim(writer: Writer, launch: Launch, rank: int | None, me: Identity, now_utc_ns: int) -> Claim:
    """The run of the launch. It is the newest one of the launch if that is still going on, if this rank is late, or if the job was
    restarted. Otherwise a new one: what a script launches after the first has ended. Raises StoreError."""
    number = _begun[launch.key]
    _begun[launch.key] += 1
    late: Claim | None = None
    for attempt in range(MOST_RUNS):
        run_id = hashlib.sha256(f"{launch.key}\0{number}\0{attempt}".encode()).hexdigest()[:ID_DIGITS]
        found = writer.query("SELECT status, last_seen_utc_ns FROM run WHERE id = ?", (run_id,))
        if not found:
            return late or Claim(run_id, exists=False, over=False)
        status = str(found[0][0])
        segments = [_Segment(*row) for row in writer.query(_SEGMENTS, (run_id,))]
        alive = [s for s in segments if status == Status.RUNNING and _may_live(s, me, now_utc_ns)]
        begins = _begins(segments, int(found[0][1]), now_utc_ns)
        if any(s.rank == rank for s in alive) or (begins and rank is None):
            continue  # another job of the same key
        if alive or begins:
            return Claim(run_id, exists=True, over=False)
        if (launch.lasting or launch.restarted) and status != Status.COMPLETED:
            return Claim(run_id, exists=True, over=True, said=_AGAIN)
        late = Claim(run_id, exists=True, over=True) if _is_late(segments, rank, now_utc_ns) else None
    raise AssertionError("a launch has a thousand runs")


def resumed(writer: Writer, wanted: str, auto: Launch, rank: int | None, me: Identity, now_utc_ns: int) -> Claim:
    """The run that the setting `resume` names: its id or the beginning of it; or "auto", the newest one of `auto` that is not completed.

    Raises ConfigurationError if it is no run, and StoreError."""
    if wanted == AUTO:
        return claim(writer, auto, rank, me, now_utc_ns)
    found = writer.query("SELECT id, status, last_seen_utc_ns FROM run WHERE substr(id, 1, ?) = ? LIMIT 2", (len(wanted), wanted))
    if len(found) > 1:
        raise ConfigurationError(f"resume={wanted!r}: several runs begin with it; give more of the id")
    if found:
        run_id, status, seen_ns = found[0]
        segments = [_Segment(*row) for row in writer.query(_SEGMENTS, (run_id,))]
        alive = any(_may_live(s, me, now_utc_ns) for s in segments) or _begins(segments, int(seen_ns), now_utc_ns)
        over = status != Status.RUNNING or not alive
        again = over or any(s.rank == rank for s in segments)  # else another rank begins at the same time
        paused = (me.boot_id, me.pid_namespace, me.pid, me.start_ticks) in {s[2:6] for s in segments}
        return Claim(run_id, exists=True, over=over, said=_PAUSED if paused else _AGAIN if again else None)
    if re.fullmatch(f"[0-9a-f]{{{ID_DIGITS}}}", wanted):  # its database may be elsewhere: a merge joins both parts
        return Claim(wanted, exists=False, over=False, said=f"the run goes on here: its former parts are not in {writer.path}")
    raise ConfigurationError(f'resume={wanted!r}: {writer.path} has no such run, and it is no id; give an id, or "auto"')


def _may_live(segment: _Segment, me: Identity, now_utc_ns: int) -> bool:
    if segment.status != Status.RUNNING:
        return False
    if segment.boot_id and (segment.boot_id, segment.pid_namespace) == (me.boot_id, me.pid_namespace):
        return me.is_alive(segment.pid, segment.start_ticks)
    return now_utc_ns - segment.last_seen_utc_ns < FRESH_NS


def _begins(segments: Sequence[_Segment], seen_utc_ns: int, now_utc_ns: int) -> bool:
    """Whether another rank has just written the run, and not yet its process."""
    return not segments and now_utc_ns - seen_utc_ns < FRESH_NS


def _is_late(segments: Sequence[_Segment], rank: int | None, now_utc_ns: int) -> bool:
    """Whether the others have been there only just, and this rank has not."""
    recent = any(now_utc_ns - s.last_seen_utc_ns < LATE_NS for s in segments)
    return recent and rank is not None and all(s.rank != rank for s in segments)
