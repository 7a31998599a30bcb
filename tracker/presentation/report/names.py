"""PURE: names that people gave, as elements that fit a page.

A name breaks only after a separator, never within a word. A name that is too long loses its middle: in a sweep, the ends of the names tell
the runs apart. The whole name is then in the element's title.
"""

from __future__ import annotations

import re

from ..words.safe_text import clean
from .elements import Html, el, join

LONGEST = 80
LONGEST_WORD = 24
"""Characters between two separators that still fit the narrowest column of a table."""
_BREAK = Html("<wbr>")
_AFTER_SEPARATOR = re.compile(r"(?<=[/_=,:+])(?=[^\s/_=,:+-])|(?<=-)(?<!\de-)(?=[^\s/_=,:+-])", re.IGNORECASE)
"""Where a name may break. The hyphen of a number, as in "1e-4", is not a separator."""


def breaking(text: str) -> Html:
    """Text that may break after "/", "-", "_" and the like as well as at spaces. Its characters stay as they are."""
    first, *others = _AFTER_SEPARATOR.split(text)
    return join([first, *((_BREAK, part) for part in others)])


def elided(text: str, longest: int) -> str:
    """Text of no more than `longest` characters; "…" replaces a middle that is left out."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end].rstrip()}…{text[len(text) - end :].lstrip()}"


def short_name(text: str, longest: int = LONGEST) -> Html:
    """A name on few lines: no longer than `longest` characters, and no word in it longer than LONGEST_WORD."""
    line = clean(text)
    words = [word for part in re.split(r"(\s+)", line) for word in _AFTER_SEPARATOR.split(part)]
    short = elided("".join(elided(word, LONGEST_WORD) for word in words), longest)
    return el("span", breaking(short), class_="named", title=line if short != line else None)
