"""PURE: a run over time, on one axis for all its processes: power by device, the phase of each moment, and the grid's intensity.

The axis is in seconds since the run's start, on the monotonic clocks of its processes. It is divided into equal bins. The power of a bin
is the energy that a curve gained in it, divided by its length. The drawn energy is therefore the recorded energy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ...carbon.series import Series
from ...core.clock import Anchor
from ...core.timeline import Timeline

NS = 1e-9
DRIFT_NS = 1_000_000
"""A wall clock that moved by more than this between two anchors was set."""
COLUMNS = 1000
"""Parts of the time of a chart; no phase is drawn narrower than one of them."""
LEAST_SHARE = 0.25
"""A column shows a phase where phases took this share of it."""

Curve = Sequence[tuple[float, float]]
"""Seconds and cumulative joules, in order of time."""


class Layer(NamedTuple):
    """One area of the chart: a device, or all devices of a kind on a host. `watts` is by bin, None if nothing was recorded."""

    label: str
    kind: str
    modelled: bool
    watts: list[float | None]


class Span(NamedTuple):
    """A phase, with its start and end in seconds."""

    name: str
    start_s: float
    end_s: float


class Step(NamedTuple):
    """An intensity in g/kWh, with the start and end in seconds of the time for which it holds."""

    start_s: float
    end_s: float
    g_per_kwh: float
    estimated: bool
    source: str


class Clock(NamedTuple):
    """The place of a process on the axis, and the anchors of its clock. `end_s`: when it was last seen."""

    start_s: float
    end_s: float
    start_t_ns: int
    anchors: Sequence[Anchor]

    def seconds(self, t_ns: int) -> float:
        """The place on the axis of an instant of the process's monotonic clock."""
        return self.start_s + (t_ns - self.start_t_ns) * NS


def edges(start_s: float, end_s: float, bins: int) -> list[float]:
    """The ends of `bins` equal parts of a time."""
    return [start_s + (end_s - start_s) * i / bins for i in range(bins + 1)]


def watts(curves: Iterable[Curve], cuts: Sequence[float]) -> list[float | None]:
    """Mean power between neighbouring cuts, from a device's curves in all processes. None if there is no curve."""
    gained: list[float | None] = [None] * (len(cuts) - 1)
    for curve in curves:
        if len(curve) < 2:
            continue
        first = max(0, bisect_right(cuts, curve[0][0]) - 1)
        after = 1
        before_j = curve[0][1]
        for i in range(first, len(gained)):
            if cuts[i] >= curve[-1][0]:
                break
            until = min(cuts[i + 1], curve[-1][0])
            while after < len(curve) - 1 and curve[after][0] < until:
                after += 1
            (a_s, a_j), (b_s, b_j) = curve[after - 1], curve[after]
            energy_j = b_j if until >= b_s else a_j + (b_j - a_j) * (until - a_s) / (b_s - a_s)
            gained[i] = (gained[i] or 0.0) + energy_j - before_j
            before_j = energy_j
    return [None if joules is None else joules / (b - a) for joules, (a, b) in zip(gained, pairwise(cuts), strict=True)]


def innermost(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans of one process without overlap. Where spans are nested, the inner one remains."""
    open_: list[Span] = []
    at = float("-inf")

    def close(until: float) -> Iterator[Span]:
        nonlocal at
        while open_ and open_[-1].end_s <= until:
            ended = open_.pop()
            if ended.end_s > at:
                yield Span(ended.name, max(at, ended.start_s), ended.end_s)
                at = ended.end_s

    for span in sorted(spans, key=lambda s: (s.start_s, -s.end_s)):
        yield from close(span.start_s)
        if open_ and span.start_s > at:
            yield Span(open_[-1].name, max(at, open_[-1].start_s), span.start_s)
        at = max(at, span.start_s)
        open_.append(span)
    yield from close(float("inf"))


def phase_of(spans: Iterable[Span], cuts: Sequence[float]) -> list[str | None]:
    """For each equal part of the time, the phase that took most of it. None where phases took little of it."""
    took: list[dict[str, float]] = [defaultdict(float) for _ in cuts[1:]]
    width = cuts[1] - cuts[0]
    for span in spans:
        i = max(0, bisect_right(cuts, span.start_s) - 1)
        while i < len(took) and cuts[i] < span.end_s:
            took[i][span.name] += min(span.end_s, cuts[i + 1]) - max(span.start_s, cuts[i])
            i += 1
    return [max(of, key=lambda name: of[name]) if sum(of.values()) >= LEAST_SHARE * width else None for of in took]


def bands(spans: Iterable[Span], start_s: float, end_s: float) -> list[Span]:
    """Phases as they are drawn: neighbours with one name are joined, and none is narrower than a column."""
    found: list[Span] = []
    cuts = edges(start_s, end_s, COLUMNS)
    for name, (a, b) in zip(phase_of(spans, cuts), pairwise(cuts), strict=True):
        if name is None:
            continue
        if found and found[-1].name == name and found[-1].end_s == a:
            found[-1] = found[-1]._replace(end_s=b)
        else:
            found.append(Span(name, a, b))
    return found


def intensity(clocks: Iterable[Clock], zero_utc_ns: int, chain: Sequence[Series]) -> list[Step]:
    """The intensities of the times at which a process measured. For each time, the first series of `chain` that has a value is used.

    `zero_utc_ns`: UTC at the start of the axis, for a process without anchors.
    """
    found: list[Step] = []
    at = float("-inf")
    for clock in sorted(clocks, key=lambda c: c.start_s):
        for a, b, shift_ns in _offsets(clock, zero_utc_ns):
            start, at = max(a, at), max(at, b)
            for step in _covered(round(start / NS) + shift_ns, round(b / NS) + shift_ns, chain) if b > start else ():
                placed = step._replace(start_s=step.start_s - shift_ns * NS, end_s=step.end_s - shift_ns * NS)
                placed = placed._replace(start_s=max(start, placed.start_s), end_s=min(b, placed.end_s))
                if found and found[-1][2:] == placed[2:] and placed.start_s - found[-1].end_s < 1e-3:
                    found[-1] = found[-1]._replace(end_s=placed.end_s)
                else:
                    found.append(placed)
    return found


def _offsets(clock: Clock, zero_utc_ns: int) -> Iterator[tuple[float, float, int]]:
    """The time of a process in pieces of the axis. Each has the nanoseconds from the axis to UTC."""
    if not clock.anchors:
        yield clock.start_s, clock.end_s, zero_utc_ns
        return
    to_axis_ns = clock.start_t_ns - round(clock.start_s / NS)
    end_t_ns = clock.start_t_ns + round((clock.end_s - clock.start_s) / NS)
    for span in Timeline(clock.anchors).spans(clock.start_t_ns, end_t_ns, DRIFT_NS):
        yield clock.seconds(span.start_ns), clock.seconds(span.end_ns), span.offset_ns + to_axis_ns


def _covered(start_ns: int, end_ns: int, chain: Sequence[Series]) -> Iterator[Step]:
    if not chain:
        return
    for a, b, slot in chain[0].between(start_ns, end_ns):
        if slot is None:
            yield from _covered(a, b, chain[1:])
        else:
            yield Step(a * NS, b * NS, slot.value, slot.estimated, slot.source)


def stacked(layers: Sequence[Layer]) -> list[list[float]]:
    """The upper edge of each layer by bin, in watts, from the lowest layer up."""
    tops: list[list[float]] = []
    below = [0.0] * len(layers[0].watts) if layers else []
    for layer in layers:
        below = [b + (w or 0.0) for b, w in zip(below, layer.watts, strict=True)]
        tops.append(below)
    return tops


def grouped(layers: Mapping[tuple[str, str], Sequence[Layer]]) -> list[Layer]:
    """The layers of each (host, kind) as one: a chart cannot show many single devices."""
    found = []
    for (host, kind), of in layers.items():
        columns = zip(*(layer.watts for layer in of), strict=True)
        sums = [sum(w for w in column if w is not None) if any(w is not None for w in column) else None for column in columns]
        found.append(Layer(f"{len(of)} × {kind} on {host}", kind, all(layer.modelled for layer in of), sums))
    return found
