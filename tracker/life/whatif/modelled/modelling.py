"""Finds what a model rests on, and says what each modelled change makes of each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ....analysis.footprint import Known, footprint
from ....analysis.footprint_totals import footprint_of
from ....analysis.selection import Filters, ids_of
from ....analysis.view import describe
from ....carbon.accounting import total
from ....carbon.tables.hardware import table
from ....carbon.terms import Terms
from ....core.run import Status
from ....core.work import counted
from ....errors import ConfigurationError
from ...figures import Figures, figures_of, sum_of
from ...inference import range_of
from ..change import MODELLED, Change, ChangeKind
from .another_device import Ratios, on_device, with_ratios
from .busier import busier
from .compared import Compared, compared
from .effect import Effect, NotModelledError, Reason, Source, whole
from .facts import Facts, facts_of
from .power_limit import limited

if TYPE_CHECKING:
    from ....core.contract import FootprintJson, ModelledJson, UnchangedJson
    from ....storage.read.records import StoredRun
    from ....storage.read.store import Store

MOST_OTHERS = 500
"""Of the completed runs of a project, so many newest ones are looked at."""


class Modelling(NamedTuple):
    """What the user says about the models: `like` are the runs that did the same work, `unit` is what they are compared by, and `ratios`
    are those of another device. None: what is found."""

    like: tuple[str, ...] | None = None
    unit: str | None = None
    ratios: Ratios | None = None


EXACT: ModelledJson = {
    "modelled": False,
    "ratio_low": None,
    "ratio_high": None,
    "energy_ratio": None,
    "time_ratio": None,
    "models": [],
    "unchanged": [],
}
"""Of changes that leave the joules as they were."""


class Modelled(NamedTuple):
    """What modelled changes make of each run, in order, and which of the runs they leave as they were."""

    effects: list[Effect]
    unchanged: list[UnchangedJson]

    def figures(self, found: Sequence[FootprintJson]) -> Figures:
        """The figures of the runs, of which `found` are the footprints without these changes. Bounds add."""
        return sum_of(effect.on(figures_of([of])) for effect, of in zip(self.effects, found, strict=True))

    def as_json(self, found: Sequence[FootprintJson], was_g: float) -> ModelledJson:
        """What the model makes of all runs together, without the error of the measurement. `was_g`: what the runs emitted."""
        without = [figures_of([of]) for of in found]
        energy = whole([(of.energy.central, effect.energy) for of, effect in zip(without, self.effects, strict=True)])
        time = whole([(of.hours or of.gpu_hours, effect.time) for of, effect in zip(without, self.effects, strict=True)])
        grams = total(effect.grams(of) for of, effect in zip(without, self.effects, strict=True))
        evidence = dict.fromkeys(said for effect in self.effects for said in effect.evidence)
        return {
            "modelled": True,
            "ratio_low": grams.low / was_g if was_g else None,
            "ratio_high": grams.high / was_g if was_g else None,
            "energy_ratio": range_of(energy),
            "time_ratio": range_of(time),
            "models": [of.as_json() for of in evidence],
            "unchanged": self.unchanged,
        }


class Models:
    """The models for some runs, whose footprints are `found` on the terms `base`."""

    def __init__(self, store: Store, runs: Sequence[StoredRun], found: Sequence[FootprintJson], base: Terms, asked: Modelling) -> None:
        self._store = store
        self._runs = runs
        self._found = found
        self._base = base
        self._asked = asked

    def of(self, changes: Sequence[Change]) -> Modelled | None:
        """What the modelled ones among the changes make of the runs; None if there are none. Raises ConfigurationError if one of them
        leaves all runs as they were, and StoreError."""
        modelled = [change for change in changes if change.kind in MODELLED]
        if not modelled:
            return None
        effects = [Effect() for _ in self._runs]
        unchanged: list[UnchangedJson] = []
        for change in modelled:
            refused: list[NotModelledError] = []
            for number, stored in enumerate(self._runs):
                try:
                    effects[number] = effects[number].then(self._effect(number, change))
                except NotModelledError as error:
                    refused.append(error)
                    unchanged.append({"run": stored.run.id, "kind": change.kind.value, "reason": error.reason.value})
            if len(refused) == len(self._runs):
                raise refused[0]
        return Modelled(effects, unchanged)

    def _effect(self, number: int, change: Change) -> Effect:
        stored, run = self._runs[number], self._facts[number]
        if run is None:
            raise NotModelledError(
                Reason.NO_ENERGY, f"run {stored.run.id[:8]} has no energy or no time, so a model has nothing to begin with"
            )
        self._require_unit(run)
        rows = table(self._base.over(stored.run.zone, stored.run.settings).hardware)
        if change.kind is ChangeKind.POWER_CAP:
            effect = limited(run, float(change.value), self._compared(run), rows)
            if self._asked.like is not None and not any(of.source is Source.OWN_RUNS for of in effect.evidence):
                raise NotModelledError(
                    Reason.NO_RUNS,
                    f"--power-cap {change.value:g}: no run of --like did the work of run {run.run_id[:8]} on the same GPUs at this limit or"
                    " a lower one; name such a run, or leave --like out, and published figures are used",
                )
            return effect
        if change.kind is ChangeKind.GPU_UTILISATION:
            return busier(run, float(change.value))
        if self._asked.ratios is not None:
            return with_ratios(run, str(change.value), self._asked.ratios, rows)
        return on_device(run, str(change.value), self._compared(run, grams=True))

    def _require_unit(self, run: Facts) -> None:
        unit = self._asked.unit
        if unit is not None and not counted(run.work, unit):
            names = ", ".join(name for name, amount in run.work.items() if amount) or "nothing"
            raise ConfigurationError(
                f"--per {unit}: run {run.run_id[:8]} never counted it (it counted {names}); name a unit that it counted"
            )

    @cached_property
    def _facts(self) -> list[Facts | None]:
        return [
            facts_of(stored, found, self._store.points(stored.run.id), self._store.activity(stored.run.id))
            for stored, found in zip(self._runs, self._found, strict=True)
        ]

    def _compared(self, run: Facts, *, grams: bool = False) -> list[Compared]:
        """The other runs that did the work of a run: those that the user names, else those of its project. `grams`: with the grams of their
        hardware, which take time for hundreds of runs."""
        like = self._asked.like
        found = (
            compared(run, other, self._asked.unit, same_work=like is not None)
            for other in (self._others_with_grams if grams else self._others)
            if other.run_id != run.run_id and (like is not None or other.footprint["run"]["project"] == run.footprint["run"]["project"])
        )
        return [of for of in found if of is not None]

    @cached_property
    def _others(self) -> list[Facts]:
        return list(self._found_others(grams=False))

    @cached_property
    def _others_with_grams(self) -> list[Facts]:
        return list(self._found_others(grams=True))

    def _found_others(self, *, grams: bool) -> Iterator[Facts]:
        ids = self._asked.like if self._asked.like is not None else tuple(self._completed())
        for runs in self._store.load_all(ids, phases=False):
            known = Known.of(self._store, runs, self._base) if grams else None
            yield from (facts for stored in runs if (facts := self._other(stored, known)) is not None)

    def _completed(self) -> Iterator[str]:
        for project in dict.fromkeys(stored.run.project for stored in self._runs):
            yield from ids_of(self._store, Filters(project=project, status=Status.COMPLETED, limit=MOST_OTHERS))

    def _other(self, stored: StoredRun, known: Known | None) -> Facts | None:
        """Another run; without its grams if `known` is None."""
        view = describe(stored)
        carbon = None
        with suppress(ConfigurationError):  # its grams are asked for only if its hardware is
            carbon = None if known is None else footprint(self._store, stored, view, self._base, known)
        return facts_of(stored, {**footprint_of(view), "carbon": carbon}, {}, {})
