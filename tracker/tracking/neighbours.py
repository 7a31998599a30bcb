"""Other runs that measure this machine at the same time, as far as the same database knows them: joules that both have are said."""

from __future__ import annotations

from ..core.run import Event
from ..errors import StoreError
from ..machine.process import Identity
from ..storage.write.writer import Writer

FRESH_NS = 10_000_000_000
"""A run that has written nothing for so long is taken for one that was killed: it writes every second."""
NEWEST = 200
"""Among so many runs they are looked for: however long the history is, a run begins and ends as quickly."""
_OTHERS = (
    f"SELECT r.id FROM (SELECT id, status, started_utc_ns FROM run ORDER BY started_utc_ns DESC LIMIT {NEWEST}) r"
    " CROSS JOIN segment s WHERE s.run_id = r.id AND s.role = 'owner' AND s.boot_id = ? AND (s.pid <> ? OR s.pid_namespace <> ?)"
    " AND r.id <> ? AND EXISTS (SELECT 1 FROM device d WHERE d.segment_id = s.id) AND "
)


class Neighbours:
    """Of the run `run_id`, which began at `start_utc_ns` in the process `me`. Trackers of one process find each other by themselves."""

    def __init__(self, run_id: str, me: Identity, start_utc_ns: int) -> None:
        self._self = (me.boot_id, me.pid, me.pid_namespace, run_id)
        self._start_utc_ns = start_utc_ns

    def already_there(self, writer: Writer, t_ns: int) -> list[Event]:
        """Those that go on as the run begins, as an event."""
        return self._said(writer, "r.status = 'running' AND s.last_seen_utc_ns > ?", self._start_utc_ns - FRESH_NS, t_ns)

    def begun_since(self, writer: Writer, t_ns: int) -> list[Event]:
        """Those that have begun since, whether they go on or not, as an event."""
        return self._said(writer, "r.started_utc_ns > ?", self._start_utc_ns, t_ns)

    def _said(self, writer: Writer, which: str, than_ns: int, t_ns: int) -> list[Event]:
        try:
            others = [run_id for (run_id,) in writer.query(_OTHERS + which, (*self._self, than_ns))]
        except StoreError:
            return []
        if not others:
            return []
        who = f"run {', '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''}"
        text = f"{who} measured this machine at the same time: the joules of devices that both read are in both, and not to be added up"
        return [Event("overlap", t_ns, None, text)]
