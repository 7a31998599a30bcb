"""`trainwatt disclose [FILE] --form FORM`: what regulators, journals and model hubs ask for, from the runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rich_click as click

from ...carbon.tables.hardware import table
from ...life.disclosing import disclosure
from ...life.footprints import gathered
from ...life.reading import life_named
from ...life.whole import whole_life
from ...presentation.disclosure.forms import FORMS
from ...presentation.paper.short import short_paragraph
from ..options import db_option
from ..output import echo, require_folder, say
from ..output import whole as whole_file
from ..terms_options import FILE, terms_of, terms_options

ADDED_ONLY = "No run was measured: all figures were added by hand, from the sources that the file names."


@click.command("disclose")
@click.argument("file", type=FILE, required=False)
@click.option("--project", help="The project whose runs are the life of the model, where no file says more.")
@click.option("--form", "form", type=click.Choice(list(FORMS)), required=True, help="The form; `json` has all that the forms are made of.")
@click.option("--output", "-o", metavar="FILE", help="Write it there; else it is printed.")
@terms_options
@db_option
def command(file: Path | None, project: str | None, form: str, output: str | None, db: str | None, **given: Any) -> None:
    """Fill in a form about the energy and the emissions of a model.

    FILE is that of `trainwatt life`. What the runs do not tell is listed as missing, with how to supply it, and never invented.
    """
    if output is not None:
        require_folder(output, "disclosure.json")
    terms = terms_of(**given)
    life = life_named(file, project)
    rows = table(terms.hardware)
    of, found, measured = gathered(life, terms, db, say)
    whole = whole_life(life, of, found, measured, terms, rows)
    method = "".join(part for part in short_paragraph(found) if isinstance(part, str)) if found else ADDED_ONLY
    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    filled = FORMS[form](disclosure(life, of, found, whole, method, made_at, terms, rows))
    if output is None:
        echo(filled.text)
    else:
        with whole_file(output) as written:
            written.write(f"{filled.text}\n".encode())
        say(f"written: {output}")
    for missing in filled.missing:
        say(f"missing: {missing.what}; {missing.how}")
