"""PURE: the part of the methods paragraph that tells of factors: the grid, PUE, the making of hardware, and what stands beside the grams.

Each is cited with its source; what was given by hand is called supplied by the authors, and what is assumed is called assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...carbon.accounting import Estimate, total
from ...carbon.host_share import WHOLE_HOST
from ..words.carbon import format_mass
from ..words.quantities import count, format_range, listed, number, ranged, significant
from ..words.safe_text import clipped
from .bibliography import SCOPE_2, SERVICES, Cited, cited, has_address
from .prose import Sentence, alternatives, citation, tallied, trust

View = Mapping[str, Any]

SUPPLIED = "supplied by the authors"
HOURLY = "by the hour"
UNIT = "g CO2e/kWh"
_BASES = {"lifecycle": "life-cycle basis", "direct": "direct basis"}
_GRID = re.compile(r"^grid intensity(?: of (?P<place>.+?))?(?:, (?:lifecycle|direct))?(?P<part>, for .+ of the energy)?$")
_HANDLED = re.compile(r"^(grid intensity|PUE|water|lifetime of hardware|utilisation over its life|share of the host)\b")


def factors(footprints: Sequence[View]) -> Iterator[Sentence]:
    """The sentences on all factors of the grams that are known."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    if not carbons:
        return
    yield [
        "Operational emissions are energy × PUE × grid carbon intensity. They are location-based: no offsets and no purchases of"
        " renewable energy are subtracted."
    ]
    yield from _grid(carbons)
    yield from _pue(carbons, components=any(f["energy"]["boundary"] == "components" for f in footprints))
    yield from _embodied(carbons)
    yield from _others(carbons)


def _assumptions(carbon: View, start: str) -> list[View]:
    return [a for a in carbon["assumptions"] if a["name"].startswith(start)]


# ---- the grid


def _grid(carbons: Sequence[View]) -> Iterator[Sentence]:
    """Each intensity that was used, with its place, range, basis, year and source, and of how many runs it is."""
    uses: dict[str, list[tuple[View, View]]] = {}
    for carbon in carbons:
        for factor in _assumptions(carbon, "grid intensity"):
            uses.setdefault(_place(factor, carbon, alone=len(carbons) == 1), []).append((factor, carbon))
    sentence: Sentence = []
    for place, found in uses.items():
        of_runs = "" if len(found) == len(carbons) else f" for {count(len(found), 'run')}"
        sentence += [f"{'; ' if sentence else 'The grid intensity was '}{_intensity(place, found)}{of_runs}", *_grid_works(found[0][0])]
    if sentence:
        yield [*sentence, "."]
    everything = [use for found in uses.values() for use in found]
    if any(factor["status"] == "assumed" and carbon["zone"] is None for factor, carbon in everything):
        yield ["The world's average is an assumption, as no zone was recorded; its range spans the grids of the world's countries."]
    if any(f["low"] is not None and f["low"] != f["high"] and f["status"] not in ("assumed", "given", HOURLY) for f, _ in everything):
        yield ["The range of a zone's yearly average allows for the hours and the place of a run."]
    if mixed_bases(carbons):
        yield [
            "The totals add life-cycle and direct emissions of electricity, which differ in scope and are not comparable with one another."
        ]


def mixed_bases(carbons: Iterable[View]) -> bool:
    """Whether grams on a life-cycle basis would be added to grams on a direct one."""
    return len({basis for c in carbons for a in _assumptions(c, "grid intensity") if (basis := _basis(a))}) > 1


def _basis(factor: View) -> str | None:
    found = re.search(r", (lifecycle|direct)\b", factor["name"])
    return found[1] if found else None


def _place(factor: View, carbon: View, alone: bool) -> str:
    """Where, of when and on which basis an intensity is, and how it is known: "France (FR), life-cycle basis, 2024"."""
    basis = _BASES.get(_basis(factor) or "", "")
    if factor["status"] == HOURLY:
        sources = listed(SERVICES[s].field("title") if s in SERVICES else clipped(s) for s in factor["source"].split(", "))
        return ", ".join(t for t in (f"by the hour, weighted by energy: {sources}", basis) if t)
    match = _GRID.match(factor["name"])
    place, part = (match["place"], match["part"]) if match else (clipped(factor["name"]), None)
    part = "" if not part else part.removeprefix(", ") if alone else "for hours that a series lacks"
    zone = f" ({clipped(carbon['zone'])})" if place and carbon["zone"] else ""
    value = f"{number(factor['value'])}: "  # which tells places of one name apart
    return value + ", ".join(t for t in (f"{place or ''}{zone}", basis, str(factor["year"] or ""), *trust(factor["status"]), part) if t)


def _intensity(place: str, uses: Sequence[tuple[View, View]]) -> str:
    """ "44.2 g CO2e/kWh (22.1–88.4; France (FR), life-cycle basis, 2024)"."""
    factor, carbon = uses[0]
    if factor["status"] != HOURLY:
        return ranged(factor["value"], factor["low"], factor["high"], place.partition(": ")[2], unit=UNIT)
    means = [c["intensity_g_per_kwh"] for _, c in uses]
    if len(set(means)) == 1:
        return ranged(means[0], carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"], place, unit=UNIT)
    return f"{number(min(means))}–{number(max(means))} {UNIT} (means of runs; {place})"


def _grid_works(factor: View) -> Sentence:
    if factor["status"] == HOURLY:
        works = tuple(SERVICES[s] for s in factor["source"].split(", ") if s in SERVICES)
        return [works] if works else []
    return [] if factor["status"] == "given" else citation(cited(factor["source"]))


# ---- PUE


def _pue(carbons: Sequence[View], components: bool) -> Iterator[Sentence]:
    found = [a for c in carbons for a in _assumptions(c, "PUE")]
    said = tallied(found, _overhead)
    works = citation(_joined(a["source"] for a in found if a["status"] != "given" and not _no_pue(a)))
    if not said:
        return
    if all(_no_pue(a) for a in found):
        yield ["No PUE was known and none was applied (PUE 1), so that operational emissions are a lower bound."]
        return
    bound = "; applied to these components alone, and not to all of a site's computing, it gives a lower bound" if components else ""
    yield [f"The PUE was {alternatives(said, len(carbons))}", *works, f"{bound}."]


def _no_pue(factor: View) -> bool:
    return bool(factor["status"] == "assumed" and factor["value"] == 1)


def _overhead(factor: View) -> str:
    kind = factor["name"].partition(", ")[2].replace("-", " ")
    status = SUPPLIED if factor["status"] == "given" else "not known, none applied" if _no_pue(factor) else ""
    return ranged(factor["value"], factor["low"], factor["high"], kind, str(factor["year"] or ""), status)


# ---- the making of hardware


def _embodied(carbons: Sequence[View]) -> Iterator[Sentence]:
    known = [c for c in carbons if c["embodied_g"] is not None]
    if len(known) < len(carbons):
        yield [f"The embodied emissions of {count(len(carbons) - len(known), 'run')} are not known, and are not in the totals."]
    if not known:
        return
    life = alternatives(tallied((a for c in known for a in _assumptions(c, "lifetime")), lambda a: _life(a, "years")), len(known))
    used = alternatives(tallied((a for c in known for a in _assumptions(c, "utilisation")), lambda a: _life(a, "%")), len(known))
    spread = [a for c in known for a in (*_assumptions(c, "lifetime"), *_assumptions(c, "utilisation")) if a["status"] != "given"]
    source = _joined(a["source"] for a in spread)
    yield [
        "Embodied emissions are the footprint of making the hardware × the hours for which it was held ÷ (lifetime × 8,760 h ×"
        f" utilisation) × the share of it that was held, with a lifetime of {life} and a utilisation of {used}",
        *(citation(source) if spread else []),
        *([f" ({'; '.join(source.remarks)})"] if source.remarks else []),
        ".",
    ]  # fmt: skip
    yield from _host_shares(known)
    yield _footprints(known)
    if any("class" in line["status"] for c in known for line in c["embodied_lines"]):
        yield ["A class value is that of any such part, with the range of the kind, where none of the very model is published."]


def _life(factor: View, unit: str) -> str:
    given = SUPPLIED if factor["status"] == "given" else ""
    return ranged(factor["value"], factor["low"], factor["high"], given, unit=unit, scale=100.0 if unit == "%" else 1.0)


def _host_shares(carbons: Sequence[View]) -> Iterator[Sentence]:
    """Which part of the hosts the runs held, where it was not the whole."""
    found = [a for c in carbons for a in _assumptions(c, "share of the host")]
    if all(a["value"] == a["low"] == a["high"] == 1 for a in found):
        return
    said = tallied((words for c in carbons for words in dict.fromkeys(_share(a) for a in _assumptions(c, "share of the host"))), str)
    yield [f"The share of a host that was held is {alternatives(said, len(carbons))}."]


def _share(factor: View) -> str:
    why = SUPPLIED if factor["status"] == "given" else clipped(factor["source"].removesuffix(f"; {WHOLE_HOST.why}"), 200)
    return ranged(factor["value"], factor["low"], factor["high"], why, unit="%", scale=100.0)


def _footprints(carbons: Sequence[View]) -> Sentence:
    """Each piece of hardware with the footprint of making one, its year, status and source; those of one source together."""
    by_source: dict[Cited, dict[str, None]] = {}
    for line in (line for c in carbons for line in c["embodied_lines"]):
        # a row of the user's own may have a source, or only the path of their file
        own = line["status"].startswith("given") and not has_address(line["source"])
        source = Cited((), (SUPPLIED,)) if own else cited(line["source"])
        by_source.setdefault(source, {})[_piece(line)] = None
    sentence: Sentence = ["The footprints of making one are: "]
    for i, (source, pieces) in enumerate(by_source.items()):
        remarks = f" ({'; '.join(source.remarks)})" if source.remarks else ""
        sentence += [f"{'; ' if i else ''}{', '.join(pieces)}{remarks}", *citation(source)]
    return [*sentence, "."]


def _piece(line: View) -> str:
    """ "NVIDIA H100 80GB: 164 kg CO2e (143–272; 2025; derived)"."""
    name = line["name"] if line["status"] == "given" else line["row"]
    per = "" if line["unit"] == "device" else f"/{line['unit']}"
    notes = [str(line["year"] or ""), *(words for words in trust(line["status"]) if words != SUPPLIED)]
    return f"{clipped(name)}: " + ranged(
        line["footprint_kg"], line["footprint_low_kg"], line["footprint_high_kg"], *notes, unit=f"kg CO2e{per}"
    )


# ---- the rest


def _others(carbons: Sequence[View]) -> Iterator[Sentence]:
    """Factors that no sentence above tells of."""
    found = {}
    for factor in (a for c in carbons for a in c["assumptions"] if not _HANDLED.match(a["name"]) and a["value"] is not None):
        words = f"{factor['name']}: " + ranged(factor["value"], factor["low"], factor["high"], factor["status"], unit=factor["unit"])
        found[words] = factor
    for words, factor in found.items():
        yield [f"Further, {words}", *([] if factor["status"] in ("given", "recorded") else citation(cited(factor["source"]))), "."]


def beside(footprints: Sequence[View]) -> Iterator[Sentence]:
    """What is reported next to the grams and is in no total: as bought, not measured, water, money; each where all runs have it."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    market, unseen, cost = ([c.get(name) for c in carbons] for name in ("market_based", "unmeasured", "cost"))
    water = [c.get("water_l") for c in carbons]
    if carbons and all(market):
        grams = _mass([m for m in market if m])
        at = dict.fromkeys(f"{number(m['intensity_g_per_kwh'])} g CO2e/kWh" for m in market if m)
        yield [f"Apart, not in the totals: market-based operational emissions are {grams}, at {listed(at)} ({SUPPLIED})", (SCOPE_2,), "."]
    if carbons and all(unseen):
        found = [u for u in unseen if u]
        joules = total(Estimate(u["energy_j"], u["energy_low_j"], u["energy_high_j"]) for u in found)
        sources = dict.fromkeys(SUPPLIED if u.get("status") == "given" else f"assumed: {u['source']}" for u in found)
        what = listed(dict.fromkeys(str(u.get("what", "what no sensor sees")) for u in found))
        used = f"{format_range(*joules)}, emitting {_mass(found)} ({listed(sources)})"
        yield [f"Apart, not measured and not in the totals: {what} may have used {used}."]
    if carbons and all(w is not None for w in water):
        found_water = [a for c in carbons for a in _assumptions(c, "water")]
        works = citation(_joined(a["source"] for a in found_water if a["status"] != "given"))
        given = {a["status"]: f" ({SUPPLIED})" for a in found_water}.get("given", "")
        values = listed(dict.fromkeys(f"{number(a['value'])} {a['unit']}" for a in found_water)) + given
        yield [f"Water used on site is {significant(sum(w for w in water if w is not None))} L, at {values}", *works, "."]
    currencies = {c["currency"] for c in cost if c}
    if carbons and all(cost) and len(currencies) == 1:
        yield [_money([c for c in cost if c])]


def _money(costs: Sequence[View]) -> str:
    amount, low, high = (sum(c[name] for c in costs) for name in ("amount", "low", "high"))
    prices = listed(dict.fromkeys(number(c["price_per_kwh"]) for c in costs))
    span = "" if low == high else f" ({significant(low)}–{significant(high)})"
    currency = clipped(costs[0]["currency"] or "") or "in the currency of the price"
    least = "at least " if any(c.get("unpriced_share") for c in costs) else ""
    return f"The electricity cost {least}{significant(amount)}{span} {currency}, at {prices} per kWh."


def _mass(of: Sequence[View]) -> str:
    grams = total(Estimate(o["operational_g"], o["operational_low_g"], o["operational_high_g"]) for o in of)
    value, bracket, span = format_mass(*grams).partition(" (")
    return f"{value} CO2e{bracket}{span}"


def _joined(sources: Iterable[str]) -> Cited:
    """The works and remarks of several sources, each once."""
    found = [cited(source) for source in dict.fromkeys(sources)]
    works = dict.fromkeys(work for c in found for work in c.works)
    return Cited(tuple(works), tuple(dict.fromkeys(remark for c in found for remark in c.remarks)))
