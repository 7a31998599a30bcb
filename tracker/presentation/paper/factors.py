"""PURE: the sentences of the methods paragraph on factors: PUE and the manufacture of hardware, after those on the grid.

Each factor is cited with its source. A value that the user gave is "supplied by the authors"; an assumed value is called assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...carbon.assumption import FactorKind, FactorStatus, HostPart
from ...carbon.host_share import LARGEST_HOST_CPUS, USUAL_HOST_CPUS
from ..words.carbon import is_given
from ..words.quantities import count, ranged
from ..words.safe_text import clipped
from .bibliography import WU, Cited, cited, has_address
from .grid import grid_intensity
from .prose import SUPPLIED, Sentence, alternatives, citation, factor_text, joined, of_kind, tallied, trust

if TYPE_CHECKING:
    from ...core.contract import AssumptionJson, CarbonJson, EmbodiedLineJson, FootprintJson, HostUseJson


def factors(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """The sentences on all factors of the grams that are known."""
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    if not carbons:
        return
    yield [
        "Operational emissions were calculated as energy × PUE × grid carbon intensity. They are location-based: no offsets and no"
        " purchases of renewable energy were subtracted."
    ]
    yield from grid_intensity(carbons)
    yield from _pue(carbons, components=any(f["energy"]["boundary"] == "components" for f in footprints))
    yield from _embodied(carbons)


# ---- PUE


def overheads(carbons: Sequence[CarbonJson]) -> str:
    """The PUE of each run: "1.1 (supplied by the authors)"."""
    return alternatives(tallied([a for c in carbons for a in of_kind(c, FactorKind.PUE)], _overhead), len(carbons))


def _pue(carbons: Sequence[CarbonJson], components: bool) -> Iterator[Sentence]:
    found = [a for c in carbons for a in of_kind(c, FactorKind.PUE)]
    said = tallied(found, _overhead)
    works = citation(joined(a["source"] for a in found if a["evidence"] not in (FactorStatus.GIVEN, FactorStatus.ASSUMED)))
    if not said:
        return
    if all(_no_pue(a) for a in found):
        yield ["No PUE was known and none was applied (PUE 1), so operational emissions are a lower bound."]
        return
    bound = "; applied to these components alone, and not to all computing at the site, it gives a lower bound" if components else ""
    yield [f"The PUE was {alternatives(said, len(carbons))}", *works, f"{bound}."]


def _no_pue(factor: AssumptionJson) -> bool:
    return bool(factor["evidence"] == FactorStatus.ASSUMED)


def _overhead(factor: AssumptionJson) -> str:
    kind = (factor["pue_kind"] or "").replace("-", " ")
    status = SUPPLIED if factor["evidence"] == FactorStatus.GIVEN else "not known, none applied" if _no_pue(factor) else ""
    return factor_text(factor, kind, str(factor["year"] or ""), status)


# ---- the manufacture of hardware


def _embodied(carbons: Sequence[CarbonJson]) -> Iterator[Sentence]:
    known = [c for c in carbons if c["embodied_g"] is not None]
    if len(known) < len(carbons):
        yield [f"The embodied emissions of {count(len(carbons) - len(known), 'run')} are not known and are not in the totals."]
    if not known:
        return
    lifetimes = [a for c in known for a in of_kind(c, FactorKind.LIFETIME)]
    utilisations = [a for c in known for a in of_kind(c, FactorKind.UTILISATION)]
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


def _life(factor: AssumptionJson, unit: str) -> str:
    given = SUPPLIED if factor["evidence"] == FactorStatus.GIVEN else ""
    return factor_text(factor, given, unit=unit, scale=100.0 if unit == "%" else 1.0)


def _host_shares(carbons: Sequence[CarbonJson]) -> Iterator[Sentence]:
    """Which part of the hosts the runs held, if it was not the whole."""
    shares = [of_kind(c, FactorKind.HOST_SHARE) for c in carbons]
    if all(a["value"] == a["low"] == a["high"] == 1 for found in shares for a in found):
        return
    said = tallied((words for found in shares for words in dict.fromkeys(_share(a) for a in found)), str)
    yield [f"The reserved share of a host is {alternatives(said, len(carbons))}."]


def _share(factor: AssumptionJson) -> str:
    return factor_text(factor, *_reasons(factor["host"]), unit="%", scale=100.0)


def _reasons(host: HostUseJson | None) -> Iterator[str]:
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


def _footprints(carbons: Sequence[CarbonJson]) -> Sentence:
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


def _piece(line: EmbodiedLineJson) -> str:
    """ "NVIDIA H100 80GB: 164 kg CO2e (143–272; 2025; derived)"."""
    name = line["name"] if is_given(line) else line["row"]
    per = "" if line["unit"] == "device" else f"/{line['unit']}"
    given = line["evidence"] == FactorStatus.GIVEN
    notes = [str(line["year"] or ""), *([] if given else trust(line["evidence"])), *(["class value"] if line["class_range"] else [])]
    return f"{clipped(name)}: " + ranged(
        line["footprint_kg"], line["footprint_low_kg"], line["footprint_high_kg"], *notes, unit=f"kg CO2e{per}"
    )
