"""PURE: what a loss is, and what is looked at to find losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ...analysis.footprint_totals import counted_share
from ...carbon.accounting import Estimate
from ...core.activity import ActivityPoint
from ...core.metric import Better, Metric
from ...core.point import Point

if TYPE_CHECKING:
    from ...core.contract import CarbonJson, DeviceJson, EnergyJson, FootprintJson, ShowJson
    from ...storage.read.records import StoredRun


class Kind(StrEnum):
    """What was lost. The values are in the JSON."""

    IDLE_GPU = "idle-gpu"
    HELD_HOST = "held-host"  # most GPUs of a host were idle
    IDLE_PROCESSORS = "idle-processors"  # of a run without a GPU
    DATA_BOUND_GPU = "data-bound-gpu"  # it waited while the processors were busy
    WAITING_GPU = "waiting-gpu"  # it waited, and the processors were not busy, or that is not known
    HEAT = "heat"
    GROUP_CLOCKS = "group-clocks"  # the clocks of another GPU of the group
    CHECKS = "checks"
    LOST_RUNS = "lost-runs"
    AFTER_BEST = "after-best"
    HOUR = "hour"
    PLACE = "place"
    SHORT_LIFE = "short-life"
    RARE_USE = "rare-use"


TOGETHER = frozenset({Kind.LOST_RUNS, Kind.HOUR, Kind.PLACE, Kind.SHORT_LIFE, Kind.RARE_USE})
"""Kinds that are looked for in all runs together."""


class Elsewhere(NamedTuple):
    """The footprint of a run under other circumstances: in another zone, or from another start on."""

    carbon: CarbonJson
    zone: str | None = None
    start: str | None = None


class Looked(NamedTuple):
    """A run: what is stored of it, its view, its activity and its curves, both by segment and device, and its metrics by segment and name.
    `directions`: which values of those metrics are better that are looked at. `best_start` and `cleanest` are its footprints from the best
    start on, and in the cleanest zone of those to choose from; None where that is not known, or where it is as it was."""

    stored: StoredRun
    view: ShowJson
    activity: Mapping[tuple[str, str], Sequence[ActivityPoint]]
    curves: Mapping[tuple[str, str], Sequence[Point]]
    metrics: Mapping[tuple[str, str], Metric] = {}
    directions: Mapping[str, Better] = {}
    best_start: Elsewhere | None = None
    cleanest: Elsewhere | None = None

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.stored.run.id

    @property
    def lasted_s(self) -> float:
        """The duration of the run."""
        return self.view["run"]["duration_s"] or 0.0


class Case(NamedTuple):
    """All runs, and their footprints, with what each adds to a sum, in the same order."""

    runs: Sequence[Looked]
    footprints: Sequence[FootprintJson]

    def pairs(self) -> Iterator[tuple[Looked, FootprintJson]]:
        """Each run with its footprint."""
        return zip(self.runs, self.footprints, strict=True)


class BestMetric(NamedTuple):
    """The best value of a metric, and how many more values were logged after it."""

    name: str
    better: Better
    value: float
    values_after: int


class Found(NamedTuple):
    """A loss, before it is known whether it is worth a line.

    `runs` are the ids of the runs in question. `error_j` is how far off the energy may be of which this is a part: of the devices in
    question, or of the runs. `host` and `names` (devices or phases) are those of one run. `energy` is None where no
    joules can be said. `more` are grams beside those of the energy: `more_operational` says whether they are of electricity or of making
    hardware. `seconds` of `of_seconds` is how long it lasted. `busy` is of the GPU then, `processors_busy` of the processors, as shares.
    `was` and `instead` are the value that made the loss and another one: grams per kWh, years, or a share."""

    kind: Kind
    runs: tuple[str, ...]
    energy: Estimate | None
    seconds: float
    of_seconds: float
    error_j: float = 0.0
    host: str | None = None
    names: tuple[str, ...] = ()
    more: Estimate | None = None
    more_operational: bool = False
    busy: float | None = None
    processors_busy: float | None = None
    busy_gpus: int | None = None
    of_gpus: int | None = None
    reasons: Mapping[str, float] = {}
    metric: BestMetric | None = None
    was: float | None = None
    instead: Estimate | None = None
    zone: str | None = None
    starts: Mapping[str, str] = {}

    def times(self, share: float) -> Found:
        """With the part of its joules and grams that counts."""
        energy, more = (None if part is None else part.times(share) for part in (self.energy, self.more))
        return self._replace(energy=energy, more=more, error_j=self.error_j * share)


Finder = Callable[[Case], Iterator[Found]]
"""Finds the losses of one kind. Their joules and grams count once where runs have read a device at the same time."""


def each_run(of_run: Callable[[Looked, FootprintJson], Iterator[Found]]) -> Finder:
    """A finder of the losses of each run by itself."""

    def find(case: Case) -> Iterator[Found]:
        for run, footprint in case.pairs():
            yield from (loss.times(counted_share(footprint)) for loss in of_run(run, footprint))

    return find


def error_of(energy: DeviceJson | EnergyJson | None) -> float:
    """How many joules the energy of a device or a run may be off."""
    if energy is None or energy["low_j"] is None or energy["high_j"] is None:
        return 0.0
    return (energy["high_j"] - energy["low_j"]) / 2


def relative_error(device: DeviceJson | None) -> float:
    """The same of a device, as a share of it."""
    return error_of(device) / device["energy_j"] if device is not None and device["energy_j"] else 0.0


def with_error(energy_j: float, error: float) -> Estimate:
    """Joules that may be off by a share of them."""
    return Estimate(energy_j, energy_j * max(0.0, 1 - error), energy_j * (1 + error))


def embodied_of(footprint: FootprintJson) -> Estimate | None:
    """The grams of making the hardware of a run that count in a sum; None if they are not known."""
    once, carbon = footprint.get("counted_once"), footprint["carbon"]
    of = once or carbon
    if of is None or of["embodied_g"] is None or of["embodied_low_g"] is None or of["embodied_high_g"] is None:
        return None
    return Estimate(of["embodied_g"], of["embodied_low_g"], of["embodied_high_g"])
