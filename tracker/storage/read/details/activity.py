"""The queries of what the devices of a run did: sums over time, whole or between two instants."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ....core.activity import PEAKS, ActivityPoint
from ...schema import ACTIVITY_POINT
from ..checked import sound
from ..records import Damage
from ..rows import segments_of, select_fields

Key = tuple[str, str]
"""The id of a segment, and a device of it."""
_FIELDS = ("segment_id", "device", *ActivityPoint._fields)


def activity_of(
    connection: Connection, run_ids: Sequence[str], owners: Mapping[str, str], damage: Mapping[str, list[Damage]]
) -> dict[str, dict[Key, ActivityPoint]]:
    """The sums of each device over the whole of its segment, by run. `owners`: the runs of segments. What is wrong is added to the damage
    of the run."""
    point = ACTIVITY_POINT.c
    last = select(
        point.segment_id, point.device, func.max(point.t_ns).label("t_ns"), *(func.max(point[name]).label(name) for name in PEAKS)
    )
    ends = last.where(point.segment_id.in_(segments_of(run_ids))).group_by(point.segment_id, point.device).subquery()
    same = (point.segment_id == ends.c.segment_id) & (point.device == ends.c.device) & (point.t_ns == ends.c.t_ns)
    columns = (ends.c[name] if name in PEAKS else point[name] for name in _FIELDS)
    found: dict[str, dict[Key, ActivityPoint]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(select(*columns).join(ends, same)):
        run_id = owners[row.segment_id]
        found[run_id] |= {key: points[-1] for key, points in _by_key([row], damage[run_id]).items()}
    return found


def points_of_activity(connection: Connection, run_id: str, newest: int | None = None) -> dict[Key, list[ActivityPoint]]:
    """The points of each device in order of time, all or the `newest`. Before the first one of all there is one at which the sums are 0."""
    point = ACTIVITY_POINT.c
    keys = select(point.segment_id, point.device).where(point.segment_id.in_(segments_of([run_id]))).distinct()
    # One query for each device: the primary key has its points in order.
    of_one = select_fields(ACTIVITY_POINT, _FIELDS).order_by(point.t_ns.desc()).limit(newest)
    found: dict[Key, list[ActivityPoint]] = {}
    for segment_id, device in connection.execute(keys.order_by(point.segment_id, point.device)).all():
        rows = connection.execute(of_one.where(point.segment_id == segment_id, point.device == device)).all()
        for key, points in _by_key(rows[::-1], []).items():
            found[key] = points if len(rows) == newest else [points[0].zero(), *points]
    return found


def _by_key(rows: Sequence[Row[Any]], damage: list[Damage]) -> dict[Key, list[ActivityPoint]]:
    found: dict[Key, list[ActivityPoint]] = defaultdict(list)
    for segment_id, device, *values in sound(ACTIVITY_POINT, _FIELDS, rows, damage):
        point = ActivityPoint._make(values)
        found[segment_id, device].append(point._replace(throttled=_reasons(values[_THROTTLED], damage)))
    return dict(found)


_THROTTLED = ActivityPoint._fields.index("throttled")


def _reasons(text: str | None, damage: list[Damage]) -> dict[str, float] | None:
    """The milliseconds by reason in the JSON of a point."""
    if text is None or text == "{}":
        return None if text is None else {}
    try:
        value = json.loads(text)
        if isinstance(value, dict) and all(type(ms) in (int, float) and 0 <= ms < 2**53 for ms in value.values()):
            return value
    except (ValueError, RecursionError):
        pass
    damage.append(Damage(ACTIVITY_POINT.name, "throttled", repr(text)[:60]))
    return None
