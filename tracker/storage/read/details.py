"""What is newest of a run, and of its curves from anywhere on: for those who read it again and again, or piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, select

from ...core.point import Point
from .. import schema
from ..engine import faults_of, reading
from .store import Store

PIECE = 5_000
"""Points a transaction: none is open for long, so that the writer's log can be taken in meanwhile."""


class OpenPhase(NamedTuple):
    """An instance of a phase that has not ended; `newest_j` are the joules of the newest that have, those too short to tell left out."""

    segment_id: str
    seq: int
    parent_seq: int | None
    name: str
    step: int | None
    start_utc_ns: int
    newest_j: tuple[float, ...]


def points_after(store: Store, segment_id: str, device: str, after_t_ns: int) -> Iterator[Point]:
    """The points of one curve that come after an instant of its monotonic clock, in order, read in pieces. Raises StoreError."""
    point = schema.CURVE_POINT.c
    query = select(*(point[name] for name in Point._fields)).order_by(point.t_ns).limit(PIECE)
    query = query.where(point.segment_id == segment_id, point.device == device)
    while True:
        with faults_of(store.place), reading(store._engine) as connection:
            found = connection.execute(query.where(point.t_ns > after_t_ns)).all()
        yield from map(Point._make, found)
        if len(found) < PIECE:
            return
        after_t_ns = found[-1].t_ns


def open_phases(store: Store, run_id: str, newest: int) -> list[OpenPhase]:
    """The phases that go on, by segment and start, each with the energies of up to `newest` ended instances. Raises StoreError."""
    phase, energy, device = schema.PHASE.c, schema.PHASE_ENERGY.c, schema.DEVICE.c
    going = select(phase.segment_id, phase.seq, phase.parent_seq, phase.name, phase.step, phase.start_utc_ns)
    going = going.where(phase.run_id == run_id, phase.resolved.is_(None), phase.end_t_ns.is_(None)).order_by(phase.segment_id, phase.seq)
    found = []
    with faults_of(store.place), reading(store._engine) as connection:
        for row in connection.execute(going).all():
            alike = (phase.segment_id == row.segment_id, phase.name == row.name, phase.resolved == 1)
            seqs = list(connection.scalars(select(phase.seq).where(*alike).order_by(phase.seq.desc()).limit(newest)))
            joules = (
                select(func.sum(energy.energy_j))
                .join(schema.DEVICE, (device.segment_id == energy.owner_segment_id) & (device.name == energy.device))
                .where(energy.segment_id == row.segment_id, energy.seq.in_(seqs), device.included_in_total == 1)
                .group_by(energy.seq)
                .order_by(energy.seq)
            )
            found.append(OpenPhase(*row, tuple(connection.scalars(joules)) if seqs else ()))
    return found


class PhaseTime(NamedTuple):
    """One instance of a phase, on its segment's monotonic clock; `end_t_ns` is None while it goes on."""

    segment_id: str
    name: str
    start_t_ns: int
    end_t_ns: int | None


def phase_times(store: Store, run_id: str) -> list[PhaseTime]:
    """The instances that are kept one by one, by segment and start; those that are folded have no times of their own.

    Raises StoreError.
    """
    phase = schema.PHASE.c
    query = select(phase.segment_id, phase.name, phase.start_t_ns, phase.end_t_ns).where(phase.run_id == run_id)
    with faults_of(store.place), reading(store._engine) as connection:
        return [PhaseTime(*row) for row in connection.execute(query.order_by(phase.segment_id, phase.start_t_ns, phase.seq))]
