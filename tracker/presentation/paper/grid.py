"""PURE: the sentences of the methods paragraph on the grid's intensity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...carbon.assumption import FactorStatus
from ..words.quantities import count, listed, number, percent, ranged
from ..words.safe_text import clipped
from .bibliography import SERVICES, cited
from .prose import UNIT, Sentence, citation, factor_text, trust

if TYPE_CHECKING:
    from ...core.contract import AssumptionJson, CarbonJson, FootprintJson, GridUseJson, SeriesUseJson

_BASES = {"lifecycle": "life-cycle basis", "direct": "direct basis"}


class _Use(NamedTuple):
    """An intensity that a footprint was calculated with."""

    factor: AssumptionJson
    grid: GridUseJson
    carbon: CarbonJson


class _Intensity(NamedTuple):
    """What distinguishes two intensities. `value` is None for values over time, whose mean differs from run to run."""

    value: float | None
    words: str


def intensities(carbons: Sequence[CarbonJson]) -> Sentence:
    """Each intensity that was used: its place, range, basis, year and source, and the number of runs. Empty if there is none."""
    uses: dict[_Intensity, list[_Use]] = {}
    for use in _uses(carbons):
        uses.setdefault(_intensity(use, alone=len(carbons) == 1), []).append(use)
    words: Sentence = []
    for intensity, found in uses.items():
        of_runs = "" if len(found) == len(carbons) else f" for {count(len(found), 'run')}"
        text = _over_time(intensity.words, found) if intensity.value is None else factor_text(found[0].factor, intensity.words, unit=UNIT)
        words += [f"{'; ' if words else ''}{text}{of_runs}", *_grid_works(found[0])]
    return words


def grid_intensity(carbons: Sequence[CarbonJson]) -> Iterator[Sentence]:
    """The intensities that were used, and what their ranges say."""
    if words := intensities(carbons):
        yield ["The grid intensity was ", *words, "."]
    everything = list(_uses(carbons))
    if any(use.factor["evidence"] == FactorStatus.ASSUMED and use.grid["zone"] is None for use in everything):
        yield ["The world average was assumed because no zone was recorded; its range spans the grids of the world's countries."]
    if any(use.grid.get("derived_from") for use in everything):
        yield [
            "Where only an intensity on the other basis is published, it was converted for any mix of fuels, from the medians of IPCC AR5"
            " (WG III, Annex III); the range spans the mixes."
        ]
    ranges = [use for use in everything if use.factor["evidence"] != FactorStatus.ASSUMED and use.factor["low"] != use.factor["high"]]
    if any(not use.grid["by_the_hour"] for use in ranges):
        yield [
            "The range of a yearly zone average allows for the hours, the place and the year of a run; it is set so that it holds at least"
            " 19 in 20 of the averages of 2025 that are published for the same zones."
        ]
    if any(use.grid["by_the_hour"] for use in ranges):
        yield ["The range of values over time, 1.15 times (estimated values: 1.5 times) above and below, is a judgement."]
    if mixed_bases(carbons):
        yield [
            "The totals add life-cycle and direct emissions of electricity, which differ in scope and are not comparable with one another."
        ]


def mixed_bases(carbons: Iterable[CarbonJson]) -> bool:
    """Whether grams on a life-cycle basis would be added to grams on a direct one."""
    return len({use.grid["basis"] for use in _uses(carbons) if use.grid["basis"] is not None}) > 1


def on_basis(footprints: Sequence[FootprintJson]) -> str:
    """ " on a life-cycle basis" where all grams of electricity have it; "" where they have none or not the same."""
    found = {f["carbon"]["intensity_basis"] for f in footprints if f["carbon"]}
    basis = _BASES.get(found.pop() or "", "") if len(found) == 1 else ""
    return f" on a {basis}" if basis else ""


def _uses(carbons: Iterable[CarbonJson]) -> Iterator[_Use]:
    for carbon in carbons:
        for factor in carbon["assumptions"]:
            if factor["grid"] is not None:
                yield _Use(factor, factor["grid"], carbon)


def _intensity(use: _Use, alone: bool) -> _Intensity:
    """ "France (FR), life-cycle basis, 2024", or "values over time from Electricity Maps API, weighted by energy, life-cycle basis"."""
    factor, grid = use.factor, use.grid
    basis = _BASES.get(grid["basis"] or "", "")
    derived_from = _BASES.get(grid.get("derived_from") or "")
    basis += f", derived from the {derived_from}" if derived_from else ""
    if grid["by_the_hour"]:
        sources = listed(_series_name(series) for series in grid["series"])
        return _Intensity(None, ", ".join(t for t in (f"values over time from {sources}", "weighted by energy", basis) if t))
    place = f"{grid['place']} ({clipped(grid['zone'])})" if grid["place"] and grid["zone"] else grid["place"] or ""
    share = "" if grid["energy_share"] is None else f"for {percent(grid['energy_share'])} of the energy"
    if share and not alone:
        share = "for times without a value in the series"
    parts = (place, basis, str(factor["year"] or ""), *trust(factor["evidence"]), share)
    return _Intensity(factor["value"], ", ".join(part for part in parts if part))


def _series_name(series: SeriesUseJson) -> str:
    """A provider's title, or the name of the authors' file without its folder."""
    if series["from_provider"]:
        return SERVICES[series["name"]].field("title") if series["name"] in SERVICES else clipped(series["name"])
    return f"the authors' file “{clipped(series['name'].rpartition('/')[2])}”"


def _over_time(words: str, uses: Sequence[_Use]) -> str:
    """ "285.5 g CO2e/kWh (242.8–371; values over time from …; estimates of the provider for 50 % of the energy)"."""
    shares = [use.grid["estimated_share"] for use in uses]
    least, most = percent(min(shares)), percent(max(shares))
    span = most if least == most else f"{least} to {most}"
    estimated = f"estimated values for {span} of the energy" if max(shares) > 0 else ""
    means = [use.carbon["intensity_g_per_kwh"] for use in uses]
    if len(set(means)) == 1:
        carbon = uses[0].carbon
        return ranged(means[0], carbon["intensity_low_g_per_kwh"], carbon["intensity_high_g_per_kwh"], words, estimated, unit=UNIT)
    notes = "; ".join(note for note in ("means of runs", words, estimated) if note)
    return f"{number(min(means))}–{number(max(means))} {UNIT} ({notes})"


def _grid_works(use: _Use) -> Sentence:
    if use.grid["by_the_hour"]:
        works = tuple(SERVICES[s["name"]] for s in use.grid["series"] if s["from_provider"] and s["name"] in SERVICES)
        return [works] if works else []
    return [] if use.factor["evidence"] == FactorStatus.GIVEN else citation(cited(use.factor["source"]))
