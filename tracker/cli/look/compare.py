"""`trainwatt compare A B [C…]`: runs compared with the first one, and gates."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...analysis.open_store import open_store
from ...analysis.selection import Filters, selected
from ...carbon.terms import Terms
from ...errors import ConfigurationError
from ..options import db_option, filter_options, json_option
from ..output import echo
from ..terms_options import terms_of, terms_options

if TYPE_CHECKING:
    from ...analysis.compared import Compared
    from ...analysis.gates import Judged
    from ...storage.read.store import Store

FORMATS = ("table", "json", "md")
FAILED, CROSSED = 1, 4
TOO_FEW = "compare takes two runs or more, the first as the baseline: `trainwatt list` shows their ids"


@click.command("compare")
@click.argument("runs", nargs=-1, metavar="[A B C...]")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="GATE",
    help='Exit with 4 if a run exceeds A by more: "energy_per_sample +5%", "energy +2Wh", "duration +10s", "grams +5%".',
)
@click.option("--beyond-error", is_flag=True, help="A gate is crossed only if the whole range of the difference is over its limit.")
@filter_options()
@terms_options
@click.option("--format", "form", type=click.Choice(FORMATS), help="table (the default), json or md.")
@json_option
@db_option
def command(
    runs: tuple[str, ...],
    gates: tuple[str, ...],
    beyond_error: bool,
    filters: Filters,
    form: str | None,
    as_json: bool,
    db: str | None,
    **given: Any,
) -> None:
    """Compare runs with the first: energy, grams, time, per unit of work, by device and phase; each difference with its range.

    Name the runs, or select them with --project, --group, --since, --status and --limit: those come oldest first, after the runs that are
    named. If the range of a difference contains 0, there is no difference. If both runs used the same device, its scale error cancels, else
    all of it stays. Grams are on the terms that each run recorded, and are compared if these terms are the same; --zone and the like put
    all runs on your terms. A gate is checked against the difference itself, or with --beyond-error against its whole range. Exit code 4:
    a gate is crossed; 1: a gate cannot be judged, as where a run has the work of one of several ranks only.
    """
    from ...analysis.gates import judge, parse_gate

    parsed = [parse_gate(text) for text in gates]
    if beyond_error and not parsed:
        raise ConfigurationError('--beyond-error needs a gate: give one, as in --gate "energy +5%", or leave it out')
    if as_json and form not in (None, "json"):
        raise ConfigurationError(f"--format {form} and --json: each sets the output format; give one of them")
    if len(runs) < 2 and not filters:
        raise ConfigurationError(TOO_FEW)
    terms = terms_of(**given)
    store = open_store(db)
    ids = selected(store, runs, filters, oldest_first=True)
    if len(ids) < 2:
        raise ConfigurationError(TOO_FEW)
    found = _compared(store, ids, terms)
    judged = [each for gate in parsed for each in judge(gate, found)]
    _print(found, judged, "json" if as_json else form or "table")
    if any(j.beyond_error if beyond_error else j.crossed for j in judged):
        sys.exit(CROSSED)
    if any(j.missing for j in judged):
        sys.exit(FAILED)


def _compared(store: Store, ids: Sequence[str], terms: Terms) -> list[Compared]:
    from ...analysis.comparison import compare
    from ...analysis.footprint import view_of

    stored = {run_id: store.load(run_id) for run_id in dict.fromkeys(ids)}
    views = {run_id: view_of(store, run, terms) for run_id, run in stored.items()}
    return compare([(stored[run_id], views[run_id]) for run_id in ids])


def _print(found: list[Compared], judged: list[Judged], form: str) -> None:
    from ...presentation.terminal.comparison import document, page, to_json
    from ...presentation.terminal.run import console

    if form == "json":
        echo(json.dumps(to_json(found, judged), indent=2))
    elif form == "md":
        echo(document(found, judged))
    else:
        console().print(page(found, judged))
