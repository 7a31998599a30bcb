"""The interface of a provider of live grid intensities, and the checks of its answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from ...errors import TrainwattError
from ..series import INTENSITY

HOUR_NS = 3_600_000_000_000


class GridError(TrainwattError):
    """A provider gave no usable answer. The next source of the chain stands in."""


class RefusedError(GridError):
    """The provider refuses the token, or its plan does not cover the request (401, 403)."""


class GridValue(NamedTuple):
    """The intensity of a zone over an interval. `estimated`: the provider calls it an estimate."""

    start_utc_ns: int
    end_utc_ns: int
    g_per_kwh: float
    estimated: bool


class GridProvider(Protocol):
    """A source of intensities by zone and time.

    `basis` is "lifecycle" or "direct". `token_variable` is the environment variable with its token; None if it needs none.
    """

    @property
    def name(self) -> str: ...

    @property
    def basis(self) -> str: ...

    @property
    def token_variable(self) -> str | None: ...

    def covers(self, zone: str) -> bool:
        """Whether the provider may know that zone."""
        ...

    def fetch(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> list[GridValue]:
        """The values that overlap the time from start to end, sorted and not overlapping; gaps are possible. Raises GridError if there
        are none."""
        ...


def pages(start_utc_ns: int, end_utc_ns: int, step_ns: int, longest_ns: int) -> Iterator[tuple[int, int]]:
    """The time from start to end, widened to whole steps, in parts that one request may ask for."""
    start, end = start_utc_ns // step_ns * step_ns, -(-end_utc_ns // step_ns) * step_ns
    for at in range(start, end, longest_ns):
        yield at, min(at + longest_ns, end)


def true_intensity(value: Any) -> float | None:
    """The number if it is plausible for a grid; None for null, text and implausible numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if INTENSITY.lowest <= value <= INTENSITY.highest else None  # compared first: a float has no such long integers


def tidy(values: Iterable[GridValue], start_utc_ns: int, end_utc_ns: int) -> list[GridValue]:
    """The values that overlap the time from start to end, sorted and not overlapping.

    Of two values for one interval, a measurement wins over an estimate. Two measurements, or two estimates, that contradict each other are
    dropped.
    """
    by_start: dict[int, GridValue | None] = {}
    for value in sorted(values, key=lambda v: (v.start_utc_ns, v.estimated)):
        if value.end_utc_ns <= start_utc_ns or value.start_utc_ns >= end_utc_ns:
            continue
        if value.start_utc_ns not in by_start:
            by_start[value.start_utc_ns] = value
            continue
        other = by_start[value.start_utc_ns]
        if other is not None and value.estimated == other.estimated and value.g_per_kwh != other.g_per_kwh:
            by_start[value.start_utc_ns] = None
    kept = [value for value in by_start.values() if value is not None]
    starts = [value.start_utc_ns for value in kept[1:]]
    return [v._replace(end_utc_ns=min(v.end_utc_ns, after)) for v, after in zip(kept, starts, strict=False)] + kept[-1:]
