"""PURE: a life as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..words.safe_text import markdown
from .rows import HEAD, notes, rows, title

if TYPE_CHECKING:
    from ...core.contract import LifeJson


def life_markdown(life: LifeJson) -> str:
    """The headline, a table with each figure and its range, and what they mean."""
    lines = [HEAD, ("---",) * len(HEAD)]
    for row in rows(life):
        cells = (f"{cell.value} ({cell.bounds})" if cell.bounds else cell.value for cell in row.cells)
        name = f"{'– ' if row.depth else ''}{row.name}{f' ({row.about})' if row.about else ''}"
        lines.append(tuple(map(markdown, (name, *cells))))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([f"**{markdown(title(life))}**", table, "\n".join(f"- {markdown(note)}" for note in notes(life))])
