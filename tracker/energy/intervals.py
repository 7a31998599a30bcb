"""PURE: the energy of any window, and the range it lies in. One function for phases, runs, segments and sums."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..core.point import Point

if TYPE_CHECKING:
    from ..core.contract import ErrorsJson

Sensor = tuple[str, ...]
"""Identifies a physical sensor. It is equal in two shares if their scale error is the same."""

COMMON: Mapping[str, float] = {"gpu": 0.3, "cpu": 0.7, "dram": 0.7}
"""The part of a class's gain error that all of its sensors have in common; the rest, √(1 − common²), is a sensor's own. Judged.

GPU boards of one model have straight lines of different slopes (arXiv:2312.02741): the shunts and their amplifiers differ. What a design
does not see at all is the same in every board. Packages and DRAM are measured by regulators that a mainboard's firmware scales, which is
often the same for all machines of a kind. In a class that is not listed, all of the error is common.
"""


class Share(NamedTuple):
    """One device's part of a window, in joules: its energy and what may be wrong with it.

    `slack_*`: what gaps, resets and models may have added (low) or missed (high) within the window. `edge_*`: the same for its two ends.
    `gain`: the relative 95 % half-width of the sensor's scale error; a part of it is common to all sensors of `gain_class`. `scatter_j2`:
    the variance (J²) of what a sensor that samples only part of the time missed by chance. `offset_j`: the 95 % half-width of what a
    constant error of the sensor adds in the time of the window. `sensor`: shares without one are taken for shares of the same sensor.
    """

    energy_j: float
    slack_low_j: float
    slack_high_j: float
    edge_low_j: float
    edge_high_j: float
    gain: float
    gain_class: str
    scatter_j2: float = 0.0
    offset_j: float = 0.0
    sensor: Sensor = ()

    def times(self, factor: float) -> Share:
        """A multiple of the share, with the same relative errors."""
        joules = {name: getattr(self, name) * factor for name in (*JOULES, "offset_j")}
        return self._replace(**{**joules, "scatter_j2": self.scatter_j2 * factor * factor})

    def as_json(self) -> ErrorsJson:
        """The share as an entry of `errors` in the JSON contract."""
        return {
            "class": self.gain_class,
            "sensor": list(self.sensor),
            "energy_j": self.energy_j,
            "scale_j": self.gain * self.energy_j,
            "offset_j": self.offset_j,
            "below_j": self.slack_low_j + self.edge_low_j,
            "above_j": self.slack_high_j + self.edge_high_j,
            "scatter_j2": self.scatter_j2,
        }

    @classmethod
    def from_json(cls, errors: ErrorsJson) -> Share:
        """The share of an entry of `errors`, with slack and edges as one."""
        energy_j = errors["energy_j"]
        return cls(
            energy_j=energy_j,
            slack_low_j=errors["below_j"],
            slack_high_j=errors["above_j"],
            edge_low_j=0.0,
            edge_high_j=0.0,
            gain=errors["scale_j"] / energy_j if energy_j else 0.0,
            gain_class=errors["class"],
            scatter_j2=errors["scatter_j2"],
            offset_j=errors["offset_j"],
            sensor=tuple(errors["sensor"]),
        )


JOULES = tuple(name for name in Share._fields if name not in ("gain", "gain_class", "offset_j", "sensor"))
"""The energies of a share, which add up over windows of one device. The store has a column of the same name for each."""


class Interval(NamedTuple):
    """An energy with its 95 % interval, joules."""

    energy_j: float
    low_j: float
    high_j: float


def between(a: Point, b: Point, gain: float, gain_class: str, offset_w: float = 0.0, sensor: Sensor = ()) -> Share:
    """The share of the window from point `a` to point `b` of one curve. `offset_w`: the 95 % half-width of the sensor's constant error."""
    return Share(
        energy_j=b.energy_j - a.energy_j,
        slack_low_j=b.slack_low_j - a.slack_low_j,
        slack_high_j=b.slack_high_j - a.slack_high_j,
        edge_low_j=b.edge_low_j + a.edge_high_j,
        edge_high_j=b.edge_high_j + a.edge_low_j,
        gain=gain,
        gain_class=gain_class,
        scatter_j2=b.scatter_j2 - a.scatter_j2,
        offset_j=offset_w * (b.t_ns - a.t_ns) * 1e-9,
        sensor=sensor,
    )


def by_sensor(shares: Iterable[Share]) -> list[Share]:
    """Shares of the same sensor and class as one share, which has the same range in any sum. The gain is the mean by energy."""
    found: dict[tuple[str, Sensor], Share] = {}
    for share in shares:
        key = share.gain_class, share.sensor
        found[key] = _together(found[key], share) if key in found else share
    return list(found.values())


def _together(a: Share, b: Share) -> Share:
    joules = {name: getattr(a, name) + getattr(b, name) for name in (*JOULES, "offset_j")}
    scale_j, energy_j = a.gain * a.energy_j + b.gain * b.energy_j, joules["energy_j"]
    return a._replace(**joules, gain=scale_j / energy_j if energy_j else 0.0)


def interval(shares: Iterable[Share], chance_j2: float | None = None) -> Interval:
    """Sum shares into an energy with its range. `chance_j2` is the square of the half-width of all chance errors, if it is known from
    elsewhere (J²).

    Slack and edges are bounds and add linearly. Scale errors are proportional to energy, and constant errors to time. Both add linearly for
    one sensor; between sensors, the common part of a class adds linearly, and all else as the root of the sum of squares:
    G = √( Σ over classes (Σ c·gain·ΔE)² + Σ over sensors ((1 − c²)·(Σ gain·ΔE)² + (Σ offset)²) + 2² × Σ ΔV ), with two standard deviations
    of chance errors for 95 %.
    """
    energy = below = above = scatter_j2 = 0.0
    common: dict[str, float] = defaultdict(float)
    own: dict[tuple[str, Sensor], float] = defaultdict(float)
    offset: dict[Sensor, float] = defaultdict(float)
    for share in shares:
        energy += share.energy_j
        below += share.slack_low_j + share.edge_low_j
        above += share.slack_high_j + share.edge_high_j
        scatter_j2 += share.scatter_j2
        part = COMMON.get(share.gain_class, 1.0)
        common[share.gain_class] += part * share.gain * share.energy_j
        own[share.gain_class, share.sensor] += math.sqrt(1 - part * part) * share.gain * share.energy_j
        offset[share.sensor] += share.offset_j
    chance_j2 = 4 * max(0.0, scatter_j2) if chance_j2 is None else chance_j2
    gain_j = math.sqrt(sum(e * e for of in (common, own, offset) for e in of.values()) + chance_j2)
    return Interval(energy, max(0.0, energy - below - gain_j), energy + above + gain_j)


def at_most(part: Interval, most_j: float) -> Interval:
    """The interval of a part of a whole that has at most `most_j`: a part has no more. Its central value stays."""
    return part._replace(high_j=max(part.energy_j, min(part.high_j, most_j)))
