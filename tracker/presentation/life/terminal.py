"""PURE: a life as `trainwatt life` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ..terminal.run import plain_table
from ..words.safe_text import cleaned
from .rows import HEAD, Cell, notes, rows, title

if TYPE_CHECKING:
    from ...core.contract import LifeJson


NARROW = 90
"""In fewer columns, shares have no ranges, so that no figure is cut."""


def life_page(life: LifeJson, width: int) -> RenderableType:
    """The headline, a table with a range below each figure, and what they mean, for a terminal of `width` columns."""
    life = cleaned(life)
    table = plain_table(*HEAD, right=HEAD[1:])
    table.columns[0].no_wrap = False
    table.padding = (0, 2 if width >= NARROW else 1, 0, 0)
    for row in rows(life):
        *figures, share = row.cells
        shown = [*figures, share if width >= NARROW else share._replace(bounds="")]
        name = Cell("  " * row.depth + row.name, row.about and "  " * row.depth + row.about)
        table.add_row(*map(_cell, (name, *shown)), style="dim" if row.depth else "")
    return Group(Text(title(life), style="bold"), Text(), table, Text(), *(Text(note) for note in notes(life)))


def _cell(cell: Cell) -> Text:
    return Text.assemble(cell.value, ("\n" + cell.bounds if cell.bounds else "", "dim"))
