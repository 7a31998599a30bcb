"""PURE: how the energy of a training is known, in about 100 words, as the Model Documentation Form asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..words.quantities import count, listed
from ..words.safe_text import clipped
from .form import added_to, boundary_of, how_known, is_known

if TYPE_CHECKING:
    from ...core.contract import DisclosedStageJson, DisclosureJson

MOST_NAMED = 2
LONGEST = 24
"""Characters of a source that is named."""


def method_text(of: DisclosureJson, training: DisclosedStageJson) -> str:
    """The method, in 60 to 140 words: a sentence for each thing that it depends on."""
    return " ".join([*_measuring(of, training), *_adding(of), *_boundaries(training)])


def _measuring(of: DisclosureJson, training: DisclosedStageJson) -> Iterator[str]:
    if not training["runs"]:
        yield (
            f"Nothing was measured; {of['software']} computed the figures from what was added by hand, each from the source that is named."
        )
        return
    runs = "1 training run" if training["runs"] == 1 else f"all {count(training['runs'], 'training run')}"
    yield f"{of['software']} recorded {runs}, whatever became of {'it' if training['runs'] == 1 else 'them'}."
    yield (
        "Of each GPU, processor and memory, it reads the energy counter, or the power and integrates it over time; without a sensor, a"
        " model gives the energy from the load."
    )
    if is_known(boundary_of(training, "node")):
        yield f"The energy is {how_known(training)}."
    yield "A device that several runs read at the same time counts once."


def _adding(of: DisclosureJson) -> Iterator[str]:
    added = added_to(of, "training")
    if added:
        named = [f"{clipped(one['name'], LONGEST)} (from {clipped(one['source'], LONGEST)})" for one in added[:MOST_NAMED]]
        more = [f"{len(added) - MOST_NAMED:,} more"] if len(added) > MOST_NAMED else []
        yield f"Added by hand: {listed([*named, *more])}."


def _boundaries(training: DisclosedStageJson) -> Iterator[str]:
    pues = [f"{pue:g}" for pue in training["pues"][:MOST_NAMED]]
    more = len(training["pues"]) - len(pues)
    pue = f"of {listed([*pues, *([f'{more:,} more'] if more else [])])}" if pues else "that is not known and taken as 1"
    yield (
        "Accelerators are the GPUs alone; nodes are all that was measured or modelled of the machines; the site is that times a power"
        f" usage effectiveness {pue}."
    )
    yield "Ranges cover the errors of sensors and models, and the time between readings; ≥ leaves out what is not known."
