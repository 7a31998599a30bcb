"""The intensities over time that a user gives for the runs of a life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ...errors import ConfigurationError
from ..output import say
from ..terms_options import FILE, say_unused, with_series

if TYPE_CHECKING:
    from ...carbon.series import Series, Span
    from ...carbon.terms import Terms
    from ...life.footprints import Gathered, Timed
    from ...life.plan import Life

intensity_option = click.option("--intensity-csv", type=FILE, metavar="FILE", help="A series: start,end,intensity_g_per_kwh.")


def timed_of(life: Life, intensity_csv: Path | None) -> Timed | None:
    """What adds the series of a file to terms. It is read once, also from a pipe. Raises ConfigurationError for a life without runs."""
    if intensity_csv is None:
        return None
    if not life.has_runs:
        raise ConfigurationError(
            f"--intensity-csv {intensity_csv}: no run belongs to this life, and the hours of what was added by hand are not known; give"
            " --intensity"
        )
    known: list[tuple[Series, ...]] = []

    def timed(terms: Terms, spans: Sequence[Span]) -> Terms:
        if not known:
            known.append(with_series(terms, spans, intensity_csv=intensity_csv).series)
        return replace(terms, series=known[0])

    return timed


def say_what_is_not_timed(life: Life, runs: Gathered) -> None:
    """Say on stderr for which runs the series has no value, and that nothing else has hours."""
    for f in (*runs.found, *runs.measured):
        say_unused(runs.terms, f["run"]["id"], f["carbon"])
    if runs.terms.series and (life.added or (life.inference is not None and not life.inference.runs)):
        say("--intensity-csv is for runs; what was added by hand or is planned has no hours, and keeps the intensity of its own terms")
