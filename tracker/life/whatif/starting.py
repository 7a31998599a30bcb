"""PURE: when a run begins instead, and the grid's intensities as it would have met them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from ...carbon.series import EPOCH, Series
from ...core.point import Point
from ...core.units import NS_PER_S
from ...energy.mean_power import energy_at
from ...errors import ConfigurationError

if TYPE_CHECKING:
    from ...storage.read.records import StoredRun

YEARS = range(1970, 2201)
"""Those of which a start may be. A nanosecond of each has a number of 64 bits, whatever the zone."""

Curves = Mapping[tuple[str, str], Sequence[Point]]


class Start(NamedTuple):
    """When runs begin instead: at a time of day, on the day on which each began; or at one instant."""

    text: str
    at: time | datetime

    @property
    def of_day(self) -> bool:
        """Whether it is a time of day."""
        return isinstance(self.at, time)

    def shift_ns(self, started_utc_ns: int, zone: tzinfo | None) -> int:
        """How much later a run begins that began at `started_utc_ns`. A time of day is in the zone `zone`; None is that of the machine."""
        at = self._on_the_day_of(EPOCH + timedelta(microseconds=started_utc_ns // 1000), zone) if isinstance(self.at, time) else self.at
        return (at.astimezone(UTC) - EPOCH) // timedelta(microseconds=1) * 1000 - started_utc_ns

    def _on_the_day_of(self, begun: datetime, zone: tzinfo | None) -> datetime:
        """The time of day on the clock of its own offset, if it has one, else on that of the zone: the clock may change on this day."""
        assert isinstance(self.at, time)
        zone = self.at.tzinfo or zone
        at = datetime.combine(begun.astimezone(zone).date(), self.at)
        return at if self.at.tzinfo is not None else at.astimezone() if zone is None else at.replace(tzinfo=zone)


def start_of(text: str) -> Start:
    """A start as a user writes it: 02:00, or 2026-03-01T02:00. Raises ConfigurationError."""
    wrong = ConfigurationError(f"--start {text}: it is no time; give a time of day such as 02:00, or an instant such as 2026-03-01T02:00")
    for parse in (time.fromisoformat, datetime.fromisoformat):
        try:
            at = parse(text.strip())
        except ValueError:
            continue
        if isinstance(at, datetime) and at.year not in YEARS:
            raise wrong
        return Start(text, at)
    raise wrong


def shifted(series: Series, by_ns: int) -> Series:
    """The series as a run would meet it that begins `by_ns` later."""
    slots = (slot._replace(start_utc_ns=slot.start_utc_ns - by_ns, end_utc_ns=slot.end_utc_ns - by_ns) for slot in series.slots)
    return replace(series, slots=tuple(slots))


def filled(series: Sequence[Series], start_utc_ns: int, end_utc_ns: int) -> Series:
    """The series as one: where the first has no value from start to end, the next ones stand in, as in a footprint."""
    whole, *others = series
    for other in others:
        pieces = (piece for gap in whole.gaps(start_utc_ns, end_utc_ns) for piece in other.between(*gap))
        found = [slot._replace(start_utc_ns=a, end_utc_ns=b) for a, b, slot in pieces if slot is not None]
        whole = replace(whole, slots=tuple(sorted((*whole.slots, *found), key=lambda slot: slot.start_utc_ns)))
    return whole


def lacking(series: Sequence[Series], start_utc_ns: int, end_utc_ns: int) -> tuple[int, int] | None:
    """The first part of a time in which none of the series has a value; None if there is no such part."""
    parts = [(start_utc_ns, end_utc_ns)]
    for each in series:
        parts = [gap for part in parts for gap in each.gaps(*part)]
    return parts[0] if parts else None


def best_shift_ns(stored: StoredRun, curves: Curves, series: Series, within_ns: int) -> int | None:
    """How much later a run should begin so that it emits the least, at most `within_ns`: now, or so that it begins or ends where the
    intensity changes. None if the series lacks a value for every such start.

    A run of any shape emits as many grams as the sum, over the slots that it meets, of the energy in the slot times the slot's intensity.
    """
    begun_ns = stored.run.started_utc_ns
    used = _Used(stored, curves)
    grid = _Regular.of(series)
    lasts_ns = used.end_utc_ns - begun_ns
    edges = {slot.start_utc_ns for slot in series.slots} | {slot.end_utc_ns for slot in series.slots}
    shifts = {0, *(edge - begun_ns for edge in edges), *(edge - begun_ns - lasts_ns for edge in edges)}
    least: tuple[float, int] | None = None
    for shift in sorted(shift for shift in shifts if 0 <= shift <= within_ns):
        start_ns, end_ns = begun_ns + shift, used.end_utc_ns + shift
        grams = used.emitted(series, start_ns, end_ns) if grid is None else grid.emitted(used, start_ns, end_ns)
        if grams is not None and (least is None or grams < least[0]):
            least = grams, shift
    return None if least is None else least[1]


class _Used:
    """The energy that a run had used by an instant, all devices of the total together."""

    def __init__(self, stored: StoredRun, curves: Curves) -> None:
        self._begun_utc_ns = stored.run.started_utc_ns
        self._parts: list[tuple[int, Sequence[Point]]] = []
        ends = [stored.run.started_utc_ns + round((stored.run.duration_s or 0.0) * NS_PER_S)]
        for device in stored.devices:
            points = curves.get((device.segment_id, device.name), ())
            if not device.included_in_total or len(points) < 2:
                continue
            anchors = stored.anchors.get(device.segment_id, ())
            offset_ns = anchors[0].utc_ns - anchors[0].monotonic_ns if anchors else self._begun_utc_ns - points[0].t_ns
            self._parts.append((offset_ns, points))
            ends.append(points[-1].t_ns + offset_ns)
        self.end_utc_ns = max(ends)

    def emitted(self, series: Series, start_ns: int, end_ns: int) -> float | None:
        """The joules times intensity of a run from `start_ns` to `end_ns`, UTC; None if the series lacks a value."""
        found, before_j = 0.0, 0.0
        for _, until_ns, slot in series.between(start_ns, end_ns):
            if slot is None:
                return None
            used_j = self.by(until_ns - start_ns)
            found += (used_j - before_j) * slot.value
            before_j = used_j
        return found

    def by(self, offset_ns: int) -> float:
        """The joules of the first nanoseconds."""
        at_utc_ns = self._begun_utc_ns + offset_ns
        return sum(_from_begin(points, at_utc_ns - of_ns) for of_ns, points in self._parts)


class _Regular(NamedTuple):
    """A series of slots of one length without gaps. A run that begins equally late in a slot has the same energies in its slots, whichever
    slot that is: so a year of hours is searched quickly."""

    start_ns: int
    length_ns: int
    values: Sequence[float]
    energies_j: dict[int, list[float]]
    """Of the slots of a run, by how late it begins in the first one."""

    @classmethod
    def of(cls, series: Series) -> _Regular | None:
        """None if the series is not regular."""
        first, length_ns = series.slots[0], series.slots[0].end_utc_ns - series.slots[0].start_utc_ns
        for number, slot in enumerate(series.slots):
            begin_ns = first.start_utc_ns + number * length_ns
            if (slot.start_utc_ns, slot.end_utc_ns) != (begin_ns, begin_ns + length_ns):
                return None
        return cls(first.start_utc_ns, length_ns, [slot.value for slot in series.slots], {})

    def emitted(self, used: _Used, start_ns: int, end_ns: int) -> float | None:
        """As that of `_Used`."""
        first, late_ns = divmod(start_ns - self.start_ns, self.length_ns)
        if (energies := self.energies_j.get(late_ns)) is None:
            edges = [0, *range(self.length_ns - late_ns, end_ns - start_ns, self.length_ns), end_ns - start_ns]
            energies = [b - a for a, b in pairwise(map(used.by, edges))]
            self.energies_j[late_ns] = energies
        if first < 0 or first + len(energies) > len(self.values):
            return None
        return float(sum(map(mul, energies, self.values[first : first + len(energies)])))


def _from_begin(points: Sequence[Point], t_ns: int) -> float:
    return energy_at(points, min(max(t_ns, points[0].t_ns), points[-1].t_ns)) - points[0].energy_j
