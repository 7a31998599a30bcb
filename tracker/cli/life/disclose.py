"""`trainwatt disclose [FILE] --form FORM`: what regulators, journals and model hubs ask for, from the runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rich_click as click

from ...carbon.tables.hardware import table
from ...core.run import Status
from ...errors import ConfigurationError
from ...life.disclosing.disclosure import disclosure
from ...life.footprints import Gathered, gathered
from ...life.plan import Life
from ...life.reading import file_of, life_named
from ...life.whole import whole_life
from ...presentation.disclosure.forms import FORMS, STAGES_OF
from ...presentation.paper.short import short_paragraph
from ...presentation.words.quantities import count
from ..options import db_option
from ..output import echo, require_folder, say
from ..output import whole as whole_file
from ..terms_options import FILE, intensity_option, say_what_is_not_timed, terms_of, terms_options, timed_of

ADDED_ONLY = "No run was measured: all figures were added by hand, from the sources that the file names."


@click.command("disclose")
@click.argument("file", type=FILE, required=False)
@click.option("--project", help="The project whose runs are the life of the model, where no file says more.")
@click.option("--form", "form", type=click.Choice(list(FORMS)), help="The form; `json` has all that the forms are made of.")
@click.option("--output", "-o", metavar="FILE", help="Write it there; else it is printed.")
@click.option("--receipt", "receipt_file", metavar="FILE.zip", help="Write the runs, the factors and the result, for `trainwatt verify`.")
@click.option("--sign", type=FILE, metavar="KEY", help="With --receipt: sign it with an Ed25519 key in a PEM file.")
@terms_options
@intensity_option
@db_option
def command(
    file: Path | None,
    project: str | None,
    form: str | None,
    output: str | None,
    receipt_file: str | None,
    sign: Path | None,
    intensity_csv: Path | None,
    db: str | None,
    **given: Any,
) -> None:
    """Fill in a form about the energy and the emissions of a model.

    FILE is that of `trainwatt life`. What the runs do not tell is listed as missing, with how to supply it, and never invented.
    """
    if form is None and receipt_file is None:
        raise ConfigurationError(f"nothing is asked for: give --form with one of {', '.join(FORMS)}, or --receipt FILE.zip")
    if form is None and output is not None:
        raise ConfigurationError(f"--output {output}: there is no form to write; give --form, or leave it out")
    if sign is not None and receipt_file is None:
        raise ConfigurationError(f"--sign {sign}: only a receipt is signed; give --receipt FILE.zip too")
    for name, option, example in ((output, "-o", "disclosure.json"), (receipt_file, "--receipt", "receipt.zip")):
        if name is not None:
            require_folder(name, example, option)
    terms = terms_of(**given)
    life = life_named(file, project)
    timed = timed_of(life, intensity_csv)
    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if receipt_file is not None:
        from ...life.receipt.making import receipt  # SQLAlchemy takes long to load

        said = say if form is None else lambda _: None  # the form says the same
        made = receipt(file_of(file, project), life, terms, db, made_at, sign, said, timed)
        with whole_file(receipt_file, "--receipt") as target:
            target.write(made)
        say(f"written: {receipt_file}; it has all that is stored of the runs, such as host names and command lines")
    if form is not None:
        runs = gathered(life, terms, db, say, timed=timed)
        say_what_is_not_timed(life, runs)
        _fill(form, life, runs, made_at, output)


def _fill(form: str, life: Life, runs: Gathered, made_at: str, output: str | None) -> None:
    """Fill in a form, and print or write it."""
    of, found, measured, terms = runs
    rows = table(terms.hardware)
    whole = whole_life(life, of, found, measured, terms, rows)
    stages = STAGES_OF.get(form)
    told = [f for f in found if stages is None or of.stages[f["run"]["id"]] in stages]
    method = "".join(part for part in short_paragraph(told) if isinstance(part, str)) if told else ADDED_ONLY
    filled = FORMS[form](disclosure(life, of, found, measured, whole, method, made_at, terms, rows))
    if output is None:
        echo(filled.text)
    else:
        with whole_file(output) as written:
            written.write(f"{filled.text}\n".encode())
        say(f"written: {output}")
    for missing in filled.missing:
        say(f"missing: {missing.what}; {missing.how}")
    if going := sum(f["run"]["status"] == Status.RUNNING for f in found):
        say(f"missing: the rest of {count(going, 'run')} that still {'runs' if going == 1 else 'run'}; make the form again after the end")
    if unstaged := sum(stage is None for stage in of.stages.values()):
        say(f"missing: {count(unstaged, 'run')} without a stage; give --stage when they run, or select them in the file with [[select]]")
