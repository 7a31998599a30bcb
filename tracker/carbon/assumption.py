"""PURE: the factors that go into a footprint as typed values, and the parts that no figure contains.

The JSON contract (schema 1) also has a `name` and a `status` in words for each factor. `as_json` makes these words from the fields. They
are for people: no code reads them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.contract import AssumptionJson, EmbodiedLineJson, GridUseJson, HostUseJson, RangesJson


class FactorKind(StrEnum):
    """What a factor is. The values are in the JSON, as `kind`."""

    GRID_INTENSITY = "grid-intensity"
    PUE = "pue"
    WATER = "water"
    LIFETIME = "lifetime"
    UTILISATION = "utilisation"
    HOST_SHARE = "host-share"
    DEVICES_PER_HOST = "devices-per-host"
    ENERGY = "energy"
    DEVICES = "devices"
    HOURS = "hours"
    DEVICE_HOURS = "device-hours"
    RATED_POWER = "rated-power"
    LOAD = "load"
    POWER = "power"


class FactorStatus(StrEnum):
    """How a figure is known. The values are in the bundled tables and in the JSON, as `evidence`."""

    GIVEN = "given"
    """The user's own value."""
    RECORDED = "recorded"
    """From what the run recorded of its hosts."""
    BY_THE_HOUR = "by the hour"
    """From a series over time: a provider's, or the user's own."""
    VERIFIED = "verified"
    """Read in the named source."""
    CROSS_CHECKED = "cross-checked"
    """Two or more independent copies of the source agree."""
    SECONDARY = "secondary"
    """One copy, by another party."""
    DERIVED = "derived"
    """Calculated from other figures."""
    MEMORY = "memory"
    """Written down from memory; not checked."""
    ASSUMED = "assumed"
    """A judgement, with a wide range."""
    SUSPECT = "suspect"
    """Published, but hard to believe."""


GIVEN = "given by the user"
"""The source of a value that the user gives."""


@dataclass(frozen=True, slots=True)
class SeriesUse:
    """A series over time that was used. `name` is the provider's, or the path of the user's file."""

    name: str
    from_provider: bool


@dataclass(frozen=True, slots=True)
class GridUse:
    """Which grid an intensity describes, and for how much of the energy it was used.

    `place` is the name of the zone and `zone` its code; both are None if the user gave the value. `energy_share` is the part of the
    energy, None for all of it. `estimated_share` is the part of the energy for which the series has estimates only. `derived_from` is the
    basis of the published figure, if this one is derived from it.
    """

    place: str | None = None
    zone: str | None = None
    basis: str | None = None
    by_the_hour: bool = False
    energy_share: float | None = None
    estimated_share: float = 0.0
    series: tuple[SeriesUse, ...] = ()
    derived_from: str | None = None

    def as_json(self) -> GridUseJson:
        """The `grid` of an assumption in the JSON contract."""
        return {
            "place": self.place,
            "zone": self.zone,
            "basis": self.basis,
            "by_the_hour": self.by_the_hour,
            "energy_share": self.energy_share,
            "estimated_share": self.estimated_share,
            "series": [{"name": series.name, "from_provider": series.from_provider} for series in self.series],
            "derived_from": self.derived_from,
        }


class HostPart(StrEnum):
    """What a run's share of a host is counted in."""

    GPUS = "gpus"
    PROCESSORS = "processors"


@dataclass(frozen=True, slots=True)
class HostUse:
    """How the share of a host is known: `held` of `of` GPUs or processors; nothing limits the run where `counted` is None.

    `virtual_processors` is the size of a virtual machine whose host is not visible; None on real hardware.
    """

    counted: HostPart | None = None
    held: float | None = None
    of: float | None = None
    virtual_processors: int | None = None

    def as_json(self) -> HostUseJson:
        """The `host` of an assumption in the JSON contract."""
        counted = None if self.counted is None else self.counted.value
        return {"counted": counted, "held": self.held, "of": self.of, "virtual_processors": self.virtual_processors}


@dataclass(frozen=True, slots=True)
class Assumption:
    """A factor that went into the grams, with its source, year and status. A range is in `low` and `high`.

    `grid` belongs to an intensity, `pue_kind` to the PUE of a cloud region, `host` to the share of a host. `weak` marks a model that is
    known to fit badly.
    """

    kind: FactorKind
    value: float | None
    unit: str
    source: str
    year: int | None
    status: FactorStatus
    low: float | None = None
    high: float | None = None
    grid: GridUse | None = None
    pue_kind: str | None = None
    host: HostUse | None = None
    weak: bool = False

    @property
    def name(self) -> str:
        """The factor in words: "grid intensity of France, lifecycle"; "PUE, region-reported"."""
        if self.grid is not None:
            return _grid_name(self.grid)
        return name_of(self.kind) if self.pue_kind is None else f"{name_of(self.kind)}, {self.pue_kind}"

    def as_json(self) -> AssumptionJson:
        """The factor in the JSON contract."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "source": self.source,
            "year": self.year,
            "status": _status(self),
            "low": self.low,
            "high": self.high,
            "kind": self.kind.value,
            "evidence": self.status.value,
            "grid": None if self.grid is None else self.grid.as_json(),
            "pue_kind": self.pue_kind,
            "host": None if self.host is None else self.host.as_json(),
        }


_NAMES = {
    FactorKind.GRID_INTENSITY: "grid intensity",
    FactorKind.PUE: "PUE",
    FactorKind.WATER: "water",
    FactorKind.LIFETIME: "lifetime of hardware",
    FactorKind.UTILISATION: "utilisation over its life",
    FactorKind.HOST_SHARE: "share of the host",
    FactorKind.DEVICES_PER_HOST: "devices in a host",
    FactorKind.ENERGY: "energy",
    FactorKind.DEVICES: "devices",
    FactorKind.HOURS: "time of each",
    FactorKind.DEVICE_HOURS: "GPU hours",
    FactorKind.RATED_POWER: "rated power of one",
    FactorKind.LOAD: "load",
    FactorKind.POWER: "power of one",
}


def name_of(kind: FactorKind) -> str:
    """A factor's name in words, without its details."""
    return _NAMES[kind]


def _grid_name(grid: GridUse) -> str:
    """ "grid intensity of France, lifecycle, for 25 % of the energy"."""
    place = "" if grid.place is None else f" of {grid.place}"
    hourly = ", by the hour, weighted by energy" if grid.by_the_hour else ""
    basis = "" if grid.basis is None else f", {grid.basis}"
    basis += "" if grid.derived_from is None else f" derived from {grid.derived_from}"
    share = "" if grid.energy_share is None else f", for {100 * grid.energy_share:.0f} % of the energy"
    return f"{_NAMES[FactorKind.GRID_INTENSITY]}{place}{hourly}{basis}{share}"


def _status(a: Assumption) -> str:
    estimated = 0.0 if a.grid is None else a.grid.estimated_share
    notes = [f"{100 * estimated:.0f} % estimated by the provider"] if estimated else []
    return ", ".join([a.status, *notes, *(["weak"] if a.weak else [])])


class LeftOut(StrEnum):
    """What the totals do not contain. The values are in the JSON, as `left_out_codes`."""

    UNSEEN = "unseen"
    PUE_OF_UNSEEN = "pue-of-unseen"
    SITE_OVERHEAD = "site-overhead"
    HARDWARE = "hardware"
    HARDWARE_TIME = "hardware-time"
    DEVICES = "devices"
    HOSTS = "hosts"


LEFT_OUT_TEXTS = {
    LeftOut.UNSEEN: "fans, power supplies, network and disks: no sensor sees them",
    LeftOut.PUE_OF_UNSEEN: "what PUE adds to those: it is defined on all of a site's computing, so that on the components alone it is a"
    " lower bound",
    LeftOut.SITE_OVERHEAD: "what the site uses to cool and to supply the computers: no PUE is known, so it is taken as 1 (--pue gives one)",
    LeftOut.HARDWARE: "the making of the hardware: none was recorded",
    LeftOut.HARDWARE_TIME: "the making of the hardware: --hours or --gpu-hours says for how long it is held",
    LeftOut.DEVICES: "the making of the devices: --device names them, or --embodied-kg gives a figure",
    LeftOut.HOSTS: "the making of the hosts around them: --host-kg gives a figure",
}
"""What is left out, in the words of the JSON's `left_out`."""


class RangeMeaning(StrEnum):
    """What a range says. The values are in the JSON, in `ranges`."""

    CONFIDENCE = "confidence"
    """A 95 % interval."""
    MIXED = "mixed"
    """A 95 % interval of what was measured, with a judged bound of what was modelled."""
    PUBLISHED = "published"
    """The spread of published figures."""
    JUDGED = "judged"
    """A judgement: nobody has measured how often the truth is outside."""
    EXACT = "exact"
    """A value without a range, as it was given."""


_PUBLISHED = (FactorStatus.VERIFIED, FactorStatus.CROSS_CHECKED, FactorStatus.SECONDARY)


def ranges_of(energy: str, assumptions: Sequence[AssumptionJson], lines: Sequence[EmbodiedLineJson]) -> RangesJson:
    """What the ranges of a footprint mean, from its factors and its hardware. `energy` is the meaning of the range of the energy."""
    grids = [a for a in assumptions if a["grid"] is not None]
    lives = [a for a in assumptions if a["kind"] in (FactorKind.LIFETIME, FactorKind.UTILISATION)]
    grid = RangeMeaning.PUBLISHED if any(_has_range(a["low"], a["high"]) for a in grids) else RangeMeaning.EXACT
    life = RangeMeaning.JUDGED if any(_has_range(a["low"], a["high"]) for a in lives) else RangeMeaning.EXACT
    made = (_hardware(lines).value, life.value) if lines else (None, None)
    return {"energy": energy, "grid": grid.value, "hardware": made[0], "life": made[1]}


def _hardware(lines: Sequence[EmbodiedLineJson]) -> RangeMeaning:
    ranged = [line for line in lines if _has_range(line["footprint_low_kg"], line["footprint_high_kg"])]
    if not ranged:
        return RangeMeaning.EXACT
    published = all(line["evidence"] in _PUBLISHED and not line["class_range"] for line in ranged)
    return RangeMeaning.PUBLISHED if published else RangeMeaning.JUDGED


def _has_range(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low != high
