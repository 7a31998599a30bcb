"""`trainwatt compare A B [C…]`: runs, or groups of runs, compared with the first side, and gates."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...analysis.open_store import open_store
from ...analysis.selection import Filters
from ...errors import ConfigurationError
from ...presentation.words.quantities import count
from ..options import db_option, filter_options, json_option
from ..output import echo, require_folder, say, whole
from ..terms_options import terms_of, terms_options

if TYPE_CHECKING:
    from ...analysis.comparing.compared import Compared
    from ...analysis.comparing.gates import Judged
    from ...analysis.comparing.side import Side

FORMATS = ("table", "json", "md")
FAILED, CROSSED, ABSTAINED = 1, 4, 5
MOST_CHARACTERS = 100_000_000
TOO_FEW = "compare takes two sides or more, the first as the baseline: `trainwatt list` shows the ids of runs"


@click.command("compare")
@click.argument("runs", nargs=-1, metavar="[A B C...]")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="GATE",
    help='Exit with 4 if a side exceeds A by more: "energy_per_sample +5%", "energy +2Wh", "duration +10s", "grams +5%".',
)
@click.option("--beyond-error", is_flag=True, help="A gate is crossed only if the whole range of the difference is over its limit.")
@filter_options(several_groups=True)
@click.option("--baseline", metavar="RUN|GROUP|FILE.json", help="What comes first: a run, a group, or a file of --write-baseline.")
@click.option(
    "--write-baseline", metavar="FILE.json", type=click.Path(dir_okay=False), help="Write side A to a file, for another database."
)
@terms_options
@click.option("--per", metavar="UNIT", help="Compare the energy per UNIT only, such as request, in place of all units that were counted.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="table (the default), json or md.")
@json_option
@db_option
def command(
    runs: tuple[str, ...],
    gates: tuple[str, ...],
    beyond_error: bool,
    filters: Filters,
    groups: tuple[str, ...],
    baseline: str | None,
    write_baseline: str | None,
    per: str | None,
    form: str | None,
    as_json: bool,
    db: str | None,
    **given: Any,
) -> None:
    """Compare with the first: energy, grams, time, per unit of work, by device and phase; each difference with its range.

    A side is a run, several runs (A1,A2,A3), or a group (--group base --group new). With several runs a side, the range of a difference has
    the spread between runs and the errors of the sensors, and says whether your change matters. One run a side says only whether two
    measurements differ.

    Name the runs, or select them with --project, --group, --stage, --tag, --since, --status and --limit: those come oldest first,
    after the runs that are named. If the range of a difference contains 0, there is no difference. If both sides used the same device, its
    scale error cancels, else all of it stays. Grams are on the terms that each run recorded, and are compared if these terms are the same;
    --zone and the like put all runs on your terms.

    A gate is checked against the difference itself, or with --beyond-error against its whole range. Exit code 4: a gate is crossed; 1: a
    gate cannot be judged, as where a run has the work of one of several ranks only; 5: a gate abstains, because nothing was measured, or
    because --beyond-error needs several runs a side.
    """
    from ...analysis.comparing.baseline import to_text
    from ...analysis.comparing.choosing import Wanted, chosen, sides_of
    from ...analysis.comparing.comparison import compare
    from ...analysis.comparing.gates import judge, parse_gate

    parsed = [parse_gate(text) for text in gates]
    if beyond_error and not parsed:
        raise ConfigurationError('--beyond-error needs a gate: give one, as in --gate "energy +5%", or leave it out')
    if as_json and form not in (None, "json"):
        raise ConfigurationError(f"--format {form} and --json: each sets the output format; give one of them")
    if write_baseline is not None:
        require_folder(write_baseline, "baseline.json", "--write-baseline")
    terms = terms_of(**given)
    from_file = baseline is not None and baseline.lower().endswith(".json")
    wanted = Wanted(runs, groups, filters, None if from_file else baseline, whole_groups=bool(baseline or write_baseline))
    if wanted.fewest + from_file + (write_baseline is not None) < 2:
        raise ConfigurationError(TOO_FEW)
    sides = [_read(baseline)] if baseline is not None and from_file else []
    store = open_store(db)
    sides += sides_of(store, chosen(store, wanted, say), terms)
    if write_baseline is not None and sides:
        with whole(write_baseline) as file:
            file.write(to_text(sides[0]).encode("utf-8", "replace"))
        say(f"{count(len(sides[0].runs), 'run')} written to {write_baseline}")
    if len(sides) < 2:
        if write_baseline is not None and sides:
            return
        raise ConfigurationError(TOO_FEW)
    found = compare(sides, per)
    judged = [each for gate in parsed for each in judge(gate, found)]
    _print(found, judged, "json" if as_json else form or "table")
    _end(judged, beyond_error)


def _read(path: str) -> Side:
    from ...analysis.comparing.baseline import from_text

    try:
        with open(path, encoding="utf-8") as file:
            return from_text(file.read(MOST_CHARACTERS), path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--baseline {path}: it cannot be read ({error}); write it with --write-baseline") from None


def _end(judged: Sequence[Judged], beyond_error: bool) -> None:
    """End with the exit code of the gates."""
    crossed = [j for j in judged if (j.beyond_error if beyond_error else j.crossed)]
    unproved = [j for j in crossed if beyond_error and j.one_run_each]
    for j in unproved:
        say(f"gate {j.gate.text} abstains for {j.label}: one run each, so --beyond-error is not known; compare several runs a side")
    if len(crossed) > len(unproved):
        sys.exit(CROSSED)
    if any(j.missing and not j.nothing_measured for j in judged):
        sys.exit(FAILED)
    if unproved or any(j.nothing_measured for j in judged):
        sys.exit(ABSTAINED)


def _print(found: list[Compared], judged: list[Judged], form: str) -> None:
    from ...presentation.terminal.comparison import document, page, to_json
    from ...presentation.terminal.run import console

    if form == "json":
        echo(json.dumps(to_json(found, judged), indent=2))
    elif form == "md":
        echo(document(found, judged))
    else:
        console().print(page(found, judged))
