"""PURE: SCI for AI (Green Software Foundation): the score of the provider and that of the consumer, which are never added.

The provider's has all that it took to make the model, intermediate and stopped runs included, for each FLOP, training token or parameter.
The consumer's has inference, for each unit of it. A score is operational and embodied grams by functional unit (ISO/IEC 21031).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.work import singular
from ..words.masses import format_mass
from ..words.quantities import count, figure_text
from ..words.safe_text import clipped, markdown
from .form import GRAMS_OF, LONGEST, NO_GRID, Form, Missing, flop_of, no_grams, served, stated

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson


def sci_ai(of: DisclosureJson) -> Form:
    """Both scores, as Markdown."""
    missing: list[Missing] = []
    lines = [
        f"# {markdown(clipped(of['name'], LONGEST))}: SCI for AI",
        "",
        "## Provider",
        "",
        *_provider(of, missing),
        "",
        "## Consumer",
        "",
        *_consumer(of, missing),
        "",
    ]
    lines += [GRAMS_OF, "", f"Method: {markdown(of['method'])}", ""]
    if missing:
        lines += ["## Missing", "", *(f"- {m.what}: {m.how}" for m in missing), ""]
    return Form("\n".join([*lines, f"Made by {of['software']} on {of['made_at'][:10]}."]), tuple(missing))


def _provider(of: DisclosureJson, missing: list[Missing]) -> Iterator[str]:
    before = of["life"]["before"]
    bound = before["operational_lower_bound"] or before["embodied_lower_bound"]
    if not before["total_high_g"] and (bound or not before["runs"]):
        missing.append(no_grams("training"))
        yield "- The emissions before inference: missing"
        return
    if any(stage["assumed_grid"] for stage in of["stages"]):
        missing.append(NO_GRID)
    least = "at least " if bound else ""
    whole = format_mass(before["total_g"], before["total_low_g"], before["total_high_g"])
    runs = f" in {count(before['runs'], 'run')}, also in those that failed or were stopped" if before["runs"] else ""
    yield f"{least.capitalize()}{whole} CO2e before inference{runs}."
    yield ""
    known = of["stated"]
    per = (
        (flop_of(of).flop, 1e18, "10^18 FLOP"),
        (known["training_tokens"], 1e6, "million training tokens"),
        (known["parameters"], 1e9, "10^9 parameters"),
    )
    grams = before["total_g"], before["total_low_g"], before["total_high_g"]
    for units, size, words in per:
        if units is not None:
            yield f"- {least}{format_mass(*(g * size / units for g in grams))} CO2e per {words}"
    if all(units is None for units, _, _ in per):
        missing.append(stated("training_tokens", "what the score is for (flop, training_tokens or parameters)", "2e12"))
        yield "- per functional unit: missing"


def _consumer(of: DisclosureJson, missing: list[Missing]) -> Iterator[str]:
    found = served(of)
    if not found:
        missing.append(
            Missing("the unit of inference", "count it in each run with --stage inference, or name it below [inference] in the file")
        )
        yield "- per unit of inference: missing"
    for each in found:
        unit = markdown(clipped(singular(each.unit), LONGEST))
        grams = format_mass(each.grams["value"], each.grams["low"], each.grams["high"])
        yield f"- {'at least ' if each.lower_bound else ''}{grams} CO2e per {unit} ({figure_text(each.joules['value'])} J)"
