"""PURE: the sentences of the methods paragraph on factors: the grid, PUE, the manufacture of hardware, and figures next to the grams.

Each factor is cited with its source. A value that the user gave is "supplied by the authors"; an assumed value is called assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...carbon.accounting import Estimate, total
from ...carbon.assumption import FactorKind, FactorStatus, HostPart
from ...carbon.host_share import LARGEST_HOST_CPUS, USUAL_HOST_CPUS
from ..words.carbon import format_co2e, is_given
from ..words.quantities import count, format_range, listed, number, percent, ranged, significant
from ..words.safe_text import clipped
from .bibliography import SCOPE_2, SERVICES, WU, Cited, cited, has_address
from .prose import Sentence, alternatives, citation, tallied, trust

View = Mapping[str, Any]

SUPPLIED = "supplied by the authors"
UNIT = "g CO2e/kWh"
_BASES = {"lifecycle": "life-cycle basis", "direct": "direct basis"}


def factors(footprints: Sequence[View]) -> Iterator[Sentence]:
    """The sentences on all factors of the grams that are known."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    if not carbons:
        return
    yield [
        "Operational emissions were calculated as energy × PUE × grid carbon intensity. They are location-based: no offsets and no"
        " purchases of renewable energy were subtracted."
    ]
    yield from _grid(carbons)
    yield from _pue(carbons, components=any(f["energy"]["boundary"] == "components" for f in footprints))
    yield from _embodied(carbons)


def _of_kind(carbon: View, kind: FactorKind) -> list[View]:
    return [a for a in carbon["assumptions"] if a["kind"] == kind]


# ---- the grid


class _Intensity(NamedTuple):
    """What tells two intensities apart. `value` is None for values over time, whose mean differs from run to run."""

    value: float | None
    words: str


def _grid(carbons: Sequence[View]) -> Iterator[Sentence]:
    """Each intensity that was used: its place, range, basis, year and source, and the number of runs."""
    uses: dict[_Intensity, list[tuple[View, View]]] = {}
    for carbon in carbons:
        for factor in _of_kind(carbon, FactorKind.GRID_INTENSITY):
            uses.setdefault(_intensity(factor, alone=len(carbons) == 1), []).append((factor, carbon))
    sentence: Sentence = []
    for intensity, found in uses.items():
        of_runs = "" if len(found) == len(carbons) else f" for {count(len(found), 'run')}"
        text = _over_time(intensity.words, found) if intensity.value is None else _constant(intensity.words, found[0][0])
        sentence += [f"{'; ' if sentence else 'The grid intensity was '}{text}{of_runs}", *_grid_works(found[0][0])]
    if sentence:
        yield [*sentence, "."]
    everything = [use for found in uses.values() for use in found]
    if any(factor["evidence"] == FactorStatus.ASSUMED and carbon["zone"] is None for factor, carbon in everything):
        yield ["The world average was assumed because no zone was recorded; its range spans the grids of the world's countries."]
    if any(f["low"] is not None and f["low"] != f["high"] and f["evidence"] != FactorStatus.ASSUMED for f, _ in everything):
        yield ["The range of a yearly zone average allows for the hours and the place of a run."]
    if mixed_bases(carbons):
        yield [
            "The totals add life-cycle and direct emissions of electricity, which differ in scope and are not comparable with one another."
        ]


def mixed_bases(carbons: Iterable[View]) -> bool:
    """Whether grams on a life-cycle basis would be added to grams on a direct one."""
    grids = [a["grid"] for c in carbons for a in _of_kind(c, FactorKind.GRID_INTENSITY)]
    return len({grid["basis"] for grid in grids if grid["basis"] is not None}) > 1


def _intensity(factor: View, alone: bool) -> _Intensity:
    """ "France (FR), life-cycle basis, 2024", or "values over time from Electricity Maps API, weighted by energy, life-cycle basis"."""
    grid = factor["grid"]
    basis = _BASES.get(grid["basis"] or "", "")
    if grid["by_the_hour"]:
        sources = listed(_series_name(series) for series in grid["series"])
        return _Intensity(None, ", ".join(t for t in (f"values over time from {sources}", "weighted by energy", basis) if t))
    place = f"{grid['place']} ({clipped(grid['zone'])})" if grid["place"] and grid["zone"] else grid["place"] or ""
    share = "" if grid["energy_share"] is None else f"for {percent(grid['energy_share'])} of the energy"
    if share and not alone:
        share = "for times without a value in the series"
    parts = (place, basis, str(factor["year"] or ""), *trust(factor["evidence"]), share)
    return _Intensity(factor["value"], ", ".join(part for part in parts if part))


def _series_name(series: View) -> str:
    """A provider's title, or the name of the authors' file without its folder."""
    if series["from_provider"]:
        return SERVICES[series["name"]].field("title") if series["name"] in SERVICES else clipped(series["name"])
    return f"the authors' file “{clipped(series['name'].rpartition('/')[2])}”"


def _constant(words: str, factor: View) -> str:
    """ "44.2 g CO2e/kWh (22.1–88.4; France (FR), life-cycle basis, 2024)"."""
    return ranged(factor["value"], factor["low"], factor["high"], words, unit=UNIT)


def _over_time(words: str, uses: Sequence[tuple[View, View]]) -> str:
    """ "285.5 g CO2e/kWh (242.8–371; values over time from …; estimates of the provider for 50 % of the energy)"."""
    shares = [factor["grid"]["estimated_share"] for factor, _ in uses]
    least, most = percent(min(shares)), percent(max(shares))
    span = most if least == most else f"{least} to {most}"
    estimated = f"estimated values for {span} of the energy" if max(shares) > 0 else ""
    means = [carbon["intensity_g_per_kwh"] for _, carbon in uses]
    if len(set(means)) == 1:
        carbon = uses[0][1]
        return ranged(means[0], carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"], words, estimated, unit=UNIT)
    notes = "; ".join(note for note in ("means of runs", words, estimated) if note)
    return f"{number(min(means))}–{number(max(means))} {UNIT} ({notes})"


def _grid_works(factor: View) -> Sentence:
    if factor["grid"]["by_the_hour"]:
        works = tuple(SERVICES[s["name"]] for s in factor["grid"]["series"] if s["from_provider"] and s["name"] in SERVICES)
        return [works] if works else []
    return [] if factor["evidence"] == FactorStatus.GIVEN else citation(cited(factor["source"]))


# ---- PUE


def _pue(carbons: Sequence[View], components: bool) -> Iterator[Sentence]:
    found = [a for c in carbons for a in _of_kind(c, FactorKind.PUE)]
    said = tallied(found, _overhead)
    works = citation(_joined(a["source"] for a in found if a["evidence"] not in (FactorStatus.GIVEN, FactorStatus.ASSUMED)))
    if not said:
        return
    if all(_no_pue(a) for a in found):
        yield ["No PUE was known and none was applied (PUE 1), so operational emissions are a lower bound."]
        return
    bound = "; applied to these components alone, and not to all computing at the site, it gives a lower bound" if components else ""
    yield [f"The PUE was {alternatives(said, len(carbons))}", *works, f"{bound}."]


def _no_pue(factor: View) -> bool:
    return bool(factor["evidence"] == FactorStatus.ASSUMED)


def _overhead(factor: View) -> str:
    kind = (factor["pue_kind"] or "").replace("-", " ")
    status = SUPPLIED if factor["evidence"] == FactorStatus.GIVEN else "not known, none applied" if _no_pue(factor) else ""
    return ranged(factor["value"], factor["low"], factor["high"], kind, str(factor["year"] or ""), status)


# ---- the manufacture of hardware


def _embodied(carbons: Sequence[View]) -> Iterator[Sentence]:
    known = [c for c in carbons if c["embodied_g"] is not None]
    if len(known) < len(carbons):
        yield [f"The embodied emissions of {count(len(carbons) - len(known), 'run')} are not known and are not in the totals."]
    if not known:
        return
    lifetimes = [a for c in known for a in _of_kind(c, FactorKind.LIFETIME)]
    utilisations = [a for c in known for a in _of_kind(c, FactorKind.UTILISATION)]
    life = alternatives(tallied(lifetimes, lambda a: _life(a, "years")), len(known))
    used = alternatives(tallied(utilisations, lambda a: _life(a, "%")), len(known))
    default = any(a["evidence"] != FactorStatus.GIVEN for a in (*lifetimes, *utilisations))
    cites: Sentence = [(WU,), " (the ranges are cited; the central values within them are trainwatt's own)"] if default else []
    yield [
        "Embodied emissions were calculated as the manufacturing footprint of the hardware × the hours for which it was reserved ÷"
        f" (lifetime × 8,760 h × utilisation) × the reserved share of it, with a lifetime of {life} and a utilisation of {used}",
        *cites,
        ".",
    ]  # fmt: skip
    yield from _host_shares(known)
    yield _footprints(known)
    if any(line["class_range"] for c in known for line in c["embodied_lines"]):
        yield [
            "A class value is the value of a whole class of parts, with the range of that class; no figure of the exact model is published."
        ]


def _life(factor: View, unit: str) -> str:
    given = SUPPLIED if factor["evidence"] == FactorStatus.GIVEN else ""
    return ranged(factor["value"], factor["low"], factor["high"], given, unit=unit, scale=100.0 if unit == "%" else 1.0)


def _host_shares(carbons: Sequence[View]) -> Iterator[Sentence]:
    """Which part of the hosts the runs held, where it was not the whole."""
    shares = [_of_kind(c, FactorKind.HOST_SHARE) for c in carbons]
    if all(a["value"] == a["low"] == a["high"] == 1 for found in shares for a in found):
        return
    said = tallied((words for found in shares for words in dict.fromkeys(_share(a) for a in found)), str)
    yield [f"The reserved share of a host is {alternatives(said, len(carbons))}."]


def _share(factor: View) -> str:
    return ranged(factor["value"], factor["low"], factor["high"], *_reasons(factor["host"]), unit="%", scale=100.0)


def _reasons(host: View | None) -> Iterator[str]:
    """How the share of a host is known."""
    if host is None:
        yield SUPPLIED
        return
    if host["virtual_processors"] is not None:
        yield (
            f"a virtual machine of {host['virtual_processors']:g} processors on a host of {LARGEST_HOST_CPUS:g} (low), {USUAL_HOST_CPUS:g}"
            " (central) or no more processors than its own (high)"
        )
    if host["counted"] is not None:
        yield f"{host['held']:g} of {host['of']:g} {'GPUs' if host['counted'] == HostPart.GPUS else 'processors'}"


def _footprints(carbons: Sequence[View]) -> Sentence:
    """Each piece of hardware with the footprint of one unit, its year, status and source; those of one source together."""
    by_source: dict[Cited, dict[str, None]] = {}
    for line in (line for c in carbons for line in c["embodied_lines"]):
        # a row of the user's own table may have a source, or only the path of the file
        own = line["evidence"] == FactorStatus.GIVEN and not has_address(line["source"])
        source = Cited((), (SUPPLIED,)) if own else cited(line["source"])
        by_source.setdefault(source, {})[_piece(line)] = None
    sentence: Sentence = ["These manufacturing footprints of one unit were used: "]
    for i, (source, pieces) in enumerate(by_source.items()):
        remarks = f" ({'; '.join(source.remarks)})" if source.remarks else ""
        sentence += [f"{'; ' if i else ''}{', '.join(pieces)}{remarks}", *citation(source)]
    return [*sentence, "."]


def _piece(line: View) -> str:
    """ "NVIDIA H100 80GB: 164 kg CO2e (143–272; 2025; derived)"."""
    name = line["name"] if is_given(line) else line["row"]
    per = "" if line["unit"] == "device" else f"/{line['unit']}"
    given = line["evidence"] == FactorStatus.GIVEN
    notes = [str(line["year"] or ""), *([] if given else trust(line["evidence"])), *(["class value"] if line["class_range"] else [])]
    return f"{clipped(name)}: " + ranged(
        line["footprint_kg"], line["footprint_low_kg"], line["footprint_high_kg"], *notes, unit=f"kg CO2e{per}"
    )


# ---- next to the grams


def beside(footprints: Sequence[View]) -> Iterator[Sentence]:
    """Figures that are reported next to the grams and are in no total: each where all runs have it."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    market, unseen, cost, water = ([c[name] for c in carbons] for name in ("market_based", "unmeasured", "cost", "water_l"))
    if carbons and all(market):
        at = dict.fromkeys(f"{number(m['intensity_g_per_kwh'])} {UNIT}" for m in market)
        text = f"market-based operational emissions are {_mass(market)}, at {listed(at)} ({SUPPLIED})"
        yield [f"Not included in the totals: {text}", (SCOPE_2,), "."]
    if carbons and all(unseen):
        joules = total(Estimate(u["energy_j"], u["energy_low_j"], u["energy_high_j"]) for u in unseen)
        sources = dict.fromkeys(SUPPLIED if u["status"] == FactorStatus.GIVEN else f"assumed: {u['source']}" for u in unseen)
        what = listed(dict.fromkeys(u["what"] for u in unseen))
        used = f"{format_range(*joules)}, emitting {_mass(unseen)} ({listed(sources)})"
        yield [f"Not measured and not included in the totals: {what} may have used {used}."]
    if carbons and all(litres is not None for litres in water):
        found = [a for c in carbons for a in _of_kind(c, FactorKind.WATER)]
        works = citation(_joined(a["source"] for a in found if a["evidence"] != FactorStatus.GIVEN))
        given = f" ({SUPPLIED})" if any(a["evidence"] == FactorStatus.GIVEN for a in found) else ""
        values = listed(dict.fromkeys(f"{number(a['value'])} {a['unit']}" for a in found)) + given
        yield [f"Water used on site is {significant(sum(water))} L, at {values}", *works, "."]
    if carbons and all(cost) and len({c["currency"] for c in cost}) == 1:
        yield [_money(cost)]


def _money(costs: Sequence[View]) -> str:
    amount, low, high = (sum(c[name] for c in costs) for name in ("amount", "low", "high"))
    prices = listed(dict.fromkeys(number(c["price_per_kwh"]) for c in costs))
    span = "" if low == high else f" ({significant(low)}–{significant(high)})"
    currency = clipped(costs[0]["currency"] or "") or "in the currency of the price"
    least = "at least " if any(c["unpriced_share"] for c in costs) else ""
    return f"The electricity cost {least}{significant(amount)}{span} {currency}, at {prices} per kWh."


def _mass(of: Sequence[View]) -> str:
    return format_co2e(*total(Estimate(o["operational_g"], o["operational_low_g"], o["operational_high_g"]) for o in of))


def _joined(sources: Iterable[str]) -> Cited:
    """The works and remarks of several sources, each once."""
    found = [cited(source) for source in dict.fromkeys(sources)]
    works = dict.fromkeys(work for c in found for work in c.works)
    return Cited(tuple(works), tuple(dict.fromkeys(remark for c in found for remark in c.remarks)))
