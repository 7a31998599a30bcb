"""PURE: the short form of the methods paragraph, for a paper in which two sentences are all that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..._version import __version__
from ...analysis.footprint_totals import by_status, tally
from ..words.carbon import ranges_text
from ..words.quantities import listed, percent, significant
from .bibliography import SOFTWARE, WU
from .factors import overheads
from .grid import intensities, on_basis
from .methods import runs_text, shares_by_way
from .prose import Fragment, Sentence
from .sums import energy_figure, mass_figures

if TYPE_CHECKING:
    from ...core.contract import FootprintJson


def short_paragraph(footprints: Sequence[FootprintJson]) -> list[Fragment]:
    """Two sentences: what was used and emitted, and by which factors. `footprints` must not be empty."""
    parts: list[Fragment] = []
    for sentence in (_used(footprints), *_by(footprints)):
        parts += [*([" "] if parts else []), *sentence]
    return parts


def _used(footprints: Sequence[FootprintJson]) -> Sentence:
    whole = tally(footprints)
    time = f"{significant(whole.gpu_hours)} GPU hours" if whole.gpu_hours else f"{significant(whole.hours)} run hours"
    who = f"{runs_text(footprints, by_status(footprints))}, {time}"
    cited: Sentence = [f" (trainwatt {__version__}", (SOFTWARE,), ")"]
    if whole.energy is None:
        return [f"The energy use of {who}, is not known", *cited, "."]
    ways = listed(f"{percent(share)} {word}" for word, share in shares_by_way(footprints).items())
    text = f"The energy use of {who}, was {energy_figure(whole, whole).prose()}{f', {ways}' if ways else ''}"
    if whole.total is None:
        return [text, *cited, "; the emissions are not known."]
    operational, embodied, total = mass_figures(whole)
    made = f"{embodied.prose()} embodied" if whole.embodied else "embodied emissions are not known"
    return [
        text,
        *cited,
        f", and the emissions were {total.prose('CO2e')}{on_basis(footprints)}: {operational.prose()} operational, {made}.",
    ]


def _by(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    if not carbons:
        return
    meanings = "; ".join(dict.fromkeys(ranges_text(c["ranges"]) for c in carbons))
    made: Sentence = (
        [", embodied ones the making of the hardware over its life", (WU,)] if any(c["embodied_lines"] for c in carbons) else []
    )
    yield [
        "Operational emissions are location-based, at ",
        *intensities(carbons),
        f" and a PUE of {overheads(carbons)}",
        *made,
        f"; {meanings}.",
    ]
