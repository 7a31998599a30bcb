"""How a run ends that several processes record in, or the same one again after a restart. Standard library only."""

from __future__ import annotations

from .statements import Statement

_LAST = """
    SELECT s.status, s.end_reason, s.ended_utc_ns FROM segment s WHERE s.run_id = :run AND s.role = 'owner' AND NOT EXISTS (
        SELECT 1 FROM segment t WHERE t.run_id = s.run_id AND t.role = 'owner' AND t.started_utc_ns > s.started_utc_ns
        AND COALESCE(t.rank, -1) = COALESCE(s.rank, -1))
"""
"""The last process of each rank: those before it were started again."""
_WORST = "CASE status WHEN 'failed' THEN 0 WHEN 'interrupted' THEN 1 ELSE 2 END"
_CLOSE = f"""
    UPDATE run SET
        status = (SELECT status FROM ({_LAST}) l ORDER BY {_WORST} LIMIT 1),
        end_reason = (SELECT end_reason FROM ({_LAST}) l ORDER BY {_WORST}, ended_utc_ns LIMIT 1),
        ended_utc_ns = :ended_utc_ns, outcome = :outcome, duration_s = NULL, external = COALESCE(:external, external)
    WHERE id = :run AND NOT EXISTS (SELECT 1 FROM ({_LAST}) l WHERE l.status = 'running')
"""


def close_run(run_id: str, ended_utc_ns: int, outcome: str | None, external: str | None) -> Statement:
    """End a run when the last of its processes has ended; before that, nothing happens. The run has the worst status of its ranks: failed
    before interrupted before completed. Its duration follows from its processes."""
    return _CLOSE, {"run": run_id, "ended_utc_ns": ended_utc_ns, "outcome": outcome, "external": external}
