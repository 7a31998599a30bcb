"""PURE: small tables for notebooks. The notebook's own style sheet sets their looks. All arguments are text, not HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..words.safe_text import html


def paragraph(text: str, *, strong: bool = False) -> str:
    """A line of text."""
    return f"<p><strong>{html(text)}</strong></p>" if strong else f"<p>{html(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table. The columns named in `right` hold numbers."""
    style = [f' style="text-align:{"right" if name in right else "left"}"' for name in head]
    names = "".join(f'<th scope="col"{of}>{html(name)}</th>' for name, of in zip(head, style, strict=True))
    body = "".join(f"<tr>{''.join(f'<td{of}>{html(cell)}</td>' for cell, of in zip(row, style, strict=True))}</tr>" for row in rows)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
