"""PURE: the `carbon` object as lines of text: the grams, the hardware, and each factor with its source, year and status."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...carbon.assumption import FactorKind, FactorStatus, LeftOut, RangeMeaning
from ...carbon.tables.basis import Basis
from ...core.work import FLOPS, singular
from .masses import bounds_text, format_co2e, format_mass, mass_parts
from .quantities import at_least, format_range, listed, significant

if TYPE_CHECKING:
    from ...core.contract import (
        AssumptionJson,
        CarbonJson,
        EmbodiedLineJson,
        EnergySumJson,
        FactorChangeJson,
        OperationalJson,
        PreviousJson,
        RangesJson,
        SciJson,
    )


class Least(NamedTuple):
    """Which figures are lower bounds: those of the `electricity` if its energy is one, and those of the `hardware` if a GPU was never read,
    because the run's hardware has only the GPUs that are read. The operational grams are one also if no PUE is known, so that they lack the
    overhead of the `site`."""

    electricity: bool = False
    hardware: bool = False
    site: bool = False

    @classmethod
    def of(cls, energy: EnergySumJson, carbon: CarbonJson | None) -> Least:
        """Of a run with this energy and these grams."""
        return cls(energy["lower_bound"], any(d["kind"] == "gpu" for d in energy["unmeasured"]), carbon is not None and _no_pue(carbon))

    @classmethod
    def of_estimate(cls, carbon: CarbonJson) -> Least:
        """Of a run that is described, not measured."""
        return cls(site=_no_pue(carbon))

    @property
    def operational(self) -> bool:
        """Whether the operational grams are a lower bound."""
        return self.electricity or self.site

    @property
    def total(self) -> bool:
        """Whether the total is a lower bound."""
        return self.operational or self.hardware


def _no_pue(carbon: CarbonJson) -> bool:
    return LeftOut.SITE_OVERHEAD in carbon["left_out_codes"]


def _span(central: float, low: float, high: float) -> str:
    """ " (1.20–2.50)"; "" if the bounds look like the value."""
    bounds = bounds_text(central, low, high)
    return f" ({bounds})" if bounds else ""


def carbon_headline(carbon: CarbonJson, least: Least) -> str:
    """ "1.84 kg CO2e (1.20–2.50), life-cycle: 1.60 kg operational, 0.24 kg embodied", with "≥" before each lower bound."""
    total = format_co2e(carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"])
    return f"{at_least(total, least.total)}, {basis_text(carbon)}: {carbon_parts(carbon, least)}"


def basis_text(carbon: CarbonJson) -> str:
    """What the grams of electricity count: "life-cycle", "direct", or "basis unknown" where the intensity is the user's own."""
    return basis_words(carbon["intensity_basis"])


def basis_words(basis: str | None) -> str:
    """A basis in words: "life-cycle", "direct", or "basis unknown"."""
    return {Basis.LIFECYCLE.value: "life-cycle", Basis.DIRECT.value: "direct"}.get(basis or "", "basis unknown")


def carbon_parts(carbon: CarbonJson, least: Least) -> str:
    """The parts of the total: "1.60 kg operational, 0.24 kg embodied"."""
    if carbon["embodied_g"] is None:
        return "operational only"
    operational, embodied = format_mass(carbon["operational_g"]), format_mass(carbon["embodied_g"])
    return f"{at_least(operational, least.operational)} operational, {at_least(embodied, least.hardware)} embodied"


def total_text(carbon: CarbonJson, least: Least) -> str:
    """The total without its range: "≥ 1.84 kg"."""
    return at_least(format_mass(carbon["total_g"]), least.total)


def total_parts(carbon: CarbonJson, least: Least) -> tuple[str, str]:
    """The total and its range: "≥ 1.84 kg" and "1.20–2.50"."""
    value, bounds = mass_parts(carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"])
    return at_least(value, least.total), bounds


def previous_lines(previous: PreviousJson, carbon: CarbonJson, width: int = 80) -> list[str]:
    """What the footprint that was kept before said, and which factors have changed since."""
    when, was, now = previous["computed_at"][:10], format_mass(previous["total_g"]), format_mass(carbon["total_g"])
    if previous["total_g"] == carbon["total_g"] and not previous["changes"]:
        return _wrapped(f"kept on {when}: {was}; the same now", width, 0)
    changed = [_change(change) for change in previous["changes"]] or ["no factor has changed, but the energy or the hours have"]
    return [*_wrapped(f"kept on {when}: {was}; now {now}", width, 0), *(line for text in changed for line in _wrapped(text, width, 2))]


def _change(of: FactorChangeJson) -> str:
    """ "grid intensity of France, lifecycle: 386 → 375 g/kWh (2024 → 2025)"."""
    values = " → ".join("none" if value is None else _number(value) for value in (of["was"], of["now"]))
    years = " → ".join(str(year or "no year") for year in (of["was_year"], of["now_year"]))
    return f"{of['name']}: {values} {of['unit']}".rstrip() + (f" ({years})" if of["was_year"] != of["now_year"] else "")


_MEANINGS = {
    RangeMeaning.CONFIDENCE: "95 % for",
    RangeMeaning.MIXED: "partly 95 % and partly judged for",
    RangeMeaning.PUBLISHED: "published spread for",
    RangeMeaning.JUDGED: "judged for",
    RangeMeaning.EXACT: "none for",
}


def ranges_text(ranges: RangesJson) -> str:
    """What the ranges mean: "ranges: 95 % for energy; published spread for the grid; judged for hardware and its life"."""
    parts = (
        (ranges["energy"], "energy"),
        (ranges["grid"], "the grid"),
        (ranges["hardware"], "hardware"),
        (ranges["life"], "its life"),
    )
    by_meaning = {meaning: [name for of, name in parts if of == meaning] for meaning in _MEANINGS}
    return "ranges: " + "; ".join(f"{_MEANINGS[meaning]} {listed(names)}" for meaning, names in by_meaning.items() if names)


def place(carbon: CarbonJson) -> str:
    """ "in FR", "at 50 g/kWh, as given", or "at the world's average, because no zone is set"."""
    factor, grid = next((a, grid) for a in carbon["assumptions"] if (grid := a["grid"]) is not None)
    if factor["evidence"] == FactorStatus.GIVEN:
        return f"at {_number(carbon['intensity_g_per_kwh'])} g/kWh, as given"
    if carbon["zone"]:
        return f"in {carbon['zone']}"
    return f"at the intensities of {factor['source']}" if grid["by_the_hour"] else "at the world's average, because no zone is set"


def carbon_lines(carbon: CarbonJson, least: Least, width: int = 80) -> list[str]:
    """The whole footprint. No line is wider than `width`, except for an address, which is never broken."""
    lines = [_row("operational", at_least(_operational(carbon), least.operational))]
    embodied = carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"]
    made = "unknown" if embodied[0] is None else at_least(format_mass(embodied[0], *embodied[1:]), least.hardware)
    lines.append(_row("embodied", made))
    for line in carbon["embodied_lines"]:
        grams = format_mass(line["embodied_g"], line["embodied_low_g"], line["embodied_high_g"])
        what = line["name"] if _uncounted(carbon) else _counted(line)
        lines += _wrapped(f"{line['part']}: {grams}" if what == line["part"] else f"{line['part']}: {what}, {grams}", width, 4)
    whole = format_mass(carbon["total_g"], carbon["total_low_g"], carbon["total_high_g"])
    lines.append(_row("total", at_least(whole, least.total)))
    lines += _wrapped(ranges_text(carbon["ranges"]), width, 2)
    for sci in sorted(carbon["sci_units"], key=lambda sci: sci["unit"] != (carbon["sci"] or sci)["unit"]):
        if sci["unit"] != singular(FLOPS):  # of one operation nobody can picture the grams
            lines += _sci(sci, least, width)
    for item in beside(carbon, least):
        lines += _wrapped(f"{item.name}: {item.text}" if item.is_emission else f"{item.name:<13}{item.text}", width, 2)
    for text in carbon["left_out"]:
        lines += _wrapped(f"not in it: {text}", width, 2)
    lines += ["", "factors"]
    for factor in carbon["assumptions"]:
        lines += _factor(factor, width)
    for line in carbon["embodied_lines"]:
        kg, ranged = significant(line["footprint_kg"]), _span(line["footprint_kg"], line["footprint_low_kg"], line["footprint_high_kg"])
        lines += _sourced(f"{making_of(line)}: {kg}{ranged} kg/{line['unit']}", line, width)
    return lines


def making_of(line: EmbodiedLineJson) -> str:
    """ "making of NVIDIA H100 80GB": the row of the table, or the device's own name where the user gave the figure."""
    return f"making of {line['name'] if is_given(line) else line['row']}"


def is_given(line: EmbodiedLineJson) -> bool:
    """Whether the user gave the footprint of this very device."""
    return line["evidence"] == FactorStatus.GIVEN and not line["class_range"]


class Beside(NamedTuple):
    """A figure that is shown next to the total and is not in it. `is_emission`: it is in grams, as the total is."""

    name: str
    text: str
    is_emission: bool = False


def beside(carbon: CarbonJson, least: Least) -> list[Beside]:
    """Water, money, and the grams that are not in the total, each if it was asked for."""
    found = [] if carbon["water_l"] is None else [Beside("water", at_least(_volume(carbon["water_l"]), least.electricity))]
    cost, market, unseen = carbon["cost"], carbon["market_based"], carbon["unmeasured"]
    if cost is not None:
        span = _span(cost["amount"], cost["low"], cost["high"])
        lacking = f", {100 * cost['unpriced_share']:.0f} % of the energy without a price" if cost["unpriced_share"] else ""
        currency = cost["currency"] or "in the currency of the price"
        text = f"{significant(cost['amount'])}{span} {currency} at {_number(cost['price_per_kwh'])} a kWh{lacking}"
        found.append(Beside("cost", at_least(text, least.operational)))
    if market is not None:
        grams = at_least(_operational(market), least.operational)
        text = f"{grams} operational as bought, at {_number(market['intensity_g_per_kwh'])} g/kWh (market-based)"
        found.append(Beside("apart", text, is_emission=True))
    if unseen is not None:
        joules = format_range(unseen["energy_j"], unseen["energy_low_j"], unseen["energy_high_j"])
        text = f"{unseen['what']}: {at_least(joules, least.electricity)}, {at_least(_operational(unseen), least.operational)}"
        text += f" [{unseen['status']}: {100 * unseen['share']:.0f} % of the components]"
        found.append(Beside("apart, not measured", text, is_emission=True))
    return found


def _volume(litres: float) -> str:
    size, symbol = next(((s, u) for s, u in ((1.0, "L"), (1e-3, "mL")) if litres >= 0.1 * s), (1e-6, "µL"))
    return f"{significant(litres / size)} {symbol}"


def _uncounted(carbon: CarbonJson) -> bool:
    """Whether the hours of all devices together are given, and not how many devices these are."""
    kinds = {factor["kind"] for factor in carbon["assumptions"]}
    return FactorKind.DEVICE_HOURS in kinds and FactorKind.DEVICES not in kinds


def _counted(line: EmbodiedLineJson) -> str:
    """ "8 × A100 80GB" and "512 GB of memory"."""
    of = "×" if line["unit"] in ("device", "host") else f"{line['unit']} of"
    return f"{_number(line['count'])} {of} {line['name']}"


def _sci(sci: SciJson, least: Least, width: int) -> Iterator[str]:
    each = at_least(format_mass(sci["g_per_unit"], sci["low_g_per_unit"], sci["high_g_per_unit"]), least.total)
    yield from _wrapped(f"per {sci['unit']}: {each}{' without embodied' if sci['without_embodied'] else ''}", width, 2)
    if sci["strict"] is not None and not sci["without_embodied"]:
        strict = at_least(format_mass(sci["strict"]["g_per_unit"]), least.total)
        yield from _wrapped(f"SCI as in ISO/IEC 21031 (utilisation 1): {strict} per {sci['unit']}", width, 2)


def _factor(factor: AssumptionJson, width: int) -> list[str]:
    value, low, high = factor["value"], factor["low"], factor["high"]
    number = "unknown" if value is None else _number(value)
    if value is not None and low is not None and high is not None and low != high:
        number += f" ({_number(low)}–{_number(high)})"
    return _sourced(f"{factor['name']}: {number} {factor['unit']}".rstrip(), factor, width)


def _sourced(text: str, of: AssumptionJson | EmbodiedLineJson, width: int) -> list[str]:
    mark = of["status"] if of["year"] is None else f"{of['status']}, {of['year']}"
    return _wrapped(f"{text} [{mark}]", width, 2) + (
        [] if of["evidence"] == FactorStatus.GIVEN and not of.get("class_range") else _wrapped(of["source"], width, 6)
    )


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 10000 else f"{value:.0f}"


def _operational(of: OperationalJson) -> str:
    return format_mass(of["operational_g"], of["operational_low_g"], of["operational_high_g"])


def _row(name: str, text: str) -> str:
    return f"  {name:<13}{text}"


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2), break_on_hyphens=False, break_long_words=False
    )
