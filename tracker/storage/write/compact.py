"""The statements that keep a long run small, for `Writer.write` and `Writer.query`. Standard library only.

Phases are folded (added up by name) within the database, so that their number does not matter for this process's memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.activity import PEAKS
from ...energy.intervals import JOULES
from .statements import Statement

_COUNTS = ("count", "duration_ns", "unresolved", "synchronized", "exact")

FOLD_TAIL = (
    "ON CONFLICT (segment_id, name) DO UPDATE SET first_start_utc_ns = min(phase_fold.first_start_utc_ns, excluded.first_start_utc_ns), "
    + ", ".join(f"{c} = phase_fold.{c} + excluded.{c}" for c in _COUNTS)
)
ENERGY_TAIL = "ON CONFLICT (segment_id, name, owner_segment_id, device) DO UPDATE SET " + ", ".join(
    f"{c} = phase_fold_energy.{c} + excluded.{c}" for c in JOULES
)
_FOLD = f"INSERT INTO phase_fold (segment_id, name, first_start_utc_ns, {', '.join(_COUNTS)})"
_ENERGY = f"INSERT INTO phase_fold_energy (segment_id, name, owner_segment_id, device, {', '.join(JOULES)})"

Query = tuple[str, Mapping[str, object]]


def anchors_from(segment_id: str, t_ns: int, most: int) -> Query:
    """Up to `most` anchors, oldest first, from the one that holds at `t_ns` on: rows of (monotonic_ns, utc_ns, boottime_ns)."""
    sql = (
        "SELECT monotonic_ns, utc_ns, boottime_ns FROM clock_anchor WHERE segment_id = :segment_id AND monotonic_ns >="
        " coalesce((SELECT max(monotonic_ns) FROM clock_anchor WHERE segment_id = :segment_id AND monotonic_ns <= :t_ns), :t_ns)"
        " ORDER BY monotonic_ns LIMIT :most"
    )
    return sql, {"segment_id": segment_id, "t_ns": t_ns, "most": most}


def thin(segment_id: str, device: str, start_ns: int, end_ns: int) -> Statement:
    """Delete a curve's points from `start_ns` to `end_ns`, except the first and the last of them."""
    # The two points are looked up in the database: points may have been written late, or not at all.
    of_curve = "FROM curve_point WHERE segment_id = :segment_id AND device = :device"
    sql = (
        f"DELETE {of_curve} AND t_ns > (SELECT min(t_ns) {of_curve} AND t_ns >= :start_ns)"
        f" AND t_ns < (SELECT max(t_ns) {of_curve} AND t_ns <= :end_ns)"
    )
    return sql, {"segment_id": segment_id, "device": device, "start_ns": start_ns, "end_ns": end_ns}


def thin_activity(segment_id: str, device: str, start_ns: int, end_ns: int) -> list[Statement]:
    """Delete the points of a device's activity after `start_ns` and up to `end_ns`, except the last of them, which gets their maxima."""
    of_device = "FROM activity_point WHERE segment_id = :segment_id AND device = :device AND t_ns > :start_ns AND t_ns <= :end_ns"
    last = f"(SELECT max(t_ns) {of_device})"
    peaks = ", ".join(f"{name} = (SELECT max({name}) {of_device})" for name in PEAKS)
    which = "segment_id = :segment_id AND device = :device"
    parameters: Mapping[str, object] = {"segment_id": segment_id, "device": device, "start_ns": start_ns, "end_ns": end_ns}
    return [
        (f"UPDATE activity_point SET {peaks} WHERE {which} AND t_ns = {last}", parameters),
        (f"DELETE {of_device} AND t_ns < {last}", parameters),
    ]


def thin_metric(segment_id: str, name: str, stride: int) -> Statement:
    """Delete the values of a metric whose numbers are no multiples of `stride`."""
    sql = "DELETE FROM metric_point WHERE segment_id = :segment_id AND name = :name AND seq % :stride <> 0"
    return sql, {"segment_id": segment_id, "name": name, "stride": stride}


def drop_anchor(segment_id: str, monotonic_ns: int) -> Statement:
    """Delete an anchor."""
    sql = "DELETE FROM clock_anchor WHERE segment_id = :segment_id AND monotonic_ns = :monotonic_ns"
    return sql, {"segment_id": segment_id, "monotonic_ns": monotonic_ns}


def kept(segment_id: str) -> Query:
    """The number of instances of each phase that could be folded: rows of (name, count)."""
    sql = f"SELECT name, count(*) FROM phase WHERE segment_id = :segment_id AND {_over()} GROUP BY name"
    return sql, {"segment_id": segment_id}


def newest_to_fold(segment_id: str, name: str | None, leave: int) -> Query:
    """The `seq` up to which instances (of `name`, or all) are to be folded so that the newest `leave` of them stay.

    There is no row if there are at most `leave`.
    """
    which = f"segment_id = :segment_id AND {_over()} AND (:name IS NULL OR name = :name)"
    sql = f"SELECT seq FROM phase WHERE {which} ORDER BY seq DESC LIMIT 1 OFFSET :leave"
    return sql, {"segment_id": segment_id, "name": name, "leave": leave}


def fold(segment_id: str, name: str | None, seq: int) -> list[Statement]:
    """Add the resolved instances up to `seq` (of `name`, or all) to their fold, and delete them."""
    which = f"p.segment_id = :segment_id AND p.seq <= :seq AND {_over('p.')} AND (:name IS NULL OR p.name = :name)"
    those = f"segment_id = :segment_id AND seq IN (SELECT p.seq FROM phase p WHERE {which})"
    sums = ", ".join(f"sum(e.{c})" for c in JOULES)
    parameters: Mapping[str, object] = {"segment_id": segment_id, "name": name, "seq": seq}
    statements = (
        f"{_FOLD} SELECT p.segment_id, p.name, min(p.start_utc_ns), count(*), sum(p.end_t_ns - p.start_t_ns), sum(p.resolved = 0),"
        f" sum(p.synchronized), sum(p.exact) FROM phase p WHERE {which} GROUP BY p.name {FOLD_TAIL}",
        f"{_ENERGY} SELECT p.segment_id, p.name, e.owner_segment_id, e.device, {sums} FROM phase p"
        f" JOIN phase_energy e ON e.segment_id = p.segment_id AND e.seq = p.seq WHERE {which}"
        f" GROUP BY p.name, e.owner_segment_id, e.device {ENERGY_TAIL}",
        f"DELETE FROM phase_energy WHERE {those}",
        f"DELETE FROM phase_work WHERE {those}",
        f"DELETE FROM phase WHERE {those}",
    )
    return [(sql, parameters) for sql in statements]


def add_to_fold(row: Mapping[str, object], energies: Sequence[Mapping[str, object]]) -> list[Statement]:
    """Add instances that were never stored one by one: a row of phase_fold, and the rows of phase_fold_energy that belong to it."""
    of_fold = f"{_FOLD} VALUES (:segment_id, :name, :first_start_utc_ns, {', '.join(f':{c}' for c in _COUNTS)}) {FOLD_TAIL}"
    of_energy = f"{_ENERGY} VALUES (:segment_id, :name, :owner_segment_id, :device, {', '.join(f':{c}' for c in JOULES)}) {ENERGY_TAIL}"
    return [(of_fold, row), *((of_energy, energy) for energy in energies)]


def _over(alias: str = "") -> str:
    """SQL that is true for instances that have ended and that get no more energies."""
    return f"{alias}resolved IS NOT NULL AND {alias}end_t_ns IS NOT NULL"
