"""PURE: the losses of runs that are worth a line, the largest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ...carbon.accounting import NOTHING, Estimate, total
from ...core.units import J_PER_KWH
from ..figures import Figures, figures_of
from ..inference import as_range, product, range_of
from .circumstances import of_hour, of_place, of_rare_use, of_short_life
from .devices import of_clocks, of_gpus, of_processors
from .loss import TOGETHER, BestMetric, Case, Finder, Found, Kind, Looked, each_run
from .work import after_best, lost_runs, of_checks

if TYPE_CHECKING:
    from ...core.contract import AdviceJson, AdvisedJson, BestMetricJson, FootprintJson

SCHEMA_VERSION = 1
LEAST_SHARE = 0.01
"""What is less of the energy, or of the grams, of all runs is not worth a line."""
MOST_ALONE = 3
"""If more runs than these have a loss of one kind, it is one line for all of them."""

FINDERS: tuple[Finder, ...] = (
    lost_runs,
    each_run(of_gpus),
    each_run(of_clocks),
    each_run(of_processors),
    each_run(of_checks),
    each_run(after_best),
    of_hour,
    of_place,
    of_short_life,
    of_rare_use,
)


class _Worth(NamedTuple):
    """A loss with its grams."""

    loss: Found
    operational: Estimate | None
    embodied: Estimate | None

    @property
    def grams(self) -> Estimate | None:
        """All grams; None if those of its joules are not known."""
        parts = [part for part in (self.operational, self.embodied) if part is not None]
        return total(parts) if parts and (self.loss.energy is None or self.operational is not None) else None


def advised(runs: Sequence[Looked], footprints: Sequence[FootprintJson]) -> AdvisedJson:
    """The losses of runs. `footprints` are theirs, in the same order, with what each adds to a sum.

    What is less than the error of the measurement is counted and not advised: half of the range of the energy of its devices, or of its
    runs. So is what is less than LEAST_SHARE of the energy, or, of a loss that has grams only, of all grams: both sides of such a loss have
    the same joules, and the error of these is in both. Losses of several runs that are each too small are joined, by kind, before that; so
    are those of more than MOST_ALONE runs.
    """
    whole = figures_of(footprints)
    by_id = {f["run"]["id"]: f for f in footprints}
    case = Case(runs, footprints)
    found = [_worth(loss, by_id) for loss in chain.from_iterable(find(case) for find in FINDERS)]
    kept = list(_kept(found, whole))
    joined = {kind for kind, each in kept if len(each.loss.runs) > 1 and kind not in TOGETHER}
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [run.id for run in runs],
        "energy_j": as_range(whole.energy) if any(f["energy"]["total_j"] is not None for f in footprints) else None,
        "advice": [_as_json(each, whole) for each in _largest_first(each for _, each in kept)],
        "below_error": sum(not _counts(each, whole) and each.loss.kind not in joined for each in found),
        "without_activity": [run.id for run in runs if _has_gpus(run) and not _is_known(run)],
        "unclear_metrics": _unclear(runs),
    }


def _counts(each: _Worth, whole: Figures) -> bool:
    """Whether a loss is worth a line."""
    energy, more = each.loss.energy, each.loss.more
    if energy is None and more is None:
        return True  # no joules are known of it, and it has a threshold of its own
    if energy is not None and energy.central > max(each.loss.error_j, LEAST_SHARE * whole.energy.central):
        return True
    return more is not None and more.central > LEAST_SHARE * whole.total.central


def _kept(found: Iterable[_Worth], whole: Figures) -> Iterator[tuple[Kind, _Worth]]:
    """The losses that are worth a line, with their kinds. Those of many runs are one, and so are those that are too small by themselves."""
    by_kind: dict[Kind, list[_Worth]] = defaultdict(list)
    for each in found:
        by_kind[each.loss.kind].append(each)
    for kind, every in by_kind.items():
        alone = [each for each in every if _counts(each, whole)]
        small = [each for each in every if not _counts(each, whole)]
        if kind not in TOGETHER and len({each.loss.runs for each in alone}) > MOST_ALONE:
            alone, small = [], every
        yield from ((kind, each) for each in alone)
        if kind not in TOGETHER and len({each.loss.runs for each in small}) > 1 and _counts(together := _joined(small), whole):
            yield kind, together


def _joined(every: Iterable[_Worth]) -> _Worth:
    """Losses of one kind of several runs as one. The run that has lost the most comes first."""
    ordered = _largest_first(every)
    losses = [each.loss for each in ordered]
    runs = tuple(dict.fromkeys(run_id for loss in losses for run_id in loss.runs))
    reasons: dict[str, float] = defaultdict(float)
    for loss in losses:
        for reason, seconds in loss.reasons.items():
            reasons[reason] += seconds
    joined = Found(
        kind=losses[0].kind,
        runs=runs,
        energy=_sum(loss.energy for loss in losses),
        seconds=sum(loss.seconds for loss in losses),
        of_seconds=sum(loss.of_seconds for loss in losses),
        error_j=sum(loss.error_j for loss in losses),
        names=runs,
        more=_sum(loss.more for loss in losses),
        reasons=reasons,
    )
    known = all(each.operational is not None for each in ordered if each.loss.energy is not None)
    return _Worth(joined, _sum(each.operational for each in ordered) if known else None, joined.more)


def _sum(parts: Iterable[Estimate | None]) -> Estimate | None:
    """The sum of what is known; None if nothing is."""
    known = [part for part in parts if part is not None]
    return total(known) if known else None


def _largest_first(found: Iterable[_Worth]) -> list[_Worth]:
    """By grams, where all losses of joules have them; else by joules, and those of grams only come behind. What has neither is last."""
    every = list(found)
    by_grams = all(each.grams is not None for each in every if each.loss.energy is not None)

    def size(each: _Worth) -> tuple[float, float]:
        grams = -1.0 if each.grams is None else each.grams.central
        joules = -1.0 if each.loss.energy is None else each.loss.energy.central
        return (grams, joules) if by_grams else (joules, grams)

    return sorted(every, key=size, reverse=True)


def _has_gpus(run: Looked) -> bool:
    return any(device.kind == "gpu" and device.included_in_total for device in run.stored.devices)


def _is_known(run: Looked) -> bool:
    """Whether it is known how busy a GPU of a run was."""
    gpus = {(row.segment_id, row.name) for row in run.stored.devices if row.kind == "gpu"}
    return any(key in gpus and points[-1].busy_ms is not None for key, points in run.activity.items() if points)


def _unclear(runs: Iterable[Looked]) -> list[str]:
    """The metrics of runs none of whose metrics tell whether lower or higher values are better."""
    unclear = (name for run in runs if not run.directions for _, name in run.metrics)
    return sorted(set(unclear))


def _worth(loss: Found, footprints: Mapping[str, FootprintJson]) -> _Worth:
    """The operational grams of joules are at the mean intensity and PUE of the runs."""
    operational = None if loss.energy is None else _grams(loss.energy, [footprints[run_id] for run_id in loss.runs])
    if loss.more_operational:
        operational = loss.more if operational is None else operational.plus(loss.more or NOTHING)
    return _Worth(loss, operational, None if loss.more_operational else loss.more)


def _grams(energy: Estimate, footprints: Sequence[FootprintJson]) -> Estimate | None:
    """The operational grams of an energy that runs have lost, at their mean intensity and PUE. None if one of them has no grams."""
    joules, per_j = 0.0, NOTHING
    for f in footprints:
        carbon, used_j = f["carbon"], f["energy"]["total_j"]
        if carbon is None or used_j is None:
            return None
        of_grid = Estimate(carbon["intensity_g_per_kwh"], carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"])
        joules, per_j = joules + used_j, per_j.plus(of_grid.times(carbon["pue"] * used_j / J_PER_KWH))
    return product(energy, per_j.times(1.0 / joules)) if joules else None


def _as_json(each: _Worth, whole: Figures) -> AdviceJson:
    loss, grams = each.loss, each.grams
    return {
        "kind": loss.kind.value,
        "run": loss.runs[0] if len(loss.runs) == 1 and loss.kind not in TOGETHER else None,
        "runs": list(loss.runs),
        "host": loss.host,
        "names": list(loss.names),
        "energy_j": as_range(loss.energy),
        "grams": as_range(grams),
        "embodied_g": as_range(each.embodied),
        "share": loss.energy.central / whole.energy.central if loss.energy is not None and whole.energy.central else None,
        "share_of_grams": grams.central / whole.total.central if grams is not None and whole.total.central else None,
        "seconds": loss.seconds,
        "of_seconds": loss.of_seconds,
        "busy": loss.busy,
        "processors_busy": loss.processors_busy,
        "busy_gpus": loss.busy_gpus,
        "of_gpus": loss.of_gpus,
        "reasons": dict(loss.reasons),
        "metric": None if loss.metric is None else _metric(loss.metric),
        "was": loss.was,
        "instead": None if loss.instead is None else range_of(loss.instead),
        "zone": loss.zone,
        "starts": dict(loss.starts),
    }


def _metric(best: BestMetric) -> BestMetricJson:
    return {"name": best.name, "better": best.better.value, "value": best.value, "values_after": best.values_after}
