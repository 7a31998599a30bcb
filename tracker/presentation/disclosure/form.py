"""PURE: what forms have in common: their text, what they lack, and figures as forms want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...core.units import J_PER_KWH
from ..words.quantities import significant

if TYPE_CHECKING:
    from ...core.contract import BoundaryJson, DisclosedStageJson, DisclosureJson

G_PER_T = 1e6
J_PER_MWH = 1000 * J_PER_KWH


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


def no_stage(name: str) -> Missing:
    """A stage without runs and entries."""
    return Missing(f"the {name}", f"record runs with --stage {name}, or add it by hand: [[add]] with stage = {name!r} in the file")


def boundary_of(stage: DisclosedStageJson, name: str) -> BoundaryJson:
    """The energy of a stage within a boundary."""
    return next(found for found in stage["boundaries"] if found["boundary"] == name)


def kwh(joules: float) -> float:
    """Kilowatt-hours, to six significant digits: more are never known."""
    return float(f"{joules / J_PER_KWH:.6g}")


def tonnes(grams: float) -> float:
    """Tonnes, to six significant digits."""
    return float(f"{grams / G_PER_T:.6g}")


def mwh_text(of: BoundaryJson) -> str:
    """ "≥ 12.3 MWh (11.9–12.8)"; "not known" if nothing of it is."""
    if of["lower_bound"] and not of["high_j"]:
        return "not known"
    value, low, high = (significant(joules / J_PER_MWH) for joules in (of["energy_j"], of["low_j"], of["high_j"]))
    return f"{'≥ ' if of['lower_bound'] else ''}{value} MWh{'' if low == high else f' ({low}–{high})'}"


def how_known(stage: DisclosedStageJson) -> str:
    """Whether the energy was measured."""
    share = stage["measured_share"]
    if share > 0.995:
        return "measured"
    return "modelled or estimated, not measured" if share < 0.005 else f"{100 * share:.0f} % measured, the rest modelled or estimated"
