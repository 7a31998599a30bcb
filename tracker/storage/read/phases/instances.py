"""The queries of phases one by one: those that are open, their times, and their energy and work."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from ....core.work import from_part
from ....energy.intervals import JOULES
from ...schema import DEVICE, PHASE, PHASE_ENERGY, PHASE_WORK
from ..checked import sound
from ..records import Damage, PhaseDeviceSum
from ..rows import select_fields
from .records import OpenPhase, PhaseInstance, PhaseTime

Key = tuple[str, int]
"""The segment of an instance, and its number there."""


def open_phases(connection: Connection, run_id: str, newest: int) -> list[OpenPhase]:
    """The phases that have not ended, by segment and start, each with the energies of up to `newest` ended instances of its name."""
    phase, energy, device = PHASE.c, PHASE_ENERGY.c, DEVICE.c
    fields, nothing = OpenPhase._fields[:-1], list[Damage]()  # without the joules
    unended = select_fields(PHASE, fields).where(phase.run_id == run_id, phase.resolved.is_(None), phase.end_t_ns.is_(None))
    found = []
    for row in sound(PHASE, fields, connection.execute(unended.order_by(phase.segment_id, phase.seq)).all(), nothing):
        begun = OpenPhase._make((*row, ()))
        alike = (phase.segment_id == begun.segment_id, phase.name == begun.name, phase.resolved == 1)
        seqs = list(connection.scalars(select(phase.seq).where(*alike).order_by(phase.seq.desc()).limit(newest)))
        joules = (
            select(func.sum(energy.energy_j))
            .join(DEVICE, (device.segment_id == energy.owner_segment_id) & (device.name == energy.device))
            .where(energy.segment_id == begun.segment_id, energy.seq.in_(seqs), device.included_in_total == 1)
            .group_by(energy.seq)
            .order_by(energy.seq)
        )
        known = connection.scalars(joules) if seqs else ()
        found.append(begun._replace(newest_j=tuple(j for j in known if isinstance(j, float) and 0 <= j < math.inf)))
    return found


def times_of(connection: Connection, run_id: str) -> list[PhaseTime]:
    """The instances of a run that are kept one by one, by segment and start."""
    phase = PHASE.c
    query = select_fields(PHASE, PhaseTime._fields).where(phase.run_id == run_id)
    rows = connection.execute(query.order_by(phase.segment_id, phase.start_t_ns, phase.seq))
    return list(map(PhaseTime._make, sound(PHASE, PhaseTime._fields, rows, [])))


def instances_of(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[PhaseInstance]]:
    """The instances of runs that are kept one by one, by run and start, with their energy and their work. Rows that cannot be true are left
    out."""
    phase, energy, work = PHASE.c, PHASE_ENERGY.c, PHASE_WORK.c
    nothing: list[Damage] = []
    devices: dict[Key, list[PhaseDeviceSum]] = defaultdict(list)
    fields = ("segment_id", "seq", "owner_segment_id", "device", *JOULES)
    energies = select(*(energy[name] for name in fields)).join(PHASE, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
    for segment_id, seq, *found in sound(PHASE_ENERGY, fields, connection.execute(energies.where(phase.run_id.in_(run_ids))), nothing):
        devices[segment_id, seq].append(PhaseDeviceSum._make(found))
    amounts: dict[Key, dict[str, int]] = defaultdict(dict)
    counted = select(*work).join(PHASE, (work.segment_id == phase.segment_id) & (work.seq == phase.seq)).where(phase.run_id.in_(run_ids))
    for segment_id, seq, name, stored in sound(PHASE_WORK, tuple(column.name for column in work), connection.execute(counted), nothing):
        unit, amount = from_part(name, stored)
        of_phase = amounts[segment_id, seq]
        of_phase[unit] = of_phase.get(unit, 0) + amount
    own = PhaseInstance._fields[:-2]
    query = select_fields(PHASE, ("run_id", *own)).where(phase.run_id.in_(run_ids))
    rows = connection.execute(query.order_by(phase.start_utc_ns, phase.segment_id, phase.seq))
    instances: dict[str, list[PhaseInstance]] = {run_id: [] for run_id in run_ids}
    for run_id, segment_id, seq, *more in sound(PHASE, ("run_id", *own), rows, nothing):
        key = segment_id, seq
        instances[run_id].append(PhaseInstance._make((*key, *more, tuple(devices[key]), dict(amounts[key]))))
    return instances
