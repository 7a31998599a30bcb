"""When the phases of a run were, instance by instance: what is drawn behind its power."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from . import schema
from .engine import faults_of, reading
from .read.store import Store


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
