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
VERY_NARROW = 72
"""In fewer columns, the two parts of the grams are left out, so that no name is cut."""
LEFT_OUT = "A wider terminal, or --format md, has operational and embodied grams too."


def life_page(life: LifeJson, width: int) -> RenderableType:
    """The headline, a table with a range below each figure, and what they mean, for a terminal of `width` columns."""
    life = cleaned(life)
    shown = [n for n, name in enumerate(HEAD) if width >= VERY_NARROW or name not in ("operational", "embodied")]
    table = plain_table(*(HEAD[n] for n in shown), right=HEAD[1:])
    table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
    table.padding = (0, 2 if width >= NARROW else 1, 0, 0)
    for row in rows(life):
        *figures, share = row.cells
        name = Cell("  " * row.depth + row.name, row.about and "  " * row.depth + row.about)
        cells = [name, *figures, share if width >= NARROW else share._replace(bounds="")]
        table.add_row(*(_cell(cells[n]) for n in shown), style="dim" if row.depth else "")
    below = [*notes(life), *([] if width >= VERY_NARROW else [LEFT_OUT])]
    return Group(Text(title(life), style="bold"), Text(), table, Text(), *(Text(note) for note in below))


def _cell(cell: Cell) -> Text:
    return Text.assemble(cell.value, ("\n" + cell.bounds if cell.bounds else "", "dim"))
