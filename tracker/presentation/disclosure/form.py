"""PURE: what forms have in common: their text, what they lack, and figures as forms want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ...core.units import J_PER_KWH
from ...core.work import FLOPS, singular
from ..words.quantities import amount, count, figure_text

if TYPE_CHECKING:
    from ...core.contract import AddedJson, BoundaryJson, DisclosedStageJson, DisclosureJson, RangeJson

G_PER_T = 1e6
J_PER_MWH = 1000 * J_PER_KWH
ENDS: tuple[Literal["value", "low", "high"], ...] = ("value", "low", "high")
SITE = "site (nodes times PUE)"
GRAMS_OF = f"Emissions are those of the {SITE}, and of making the hardware."
LONGEST = 200
"""Characters of a name, or of a text, that a form for people shows."""


class Missing(NamedTuple):
    """Something that a form asks for and nobody knows, and how to supply it."""

    what: str
    how: str


class Form(NamedTuple):
    """A form that is filled in, and what is missing in it."""

    text: str
    missing: tuple[Missing, ...]


def stated(key: str, what: str, example: str) -> Missing:
    """Something that the user may state in the file."""
    return Missing(what, f"give {key} = {example} below [disclosure] in the file")


def stage_of(of: DisclosureJson, name: str) -> DisclosedStageJson | None:
    """A stage; None if nothing is in it."""
    return next((stage for stage in of["stages"] if stage["stage"] == name), None)


def added_to(of: DisclosureJson, name: str) -> list[AddedJson]:
    """What was added to a stage by hand."""
    return [one for stage in of["life"]["stages"] if stage["stage"] == name for one in stage["added"]]


def no_stage(name: str) -> Missing:
    """A stage without runs and entries."""
    return Missing(f"the {name}", f"record runs with --stage {name}, or add it by hand: [[add]] with stage = {name!r} in the file")


def boundary_of(stage: DisclosedStageJson, name: str) -> BoundaryJson:
    """The energy of a stage within a boundary."""
    return next(found for found in stage["boundaries"] if found["boundary"] == name)


def is_known(of: BoundaryJson) -> bool:
    """Whether anything is known of an energy."""
    return not of["lower_bound"] or of["high_j"] > 0


def no_energy(name: str) -> Missing:
    """A stage of whose energy nothing is known."""
    return Missing(
        f"the energy of the {name}",
        "no run or entry of it has any; measure one on devices with sensors (`trainwatt doctor`), or give energy_kwh by hand",
    )


NO_GRID = Missing("the grid", "give --zone or --intensity; the mean of the world stands in, with its range")


def no_grams(name: str) -> Missing:
    """A stage of whose emissions nothing is known."""
    return Missing(f"the emissions of the {name}", "give --zone or --intensity, and runs or entries whose energy is known")


def kwh(joules: float) -> float:
    """Kilowatt-hours, to six significant digits: more are never known."""
    return float(f"{joules / J_PER_KWH:.6g}")


def tonnes(grams: float) -> float:
    """Tonnes, to six significant digits."""
    return float(f"{grams / G_PER_T:.6g}")


def mwh_text(of: BoundaryJson) -> str:
    """ "≥ 12.3 MWh (11.9–12.8)"; "not known" if nothing of it is."""
    if not is_known(of):
        return "not known"
    value, low, high = (figure_text(joules / J_PER_MWH) for joules in (of["energy_j"], of["low_j"], of["high_j"]))
    return f"{'≥ ' if of['lower_bound'] else ''}{value} MWh{'' if low == high else f' ({low}–{high})'}"


def flop_text(flop: float) -> str:
    """ "3.8e+25 (order of magnitude: 10^25)": two significant figures, and the order of magnitude of these."""
    shown = f"{flop:.1e}"
    return f"{shown} (order of magnitude: 10^{int(shown.partition('e')[2])})"


class Served(NamedTuple):
    """A unit of inference: what one takes in joules (before PUE) and in grams, each with its range, and from what that is known."""

    unit: str
    joules: RangeJson
    grams: RangeJson
    lower_bound: bool
    source: str


def served(of: DisclosureJson) -> list[Served]:
    """What units of inference take: as planned, else as the runs of the stage have counted them."""
    planned, stage = of["life"]["planned"], stage_of(of, "inference")
    if planned is not None:
        least = planned["operational_lower_bound"] or planned["embodied_lower_bound"]
        return [Served(planned["unit"], planned["j_per_unit"], planned["g_per_unit"], least, planned["source"])]
    if stage is None:
        return []
    node, runs = boundary_of(stage, "node"), count(stage["runs"], "run")
    joules: RangeJson = {"value": node["energy_j"], "low": node["low_j"], "high": node["high_j"]}
    return [
        Served(unit, _each(joules, n), _each(stage["total_g"], n), stage["lower_bound"], f"{amount(n, unit)} of {runs} of inference")
        for unit, n in stage["work"].items()
        if singular(unit) != singular(FLOPS)
    ]


def _each(of: RangeJson, units: int) -> RangeJson:
    return {"value": of["value"] / units, "low": of["low"] / units, "high": of["high"] / units}


class Flop(NamedTuple):
    """The compute of the training: what the user states, else what all runs have counted. `method`: how it is known."""

    flop: float | None
    method: str | None


def flop_of(of: DisclosureJson) -> Flop:
    """The compute of the training; none where only a part of it was counted."""
    known, training = of["stated"], stage_of(of, "training")
    if known["flop"] is not None:
        return Flop(known["flop"], known["flop_method"])
    counted = None if training is None else training["flop_counted"]
    if counted is None or not counted["complete"]:
        return Flop(None, known["flop_method"])
    over = "all ranks of the run" if counted["runs"] == 1 else f"{counted['runs']:,} training runs, with all of their ranks"
    return Flop(float(counted["flop"]), known["flop_method"] or f"{COUNTED}, summed over {over}")


COUNTED = (
    "counted by the program while it ran (tracker.update(flops=…)); where trainwatt.torch.count_flops has counted a step, by PyTorch's"
    " FlopCounterMode: matrix multiplications, convolutions and attention, forward and backward"
)


def how_known(stage: DisclosedStageJson) -> str:
    """Whether the energy was measured."""
    share = stage["measured_share"]
    if share > 0.995:
        return "measured"
    return "modelled or estimated, not measured" if share < 0.005 else f"{100 * share:.0f} % measured, the rest modelled or estimated"
