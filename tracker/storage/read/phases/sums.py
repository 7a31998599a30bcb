"""The queries of phases added up by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Double, Table, case, cast, func, literal, select, tuple_

from ....energy.intervals import JOULES
from ...schema import PHASE, PHASE_ENERGY, PHASE_FOLD, PHASE_FOLD_ENERGY, SEGMENT
from ..checked import checker, suspicious
from ..records import Damage, PhaseDeviceSum, PhaseSum
from ..rows import Query, segments_of, select_fields
from ..several.twice import Instance, Reader, counted_once

DeviceSums = dict[tuple[str, str], list[PhaseDeviceSum]]
"""What the devices used in the phases of a run, by segment and name."""
Owners = Mapping[str, str]
"""The run of each segment."""
Found = Mapping[str, list[Damage]]
"""The damage of each run."""
Phase = tuple[object, object, object]
"""The run, the segment and the name of a phase."""


class Known(NamedTuple):
    """What is known of a run before its phases are read. `phases`: what an earlier call returned. Their energies are reused if no further
    instance has become known since then: an instance gets its energies once, when it stops being pending. `twice`: the readers of each
    device that several processes have read at the same time."""

    phases: Sequence[PhaseSum]
    twice: Sequence[Sequence[Reader]]


_COUNTS = ("instances", "duration_ns", "open", "unresolved", "pending", "synchronized", "exact")


def sums_of(connection: Connection, owners: Owners, of: Mapping[str, Known], damage: Found) -> dict[str, tuple[PhaseSum, ...]]:
    """All instances of each phase of runs, by segment and name; folded instances are added to those that are kept one by one.

    `owners`: the run of each segment; `of`: what is known of each run. A phase with a value that cannot be true is left out, and one with
    such an energy has no energies. Both are added to the `damage` of its run.
    """
    phase, fold, run_ids = PHASE.c, PHASE_FOLD.c, list(of)
    kept = (
        select(
            phase.run_id,
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
        .where(phase.run_id.in_(run_ids))
        .group_by(phase.segment_id, phase.name, phase.run_id)
    )
    nothing = literal(0)
    folded = _of_segments(
        run_ids,
        *(fold.segment_id, fold.name, fold.first_start_utc_ns, fold.count, cast(fold.duration_ns, Double)),
        *(nothing, fold.unresolved, nothing, fold.synchronized, fold.exact),
    )
    unsound = _unsound_phases(connection, run_ids, owners, damage)
    sums: dict[str, list[PhaseSum]] = {run_id: [] for run_id in run_ids}
    for row in connection.execute(_added_up(kept, folded, ("segment_id", "name", "run_id"), _COUNTS, first="first_start_utc_ns")):
        segment_id, name, run_id, first_start_utc_ns, *numbers = row
        if (run_id, segment_id, name) in unsound:
            continue
        counts = dict(zip(_COUNTS, map(int, numbers), strict=True))  # from Decimals on PostgreSQL
        sums[run_id].append(
            PhaseSum(
                segment_id=segment_id,
                name=name,
                duration_s=counts.pop("duration_ns") / 1e9,
                first_start_utc_ns=first_start_utc_ns,
                devices=(),
                **counts,
            )
        )
    same = {run_id for run_id, found in sums.items() if list(map(_instances, found)) == list(map(_instances, of[run_id].phases))}
    changed = [run_id for run_id in run_ids if run_id not in same]
    devices = _device_sums(connection, changed, owners, damage) if changed else {}
    for run_id in changed:
        for readers in of[run_id].twice:
            _count_once(connection, run_id, readers, devices[run_id])
    return {
        run_id: tuple(phase._replace(devices=known.devices) for phase, known in zip(found, of[run_id].phases, strict=True))
        if run_id in same
        else tuple(phase._replace(devices=tuple(devices[run_id].get((phase.segment_id, phase.name), ()))) for phase in found)
        for run_id, found in sums.items()
    }


def add_damage(connection: Connection, run_ids: Sequence[str], owners: Owners, damage: Found) -> None:
    """What is wrong with the phases of runs, where nothing else is asked of them. `owners`: the run of each segment."""
    _unsound_phases(connection, run_ids, owners, damage)
    _unsound_energies(connection, run_ids, owners, damage)


def _unsound_phases(connection: Connection, run_ids: Sequence[str], owners: Owners, damage: Found) -> set[Phase]:
    unsound = _unsound(connection, PHASE, PHASE.c.run_id.in_(run_ids), owners, damage)
    return unsound | _unsound(connection, PHASE_FOLD, PHASE_FOLD.c.segment_id.in_(segments_of(run_ids)), owners, damage)


def _unsound_energies(connection: Connection, run_ids: Sequence[str], owners: Owners, damage: Found) -> set[Phase]:
    """The phases of which an energy cannot be true."""
    energy, phase = PHASE_ENERGY.c, PHASE.c
    unsound = _unsound(connection, PHASE_FOLD_ENERGY, PHASE_FOLD_ENERGY.c.segment_id.in_(segments_of(run_ids)), owners, damage)
    check = checker(PHASE_ENERGY, tuple(column.name for column in energy))
    wrong = select(*energy, phase.name, phase.run_id).join(PHASE, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
    for row in connection.execute(wrong.where(phase.run_id.in_(run_ids), suspicious(connection, PHASE_ENERGY))):
        damage[row.run_id].extend(each for _, _, each in check.wrong(row))
        unsound |= {(row.run_id, row.segment_id, row.name)} if check.wrong(row) else set()
    return unsound


def _of_segments(run_ids: Sequence[str], *columns: ColumnElement[Any]) -> Query:
    """Columns of a table whose rows belong to the segments of runs, after the run."""
    table = columns[0].table
    return (
        select(SEGMENT.c.run_id, *columns)
        .join_from(SEGMENT, table, table.c.segment_id == SEGMENT.c.id)
        .where(SEGMENT.c.run_id.in_(run_ids))
    )


def _unsound(connection: Connection, table: Table, of_runs: ColumnElement[bool], owners: Owners, damage: Found) -> set[Phase]:
    """The phases, by run, segment and name, of which a row has a value that cannot be true."""
    check, found = checker(table, tuple(column.name for column in table.c)), set[Phase]()
    for row in connection.execute(select(table).where(of_runs, suspicious(connection, table))):
        wrong = [each for _, _, each in check.wrong(row)]
        run_id = row.run_id if table is PHASE else owners[row.segment_id]
        damage[run_id].extend(wrong)
        found |= {(run_id, row.segment_id, row.name)} if wrong else set()
    return found


def _instances(phase: PhaseSum) -> PhaseSum:
    """A phase without the values that grow while one of its instances is open."""
    return phase._replace(devices=(), duration_s=0.0, open=0)


def _device_sums(connection: Connection, run_ids: Sequence[str], owners: Owners, damage: Found) -> dict[str, DeviceSums]:
    """What the devices used in each phase, by run. A phase with an energy that cannot be true has none."""
    phase, energy, fold_energy = PHASE.c, PHASE_ENERGY.c, PHASE_FOLD_ENERGY.c
    key = phase.run_id, phase.segment_id, phase.name, energy.owner_segment_id, energy.device
    kept = (
        select(*key, *(func.sum(energy[name]).label(name) for name in JOULES))
        .select_from(PHASE)
        .join(PHASE_ENERGY, (energy.segment_id == phase.segment_id) & (energy.seq == phase.seq))
        .where(phase.run_id.in_(run_ids))
        .group_by(*reversed(key))  # the most varied column first: sorting is half of the time
    )
    names = ("segment_id", "name", "owner_segment_id", "device")
    folded = _of_segments(run_ids, *(fold_energy[name] for name in (*names, *JOULES)))
    unsound = _unsound_energies(connection, run_ids, owners, damage)
    sums: dict[str, DeviceSums] = {run_id: defaultdict(list) for run_id in run_ids}
    for segment_id, name, owner, device, run_id, *joules in connection.execute(_added_up(kept, folded, (*names, "run_id"), JOULES)):
        if (run_id, segment_id, name) not in unsound:
            sums[run_id][segment_id, name].append(PhaseDeviceSum(owner, device, *joules))
    return sums


def _count_once(connection: Connection, run_id: str, readers: Sequence[Reader], sums: DeviceSums) -> None:
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
