"""`trainwatt life [FILE]`: what a model has cost over the stages of its life."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ...analysis.open_store import open_store
from ...carbon.tables.hardware import table
from ...carbon.terms import Terms
from ...errors import ConfigurationError
from ...life.choosing import Chosen, chosen
from ...life.footprints import footprints_of, named
from ...life.plan import Life
from ...life.reading import read_life
from ...life.whole import whole_life
from ...presentation.life.markdown import life_markdown
from ...presentation.life.terminal import life_page
from ...presentation.terminal.run import console
from ..options import db_option, json_option
from ..output import echo, say
from ..terms_options import FILE, terms_of, terms_options

if TYPE_CHECKING:
    from ...core.contract import FootprintJson

USUAL = Path("life.toml")


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
    of, found, measured = _runs(life, terms, db) if life.has_runs else (Chosen({}, frozenset()), [], [])
    whole = whole_life(life, of, found, measured, terms, table(terms.hardware))
    if as_json:
        echo(json.dumps(whole, indent=2))
    elif form == "md":
        echo(life_markdown(whole))
    else:
        out = console()
        out.print(life_page(whole, out.width))


def _runs(life: Life, terms: Terms, db: str | None) -> tuple[Chosen, list[FootprintJson], list[FootprintJson]]:
    """The runs of a life with their stages, their footprints, and those of the runs that tell what a unit of inference takes."""
    store = open_store(db)
    of = chosen(store, life)
    found = footprints_of(store, of.stages, terms, say)
    return of, found, [] if life.inference is None else footprints_of(store, named(store, life.inference.runs), terms, say)


def life_named(file: Path | None, project: str | None) -> Life:
    """The life that a file describes, or that the runs of a project are. Raises ConfigurationError."""
    if file is None and project is None and USUAL.is_file():
        file = USUAL
    if file is not None and project is not None:
        raise ConfigurationError(f"{file} and --project {project}: each says which runs these are; put project = {project!r} below [model]")
    if file is not None:
        return read_life(file)
    if project is None:
        raise ConfigurationError("no model is named: give --project, or a file such as life.toml (docs/life.md has an example)")
    return Life(name=project, project=project, final=(), selections=(), added=(), inference=None)
