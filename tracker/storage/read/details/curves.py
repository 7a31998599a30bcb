"""The queries of energy curves: whole ones, their ends, their outlines, and their newest points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, literal, select

from ....core.point import Point
from ...schema import CURVE_POINT, DEVICE, SEGMENT
from ..checked import sound_points
from ..records import DeviceRow
from ..rows import select_fields

Key = tuple[str, str]
"""A curve: the id of its segment, and its device."""


def points_of(connection: Connection, run_id: str) -> dict[Key, list[Point]]:
    """The energy curves of a run, each in order of time."""
    device, point = DEVICE.c, CURVE_POINT.c
    devices = select(device.segment_id, device.name).join(SEGMENT, SEGMENT.c.id == device.segment_id)
    devices = devices.where(SEGMENT.c.run_id == run_id).order_by(device.segment_id, device.name)
    # One query for each curve: the primary key has its points in order.
    of_one = select_fields(CURVE_POINT, Point._fields).order_by(point.t_ns)
    curves = {}
    for segment_id, name in connection.execute(devices).all():
        found = connection.execute(of_one.where(point.segment_id == segment_id, point.device == name))
        curves[segment_id, name] = sound_points(found.all())
    return {key: points for key, points in curves.items() if points}


def curve_of(connection: Connection, device: DeviceRow) -> list[Point]:
    """All points of one curve, in order of time."""
    point = CURVE_POINT.c
    of_one = select_fields(CURVE_POINT, Point._fields).where(point.segment_id == device.segment_id, point.device == device.name)
    return sound_points(connection.execute(of_one.order_by(point.t_ns)).all())


def points_after(connection: Connection, segment_id: str, device: str, after_t_ns: int, limit: int) -> tuple[list[Point], int | None]:
    """Up to `limit` points of one curve that come after an instant of its monotonic clock, in order; and the instant after which to ask
    again, None if there are no more."""
    point = CURVE_POINT.c
    query = select_fields(CURVE_POINT, Point._fields).where(point.segment_id == segment_id, point.device == device)
    found = connection.execute(query.where(point.t_ns > after_t_ns).order_by(point.t_ns).limit(limit))
    rows = found.all()
    points = sound_points(rows)
    more = len(rows) == limit and isinstance(rows[-1].t_ns, int)  # what is no number comes last
    return points, rows[-1].t_ns if more else None


def outline_of(connection: Connection, devices: Iterable[DeviceRow], pieces: int) -> dict[Key, list[Point]]:
    """The ends of each curve, and the points at which about `pieces` equal parts of its time begin: enough for a small drawing."""
    point, inner = CURVE_POINT, CURVE_POINT.alias()
    segment, name = bindparam("segment", type_=Text), bindparam("name", type_=Text)
    start, span = bindparam("start", type_=BigInteger), bindparam("span", type_=BigInteger)
    part = select(literal(1, BigInteger).label("i")).cte("part", recursive=True)
    part = part.union_all(select(part.c.i + 1).where(part.c.i < pieces - 1))
    # One query for each curve. A week of ten devices in 600 pieces has 6,000 points, each found in the primary key.
    latest = (
        select(func.max(inner.c.t_ns))
        .where(inner.c.segment_id == segment, inner.c.device == name, inner.c.t_ns <= start + span * part.c.i // pieces)
        .correlate(part)
        .scalar_subquery()
    )
    query = (
        select_fields(point, Point._fields)
        .select_from(part)
        .join(point, (point.c.segment_id == segment) & (point.c.device == name) & (point.c.t_ns == latest))
        .order_by(part.c.i)
    )
    curves = {}
    for d in devices:
        if d.first is None or d.last is None:
            continue
        at = {"segment": d.segment_id, "name": d.name, "start": d.first.t_ns, "span": d.last.t_ns - d.first.t_ns}
        found = sound_points(connection.execute(query, at).all())
        curves[d.segment_id, d.name] = list(dict.fromkeys([d.first, *found, d.last]))
    return curves


def ends_of(connection: Connection, run_ids: Sequence[str], which: Literal["min", "max"]) -> dict[Key, Point | None]:
    """The first ("min") or last ("max") point of each curve of several runs; None where its values cannot be true."""
    device, point, inner = DEVICE, CURVE_POINT, CURVE_POINT.alias()
    # One point for each device, found in the primary key: the points in between are never read. The outer join keeps SQLite from
    # starting with the table of points, which it would then read as a whole.
    end = (
        select(getattr(func, which)(inner.c.t_ns))
        .where(inner.c.segment_id == device.c.segment_id, inner.c.device == device.c.name)
        .correlate(device)
        .scalar_subquery()
    )
    query = (
        select_fields(point, ("segment_id", "device", *Point._fields))
        .select_from(device)
        .join(SEGMENT, SEGMENT.c.id == device.c.segment_id)
        .outerjoin(point, (point.c.segment_id == device.c.segment_id) & (point.c.device == device.c.name) & (point.c.t_ns == end))
        .where(SEGMENT.c.run_id.in_(run_ids))
    )
    rows = connection.execute(query)
    found = ((segment_id, name, sound_points([tuple(point)])) for segment_id, name, *point in rows if segment_id is not None)
    return {(segment_id, name): points[0] if points else None for segment_id, name, points in found}
