"""PURE: multiply each piece of an energy curve by the intensity of its own time, which gives grams.

A curve uses the monotonic clock. The anchors of its run give the UTC time of each instant; an anchor holds until the next one. A step of
the wall clock therefore moves no joule to another piece of the curve: only the times after the step change. Pieces are cut where an
intensity changes and at anchors, and the curve is interpolated there. The cost depends on the number of intervals, not on the number of
points. Where a source of the chain has no value, the next one supplies it, for that time only, and the pieces record this.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from ..core.clock import Anchor
from ..core.point import Point
from ..core.timeline import Span, Timeline
from ..core.units import J_PER_KWH
from ..energy.mean_power import energy_at
from .series import Series
from .tables.basis import Basis, require_same_basis

UNKNOWN = "unknown"
"""The `source` of a piece for which no source of the chain has an intensity."""


class Origin(StrEnum):
    """What gave the intensity of a piece."""

    SERIES = "series"
    CONSTANT = "constant"
    NOTHING = "nothing"
    """No source of the chain has a value for that time: the piece has joules and no grams."""


class Constant(NamedTuple):
    """An intensity that holds for all times, with its range."""

    g_per_kwh: float
    low_g_per_kwh: float
    high_g_per_kwh: float
    source: str
    basis: Basis | None = None


class Piece(NamedTuple):
    """The joules and grams that one source of the chain accounts for. `estimated`: the provider calls these values estimates."""

    origin: Origin
    source: str
    estimated: bool
    basis: Basis | None
    energy_j: float
    grams: float
    low_g: float
    high_g: float


class Joined(NamedTuple):
    """One or several curves in grams. `total_g` belongs to `energy_j − unmatched_j`; `mean_g_per_kwh` is weighted by that energy, None if
    there is none."""

    total_g: float
    low_g: float
    high_g: float
    energy_j: float
    unmatched_j: float
    mean_g_per_kwh: float | None
    pieces: tuple[Piece, ...]


class _Cut(NamedTuple):
    """A piece of time, UTC or monotonic, with the intensity that holds there."""

    start_ns: int
    end_ns: int
    origin: Origin
    source: str
    estimated: bool
    basis: Basis | None
    g: float
    low: float
    high: float


def join(points: Sequence[Point], anchors: Sequence[Anchor], chain: Sequence[Series | Constant]) -> Joined:
    """The grams of one curve, from its first point to its last.

    `points` are sorted by time and cumulative. Without an anchor no time of day is known, and only constants apply. A value of a series
    without bounds counts as exact; a constant brings its range. Raises ConfigurationError if the chain mixes life-cycle and direct factors.
    """
    return join_all([points], anchors, chain)[0]


def join_all(curves: Sequence[Sequence[Point]], anchors: Sequence[Anchor], chain: Sequence[Series | Constant]) -> list[Joined]:
    """The grams of several curves on one clock, such as the devices of a segment. The cuts are calculated once for all curves."""
    require_same_basis(chain)
    ends = [(points[0].t_ns, points[-1].t_ns) for points in curves if len(points) > 1]
    if not ends:
        return [_gathered([]) for _ in curves]
    cuts = _plan(min(a for a, _ in ends), max(b for _, b in ends), Timeline(anchors) if anchors else None, chain)
    return [_along(points, cuts) for points in curves]


def total(parts: Iterable[Joined]) -> Joined:
    """The sum of several curves: devices, segments or runs."""
    return _gathered([piece for part in parts for piece in part.pieces])


def _cover(start: int, end: int, chain: Sequence[Series | Constant]) -> Iterator[_Cut]:
    """The UTC time from start to end in pieces, each from the first source of the chain that has a value."""
    if not chain:
        yield _Cut(start, end, Origin.NOTHING, UNKNOWN, False, None, 0.0, 0.0, 0.0)
        return
    first, rest = chain[0], chain[1:]
    if isinstance(first, Constant):
        value, low, high = first[:3]
        yield _Cut(start, end, Origin.CONSTANT, first.source, False, first.basis, value, low, high)
        return
    for a, b, slot in first.between(start, end):
        if slot is None:
            yield from _cover(a, b, rest)
        else:
            low, high = (slot.value if end is None else end for end in (slot.low, slot.high))
            yield _Cut(a, b, Origin.SERIES, slot.source, slot.estimated, first.basis, slot.value, low, high)


def _plan(start: int, end: int, timeline: Timeline | None, chain: Sequence[Series | Constant]) -> list[_Cut]:
    """The monotonic time from start to end in cuts, without a hole; neighbours in which the same holds are one."""
    cuts: list[_Cut] = []
    known = chain if timeline else [c for c in chain if isinstance(c, Constant)]
    for a, b, shift in timeline.spans(start, end) if timeline else [Span(start, end, 0)]:
        for cut in _cover(a + shift, b + shift, known):
            if cuts and cuts[-1][2:] == cut[2:]:
                cuts[-1] = cuts[-1]._replace(end_ns=cut.end_ns - shift)
            else:
                cuts.append(cut._replace(start_ns=cut.start_ns - shift, end_ns=cut.end_ns - shift))
    return cuts


def _along(points: Sequence[Point], cuts: Sequence[_Cut]) -> Joined:
    if len(points) < 2:
        return _gathered([])
    start, end = points[0].t_ns, points[-1].t_ns
    met = [cut for cut in cuts if cut.start_ns < end and cut.end_ns > start]
    energies = [energy_at(points, t) for t in (start, *(min(end, cut.end_ns) for cut in met))] if met else []
    return _gathered([_piece(cut, b - a, (b - a) / J_PER_KWH) for cut, (a, b) in zip(met, pairwise(energies), strict=True)])


def _piece(cut: _Cut, energy_j: float, kwh: float) -> Piece:
    return Piece(cut.origin, cut.source, cut.estimated, cut.basis, energy_j, kwh * cut.g, kwh * cut.low, kwh * cut.high)


def _gathered(pieces: Sequence[Piece]) -> Joined:
    by_source: dict[tuple[Origin, str, bool, Basis | None], list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_source[piece[:4]].append(piece)
    gathered = tuple(Piece(*key, *(math.fsum(column) for column in list(zip(*found, strict=True))[4:])) for key, found in by_source.items())
    energy_j = math.fsum(p.energy_j for p in pieces)
    unmatched_j = math.fsum(p.energy_j for p in pieces if p.origin is Origin.NOTHING)
    total_g = math.fsum(p.grams for p in pieces)
    matched_kwh = (energy_j - unmatched_j) / J_PER_KWH
    return Joined(
        total_g, math.fsum(p.low_g for p in pieces), math.fsum(p.high_g for p in pieces), energy_j, unmatched_j,
        total_g / matched_kwh if matched_kwh > 0 else None, gathered,
    )  # fmt: skip
