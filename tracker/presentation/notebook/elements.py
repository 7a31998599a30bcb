"""PURE: small tables for notebooks, which take their looks from the notebook. All that is given is text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def escaped(text: str) -> str:
    """Text as HTML that shows it; control characters, and those that turn the direction of writing, become "�"."""
    seen = ("�" if (unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t") or c in _TURNS else c for c in text)
    from html import escape  # only where there is a notebook: it takes two milliseconds to import

    return escape("".join(seen))


def paragraph(text: str, *, strong: bool = False) -> str:
    """A line of text."""
    return f"<p><strong>{escaped(text)}</strong></p>" if strong else f"<p>{escaped(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table; the columns named in `right` hold numbers."""
    style = [f' style="text-align:{"right" if name in right else "left"}"' for name in head]
    names = "".join(f'<th scope="col"{of}>{escaped(name)}</th>' for name, of in zip(head, style, strict=True))
    body = "".join(f"<tr>{''.join(f'<td{of}>{escaped(cell)}</td>' for cell, of in zip(row, style, strict=True))}</tr>" for row in rows)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
