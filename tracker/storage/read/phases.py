"""The queries of phases: their sums by name, those that are open, and the times of each."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Double, Table, case, cast, func, literal, select, tuple_

from ...energy.intervals import JOULES
from ..schema import DEVICE, PHASE, PHASE_ENERGY, PHASE_FOLD, PHASE_FOLD_ENERGY
from .checked import checker, sound, suspicious
from .records import Damage, OpenPhase, PhaseDeviceSum, PhaseSum, PhaseTime
from .rows import Query, segments_of, select_fields
from .several.twice import Instance, Reader, counted_once

_COUNTS = ("instances", "duration_ns", "open", "unresolved", "pending", "synchronized", "exact")


def sums_of(
    connection: Connection, run_id: str, before: Sequence[PhaseSum], damage: list[Damage], twice: Sequence[Sequence[Reader]] = ()
) -> tuple[PhaseSum, ...]:
    """All instances of each phase, by segment and name; folded instances are added to those that are kept one by one.

    A phase with a value that cannot be true is left out, and one with such an energy has no energies. Both are added to `damage`.
    `before` is what an earlier call returned. Its energies are reused if no further instance has become known since then: an instance gets
    its energies once, when it stops being pending. `twice`: the readers of each device that several processes have read at the same time.
    """
    phase, fold = PHASE.c, PHASE_FOLD.c
    kept = (
        select(
            phase.segment_id,
            phase.name,
            func.min(phase.start_utc_ns).label("first_start_utc_ns"),
            func.count().label("instances"),
            # A float, because a sum of integers may be too large for the database where one of them is wrong.
            func.coalesce(func.sum(cast(phase.end_t_ns - phase.start_t_ns, Double)), 0.0).label("duration_ns"),
            _count(phase.end_t_ns.is_(None)).label("open"),
            _count(phase.resolved == 0).label("unresolved"),
            _count(phase.resolved.is_(None)).label("pending"),
            _count(phase.synchronized == 1).label("synchronized"),
            _count(phase.exact == 1).label("exact"),
        )
        .where(phase.run_id == run_id)
        .group_by(phase.segment_id, phase.name)
    )
    nothing = literal(0)
    folded = select(
        *(fold.segment_id, fold.name, fold.first_start_utc_ns, fold.count, cast(fold.duration_ns, Double)),
        *(nothing, fold.unresolved, nothing, fold.synchronized, fold.exact),
    ).where(fold.segment_id.in_(segments_of(run_id)))
    unsound = _unsound(connection, PHASE, phase.run_id == run_id, damage)
    unsound |= _unsound(connection, PHASE_FOLD, fold.segment_id.in_(segments_of(run_id)), damage)
    sums = []
    for row in connection.execute(_added_up(kept, folded, ("segment_id", "name"), _COUNTS, first="first_start_utc_ns")):
        segment_id, name, first_start_utc_ns, *numbers = row
        if (segment_id, name) in unsound:
            continue
        counts = dict(zip(_COUNTS, map(int, numbers), strict=True))  # from Decimals on PostgreSQL
        sums.append(
            PhaseSum(
                segment_id=segment_id,
                name=name,
                duration_s=counts.pop("duration_ns") / 1e9,
                first_start_utc_ns=first_start_utc_ns,
                devices=(),
                **counts,
            )
        )
    if list(map(_instances, sums)) == list(map(_instances, before)):
        return tuple(phase._replace(devices=known.devices) for phase, known in zip(sums, before, strict=True))
    devices = _device_sums(connection, run_id, damage)
    for readers in twice:
        _count_once(connection, run_id, readers, devices)
    return tuple(phase._replace(devices=tuple(devices.get((phase.segment_id, phase.name), ()))) for phase in sums)


def _unsound(connection: Connection, table: Table, of_run: ColumnElement[bool], damage: list[Damage]) -> set[tuple[object, object]]:
    """The phases, by segment and name, of which a row has a value that cannot be true."""
    check, found = checker(table, tuple(column.name for column in table.c)), set[tuple[object, object]]()
    for row in connection.execute(select(table).where(of_run, suspicious(connection, table))):
        wrong = [each for _, _, each in check.wrong(row)]
        damage += wrong
        found |= {(row.segment_id, row.name)} if wrong else set()
    return found


def _instances(phase: PhaseSum) -> PhaseSum:
    """A phase without the values that grow while one of its instances is open."""
    return phase._replace(devices=(), duration_s=0.0, open=0)


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


def _device_sums(connection: Connection, run_id: str, damage: list[Damage]) -> dict[tuple[str, str], list[PhaseDeviceSum]]:
    """What the devices used in each phase, by segment and name. A phase with an energy that cannot be true has none."""
    phase, energy, fold_energy = PHASE.c, PHASE_ENERGY.c, PHASE_FOLD_ENERGY.c
    key = phase.segment_id, phase.name, energy.owner_segment_id, energy.device
    kept = (
        select(*key, *(func.sum(energy[name]).label(name) for name in JOULES))
        .select_from(PHASE)
        .join(PHASE_ENERGY, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
        .where(phase.run_id == run_id)
        .group_by(*reversed(key))  # the most varied column first: sorting is half of the time
    )
    names = ("segment_id", "name", "owner_segment_id", "device")
    folded = select_fields(PHASE_FOLD_ENERGY, (*names, *JOULES)).where(fold_energy.segment_id.in_(segments_of(run_id)))
    unsound = _unsound(connection, PHASE_FOLD_ENERGY, fold_energy.segment_id.in_(segments_of(run_id)), damage)
    check = checker(PHASE_ENERGY, tuple(column.name for column in energy))
    wrong = select(*energy, phase.name).join(PHASE, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
    for row in connection.execute(wrong.where(phase.run_id == run_id, suspicious(connection, PHASE_ENERGY))):
        damage += (each for _, _, each in check.wrong(row))
        unsound |= {(row.segment_id, row.name)} if check.wrong(row) else set()
    sums: dict[tuple[str, str], list[PhaseDeviceSum]] = defaultdict(list)
    for segment_id, name, *of_device in connection.execute(_added_up(kept, folded, names, JOULES)):
        if (segment_id, name) not in unsound:
            sums[segment_id, name].append(PhaseDeviceSum._make(of_device))
    return sums


def _count_once(connection: Connection, run_id: str, readers: Sequence[Reader], sums: dict[tuple[str, str], list[PhaseDeviceSum]]) -> None:
    """Count the energies on a device once that these readers have computed. Of phases that are added up, whose times are not known, only
    those of the first reader count that has any of that name."""
    phase, energy, fold_energy = PHASE.c, PHASE_ENERGY.c, PHASE_FOLD_ENERGY.c
    instances = (
        select(
            *(phase.segment_id, phase.name, phase.start_t_ns, phase.end_t_ns, energy.owner_segment_id, energy.device),
            *(energy[name] for name in JOULES),
        )
        .join_from(PHASE, PHASE_ENERGY, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
        .where(phase.run_id == run_id, phase.end_t_ns.is_not(None), tuple_(energy.owner_segment_id, energy.device).in_(readers))
    )
    found = (Instance(row[0], row[1], row[2], row[3], (row[4], row[5]), row[6:]) for row in connection.execute(instances))
    once = counted_once(found, readers)
    for at, (owner, device) in enumerate(readers):
        before = set(readers[:at])
        of_reader = select_fields(PHASE_FOLD_ENERGY, ("segment_id", "name", *JOULES))
        folded = of_reader.where(fold_energy.owner_segment_id == owner, fold_energy.device == device)
        for segment_id, name, *joules in connection.execute(folded):
            counted = {(s.owner_segment_id, s.device) for key, each in sums.items() if key[1] == name for s in each}
            if counted.isdisjoint(before):
                known = once.get((segment_id, name), PhaseDeviceSum(*readers[0], *[0.0] * len(JOULES)))
                added = (getattr(known, column) + j for column, j in zip(JOULES, joules, strict=True))
                once[segment_id, name] = PhaseDeviceSum(*readers[0], *added)
    for key, each in sums.items():
        kept = [s for s in each if (s.owner_segment_id, s.device) not in readers]
        sums[key] = [*kept, once[key]] if key in once else kept


def _added_up(kept: Query, folded: Query, keys: Sequence[str], numbers: Sequence[str], first: str | None = None) -> Query:
    """The rows of both queries, which have the same columns, as one row for each key: `keys`, the least `first`, the sums of `numbers`.

    They are in order of `first` and of the keys.
    """
    both = kept.union_all(folded).subquery().c
    key = [both[name] for name in keys]
    least = [] if first is None else [func.min(both[first]).label(first)]
    return select(*key, *least, *(func.sum(both[name]).label(name) for name in numbers)).group_by(*key).order_by(*least, *key)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))
