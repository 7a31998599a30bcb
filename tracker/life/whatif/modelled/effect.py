"""PURE: what a modelled change makes of a run, what that rests on, and why a run stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ....carbon.accounting import Estimate
from ....carbon.tables.power_caps import UNCHANGED
from ....errors import ConfigurationError
from ...figures import Figures
from ...inference import product
from ..change import ChangeKind

if TYPE_CHECKING:
    from ....core.contract import ModelJson


class Source(StrEnum):
    """What a model rests on. The values are in the JSON."""

    OWN_RUNS = "own-runs"
    PUBLISHED = "published"
    DECLARED = "declared"
    ACTIVITY = "activity"


class Reason(StrEnum):
    """Why a change leaves a run as it was. The values are in the JSON."""

    NO_GPU = "no-gpu"
    NO_ENERGY = "no-energy"
    NOT_LOWER = "not-lower"
    NO_LIMIT = "no-limit"
    NOT_PUBLISHED = "not-published"
    NO_ACTIVITY = "no-activity"
    NOT_BUSIER = "not-busier"
    NO_WORK = "no-work"
    UNEVEN = "uneven"
    SAME_DEVICE = "same-device"
    NO_RUNS = "no-runs"


class NotModelledError(ConfigurationError):
    """A change leaves a run as it was. If it does so for all runs, this error is the answer."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Evidence(NamedTuple):
    """What a modelled change rests on: the user's own `runs`, compared by `unit` (None: as a whole); or what is `published`."""

    kind: ChangeKind
    source: Source
    runs: tuple[str, ...] = ()
    unit: str | None = None
    published: str | None = None

    def as_json(self) -> ModelJson:
        """The contract's form."""
        return {
            "kind": self.kind.value,
            "source": self.source.value,
            "runs": list(self.runs),
            "unit": self.unit,
            "published": self.published,
        }


class Effect(NamedTuple):
    """The energy, the time, and the grams of making the hardware, as multiples of what they were. The bounds of the grams are those of the
    result over those of the run. `embodied_known`: whether all hardware of the result is known."""

    energy: Estimate = UNCHANGED
    time: Estimate = UNCHANGED
    embodied: Estimate = UNCHANGED
    evidence: tuple[Evidence, ...] = ()
    embodied_known: bool = True

    def then(self, other: Effect) -> Effect:
        """Both changes together."""
        return Effect(
            product(self.energy, other.energy),
            product(self.time, other.time),
            product(self.embodied, other.embodied),
            self.evidence + other.evidence,
            self.embodied_known and other.embodied_known,
        )

    def on(self, figures: Figures) -> Figures:
        """The figures of a run with this effect: each bound with its own multiple."""
        return figures._replace(
            hours=figures.hours * self.time.central,
            gpu_hours=figures.gpu_hours * self.time.central,
            energy=product(figures.energy, self.energy),
            site=product(figures.site, self.energy),
            operational=product(figures.operational, self.energy),
            embodied=product(figures.embodied, self.embodied),
            embodied_least=figures.embodied_least or not self.embodied_known,
        )

    def grams(self, figures: Figures) -> Estimate:
        """The grams of a run with this effect, where only the model has a range."""
        low, high = min(self.embodied.low, self.embodied.central), max(self.embodied.high, self.embodied.central)
        embodied = self.embodied._replace(low=low, high=high)
        return self.energy.times(figures.operational.central).plus(embodied.times(figures.embodied.central))


def whole(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """The multiple of a sum from those of its parts, each with its size. A sum of nothing stays as it is."""
    size = sum(part for part, _ in parts)
    if size <= 0.0:
        return UNCHANGED
    return Estimate(*(sum(part * of[bound] for part, of in parts) / size for bound in range(3)))


def with_time(time: Estimate) -> Estimate:
    """The energy of devices of which it is not known how much of it is for the work and how much for the time: between no change and as
    much as the time."""
    return Estimate((1.0 + time.central) / 2.0, min(1.0, time.low), max(1.0, time.high))
