"""PURE: the sentences of the methods paragraph on the results: the sums, and what they are per unit of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...analysis.footprint_totals import tally
from ...analysis.work.units import work_partial
from ...core.run import Status
from ...core.work import FLOPS, PREFERRED, counted, singular
from ..words.carbon import ranges_text
from ..words.masses import format_co2e
from ..words.quantities import amount, format_energy
from .bibliography import SCI
from .grid import on_basis
from .prose import Sentence
from .sums import energy_figure, mass_figures

if TYPE_CHECKING:
    from ...core.contract import FootprintJson

NOT_WHOLE = [status.value for status in Status if status not in (Status.COMPLETED, Status.RUNNING)]


def results(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    whole = tally(footprints)
    if whole.energy is None:
        return
    text = f"In total, {'the run' if whole.runs == 1 else 'the runs'} used {energy_figure(whole, whole).prose()}"
    if whole.total is None:
        yield [f"{text} of electricity."]
        return
    operational, embodied, total = mass_figures(whole)
    parts = f"{operational.prose()} operational"
    parts += f" and {embodied.prose()} embodied" if whole.embodied else "; embodied emissions are not known"
    yield [f"{text} of electricity and emitted {total.prose('CO2e')}{on_basis(footprints)}: {parts}."]
    yield [
        "Ranges of emissions combine the lower values of all factors and the upper values of all factors, and are summed over the runs;"
        " they are bounds, not confidence intervals."
    ]
    meanings = dict.fromkeys(ranges_text(f["carbon"]["ranges"]) for f in footprints if f["carbon"] is not None)
    for text in meanings:
        yield [f"{text.capitalize()}."]


def per_unit(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """Per unit of work, if every run with known grams counted the same unit, in all ranks of its job. It includes the energy and grams of
    all these runs. If they counted several, it is the one that most figures are of: what the user asks for, else samples, else tokens."""
    known = [f for f in footprints if f["carbon"] is not None]
    ended = [f for f in known if f["work"] or f["run"]["status"] not in NOT_WHOLE]  # those may have ended before any work
    first = dict.fromkeys(unit for f in ended if (unit := f.get("unit")) is not None)
    wanted = (*first, *PREFERRED, *sorted({unit for f in ended for unit in f["work"]}))
    common = [u for u in wanted if ended and singular(u) != singular(FLOPS) and all(counted(f["work"], u) for f in ended)]
    unit = next(iter(common), None)
    whole = tally(known)
    if unit is None or whole.energy is None or whole.total is None or any(work_partial(f["run"]) for f in known):
        return
    done = sum(counted(f["work"], unit) for f in known)
    each = whole.total.times(1 / done)
    energy = format_energy(whole.energy.central / done)
    every = tally(footprints)
    least_j, least_g = ("at least " if is_least else "" for is_least in (every.energy_is_least, every.grams_are_least))
    sentence = f"Per {singular(unit)}, over {amount(done, unit)}, this is {least_j}{energy} and {least_g}{format_co2e(*each)}"
    if whole.embodied_unknown:
        yield [f"{sentence}, {'some of it ' if whole.embodied else ''}without embodied emissions."]
    else:
        yield [f"{sentence}: a Software Carbon Intensity", (SCI,), ", except that its embodied part is divided by the utilisation."]
