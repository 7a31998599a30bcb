"""PURE: a run on another device, as the user's own runs there, or ratios that the user states, tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....carbon.accounting import NOTHING, Estimate, total
from ....carbon.tables import names
from ....carbon.tables.hardware import HardwareTable
from ..change import ChangeKind
from .compared import Compared, likely, mean
from .effect import Effect, Evidence, NotModelledError, Reason, Source
from .facts import Facts

KIND = ChangeKind.DEVICE


class Ratios(NamedTuple):
    """The energy and the time on the other device, as multiples, as the user states them."""

    energy: Estimate
    time: Estimate


def on_device(run: Facts, name: str, others: Sequence[Compared]) -> Effect:
    """The run on a device of which `others` has runs that did the same work: with their energy, their time and their hardware. Raises
    NotModelledError."""
    if is_on(run, name):
        raise NotModelledError(Reason.SAME_DEVICE, f"--device {name}: run {run.run_id[:8]} was on it; name another device")
    found = likely(run, [of for of in others if is_on(of.other, name)])
    if not found:
        raise NotModelledError(
            Reason.NO_RUNS,
            f"--device {name}: no run did the work of run {run.run_id[:8]} on it. Completed runs of the same project count that have the"
            " same unit of work or the same command; name others with --like, or state the --energy-ratio and the --time-ratio",
        )
    energy, time = mean(found)
    own, made = _made(run), [_made(of.other).times(of.times) for of in found]
    embodied = Estimate(*(_over(sum(of[bound] for of in made) / len(made), own[bound]) for bound in range(3)))
    known = all(_is_known(of.other) for of in found) and own.central > 0.0
    said = Evidence(KIND, Source.OWN_RUNS, tuple(of.other.run_id for of in found), found[0].unit)
    return Effect(energy, time, embodied, (said,), known)


def with_ratios(run: Facts, name: str, ratios: Ratios, rows: HardwareTable) -> Effect:
    """The run on a device of which the user states how much energy and time the same work takes there. Each GPU is replaced by one. Raises
    NotModelledError."""
    carbon, row = run.footprint["carbon"], rows.match("gpu", name)
    if not run.gpus:
        raise NotModelledError(
            Reason.NO_GPU, f"--device {name}: run {run.run_id[:8]} has no GPU that it could replace; name runs on it with --like"
        )
    lines = [] if carbon is None else [line for line in carbon["embodied_lines"] if line["part"] == "gpu"]
    own = _made(run)
    if carbon is None or not own.central or not lines or row is None or row.scope != "model":
        made, known = ratios.time, bool(carbon) and row is not None and row.scope == "model"
        return Effect(ratios.energy, ratios.time, made, (Evidence(KIND, Source.DECLARED),), known)
    host = _of(carbon["embodied_host_g"], carbon["embodied_host_low_g"], carbon["embodied_host_high_g"])
    gpus = _of(carbon["embodied_gpu_g"], carbon["embodied_gpu_low_g"], carbon["embodied_gpu_high_g"])
    now = total(Estimate(of["footprint_kg"], of["footprint_low_kg"], of["footprint_high_kg"]).times(of["count"]) for of in lines)
    then = row.footprint_kg.times(sum(of["count"] for of in lines))
    embodied = Estimate(
        *(_over(t * (h + g * _over(new, old)), o) for t, h, g, new, old, o in zip(ratios.time, host, gpus, then, now, own, strict=True))
    )
    return Effect(ratios.energy, ratios.time, embodied, (Evidence(KIND, Source.DECLARED),))


def is_on(run: Facts, name: str) -> bool:
    """Whether all GPUs of the run, or its processors if it has none, are of this model."""
    if run.gpus:
        return all(names.fits(name, None, model) for model in run.models)
    wanted = names.name_of(name).words  # the name of a processor has words that nobody says
    return bool(wanted and run.models) and all(wanted <= names.name_of(model).words for model in run.models)


def _made(run: Facts) -> Estimate:
    carbon = run.footprint["carbon"]
    return NOTHING if carbon is None else _of(carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"])


def _is_known(run: Facts) -> bool:
    return run.footprint["carbon"] is not None and run.footprint["carbon"]["embodied_g"] is not None


def _of(central: float | None, low: float | None, high: float | None) -> Estimate:
    return Estimate(central or 0.0, low or 0.0, high or 0.0)


def _over(value: float, of: float) -> float:
    return value / of if of else 0.0
