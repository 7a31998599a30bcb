"""PURE: elements of HTML and SVG. A string is always text and is escaped; only the functions of this file return markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..words.safe_text import html

_VOID = frozenset(("meta", "br", "link", "rect", "line", "path"))
_SVG = frozenset(("rect", "line", "path"))
_CASED = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio", "patternunits": "patternUnits"}
_ADDRESS = re.compile(r"https?://[^\s,;()<>\"'{}\\]+")


class Html(str):
    """Markup. Any other string is text."""

    __slots__ = ()


Child = str | Html | None | Iterable["Child"]


def join(children: Iterable[Child]) -> Html:
    """Children one after the other. Strings are escaped, and None is left out."""
    return Html("".join(_child(c) for c in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return html(child, quote=False)
    return join(child)


def el(name: str, /, *children: Child, **attributes: object) -> Html:
    """An element. `class_` is the attribute class, and `aria_label` is aria-label. None and False leave an attribute out; True writes it
    without a value."""
    said = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    if name in _VOID:
        return Html(f"<{name}{said}{'/' if name in _SVG else ''}>")
    return Html(f"<{name}{said}>{join(children)}</{name}>")


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    name = _CASED.get(name, name)
    return f" {name}" if value is True else f' {name}="{html(str(value))}"'


def linked(text: str) -> Html:
    """Text with its web addresses as links."""
    parts: list[Child] = []
    at = 0
    for found in _ADDRESS.finditer(text):
        url = found[0].rstrip(".:")
        parts += [text[at : found.start()], el("a", url, href=url, rel="noreferrer noopener")]
        at = found.start() + len(url)
    return join([*parts, text[at:]])


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Child]],
    right: Iterable[int] = (),
    caption: str | None = None,
    at: Sequence[str] | None = None,
    cards: bool = False,
) -> Html:
    """A table whose first column names its rows; the columns of `right` are numbers.

    `at`: the place of each row in its chart, 0 to 1. `cards`: on a narrow screen each row is shown as a block, its figures below each
    other with the heads of their columns.
    """
    numbers = frozenset(right)
    kind = ["n" if i in numbers else None for i in range(len(head))]
    body = [
        el(
            "tr",
            *(
                el("td", cell, class_=kind[i], data_head=head[i] if cards else None) if i else el("th", cell, class_=kind[i], scope="row")
                for i, cell in enumerate(row)
            ),
            data_at=None if at is None else at[number],
        )
        for number, row in enumerate(rows)
    ]
    return el(
        "div",
        el(
            "table",
            el("caption", caption) if caption else None,
            el("thead", el("tr", *(el("th", name, class_=kind[i], scope="col") for i, name in enumerate(head)))),
            el("tbody", body),
        ),
        class_="scroll cards" if cards else "scroll" if at is None else "scroll long",
        tabindex="0",
        role="region",
        aria_label=f"Table: {caption or ', '.join(head)}",
    )


def quantity(value: str, more: str = "") -> Html:
    """A figure and what belongs to it, such as its range or its unit of work. In a table of `cards`, `more` has a line of its own."""
    return el("span", value, [" ", el("span", more, class_="more")] if more else None, class_="quantity")


def ranged(value: str, bounds: str) -> Html:
    """A figure and its range, such as "1.84 kWh" and "1.79–1.90", as a quantity with the range in brackets."""
    return quantity(value, f"({bounds})" if bounds else "")


def details(summary: str, *children: Child, **attributes: object) -> Html:
    """Content that is hidden until the reader opens it."""
    return el("details", el("summary", summary), *children, **attributes)
