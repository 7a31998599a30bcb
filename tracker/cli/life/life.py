"""`trainwatt life [FILE]`: what a model has cost over the stages of its life."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click

from ...carbon.tables.hardware import table
from ...life.footprints import gathered
from ...life.reading import life_named
from ...life.whole import whole_life
from ...presentation.life.markdown import life_markdown
from ...presentation.life.terminal import life_page
from ...presentation.terminal.run import console
from ..options import db_option, json_option
from ..output import echo, say
from ..terms_options import FILE, terms_of, terms_options


@click.command("life")
@click.argument("file", type=FILE, required=False)
@click.option("--project", help="The project whose runs are the life of the model, where no file says more.")
@terms_options
@click.option("--format", "form", type=click.Choice(("table", "md")), default="table", show_default=True, help="`md` is Markdown.")
@json_option
@db_option
def command(file: Path | None, project: str | None, form: str, as_json: bool, db: str | None, **given: Any) -> None:
    """Show what a model has cost from its data to its inference: energy and grams by stage, each with its range.

    FILE selects the runs of each stage and adds what was not measured; by default it is `life.toml`, if that is there. Without one, the
    runs of --project count in the stages that they have recorded.
    """
    terms = terms_of(**given)
    life = life_named(file, project)
    of, found, measured = gathered(life, terms, db, say)
    whole = whole_life(life, of, found, measured, terms, table(terms.hardware))
    if as_json:
        echo(json.dumps(whole, indent=2))
    elif form == "md":
        echo(life_markdown(whole))
    else:
        out = console()
        out.print(life_page(whole, out.width))
