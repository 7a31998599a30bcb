"""`trainwatt life [FILE]`: what a model has cost over the stages of its life."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...carbon.tables.hardware import table
from ...errors import ConfigurationError
from ...life.footprints import gathered
from ...life.reading import life_named
from ...life.whole import whole_life
from ...presentation.life.markdown import life_markdown
from ...presentation.life.terminal import life_page
from ...presentation.terminal.run import console
from ...presentation.words.safe_text import clipped
from ..options import db_option, json_option
from ..output import echo, form_of, require_folder, say
from ..output import whole as complete
from ..terms_options import FILE, intensity_option, say_what_is_not_timed, terms_of, terms_options, timed_of

if TYPE_CHECKING:
    from ...core.contract import LifeJson

FORMATS = ("table", "md", "html", "json")


@click.command("life")
@click.argument("file", type=FILE, required=False)
@click.option("--project", help="The project whose runs are the life of the model, where no file says more.")
@terms_options
@intensity_option
@click.option("--format", "form", type=click.Choice(FORMATS), help="table (the default), md, html or json.")
@click.option("--output", "-o", metavar="FILE", help="Write it there; the format is what FILE ends with. HTML needs a file.")
@json_option
@db_option
def command(
    file: Path | None,
    project: str | None,
    form: str | None,
    output: str | None,
    intensity_csv: Path | None,
    as_json: bool,
    db: str | None,
    **given: Any,
) -> None:
    """Show what a model has cost from its data to its inference: energy and grams by stage, each with its range.

    FILE selects the runs of each stage and adds what was not measured; by default it is `life.toml`, if that is there. Without one, the
    runs of --project count in the stages that they have recorded.
    """
    form = _form(form, output, as_json)
    if output is not None and output != "-":
        require_folder(output, "life.html")
    terms = terms_of(**given)
    life = life_named(file, project)
    runs = gathered(life, terms, db, say, timed=timed_of(life, intensity_csv))
    say_what_is_not_timed(life, runs)
    whole = whole_life(life, runs.of, runs.found, runs.measured, runs.terms, table(terms.hardware))
    text = _text(whole, form)
    if output is None:
        echo(text) if text is not None else _print(whole)
        return
    with complete(output) as target:
        target.write((text or "").encode("utf-8", "replace"))
    if output != "-":
        echo(output)


def _form(form: str | None, output: str | None, as_json: bool) -> str:
    """The format. Raises ConfigurationError for options that contradict each other."""
    if as_json and form not in (None, "json"):
        raise ConfigurationError(f"--format {form} and --json: each sets the output format; give one of them")
    found = "json" if as_json else form or (form_of(output, FORMATS[1:], "html") if output is not None else FORMATS[0])
    if found == "html" and output is None:
        raise ConfigurationError("--format html: a page is written to a file; give -o life.html, or -o - for stdout")
    if found == "table" and output is not None:
        raise ConfigurationError(f"--format table with -o {output}: a table is for a terminal; give md, html or json")
    return found


def _text(whole: LifeJson, form: str) -> str | None:
    """The whole text; None for the table."""
    if form == "json":
        return json.dumps(whole, indent=2)
    if form == "md":
        return life_markdown(whole)
    if form == "html":
        from ...presentation.life.section import life_section
        from ...presentation.report.elements import el
        from ...presentation.report.page import document

        return document(
            f"The life of {clipped(whole['name'])}", [el("main", life_section(whole))], datetime.now(UTC).isoformat(timespec="seconds")
        )
    return None


def _print(whole: LifeJson) -> None:
    out = console()
    out.print(life_page(whole, out.width))
