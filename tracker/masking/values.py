"""PURE: where a value begins and ends in a text. It may be quoted, in brackets, or end at a blank. Each character is looked at once."""

from __future__ import annotations

import re

_BEFORE = re.compile(r"(?:[bruf]{1,2}(?=[\"']))?", re.IGNORECASE)
_QUOTE = re.compile(r'"""|\'\'\'|\\*["\'`]')
_BARE = re.compile(
    r"""(?:[^\s"'`,;:&|)\]}<\\]|\\.|<(?!/)|:(?!\s|$)
        |[,;&|)\]}]++(?![\s"'`<]|$|[\w.-]{1,80}\s?[=:])  # a password may have these; but not before what looks like the next name
        |["'`](?![\s,;:.)\]}&|]|$)
    )++""",
    re.VERBOSE | re.DOTALL,
)
_UNTIL = {quote: re.compile(rf"(?:[^{quote}\\]|\\.)*+", re.DOTALL) for quote in "\"'`"}
_CLOSERS = {"[": "]", "(": ")", "{": "}"}
_LINE = re.compile(r"(?:[^\n\r\"'`\\]|\\[^n\"'`]|[\"'`](?![\s,;:)\]}]|$))*+")


def end_of(text: str, start: int) -> tuple[int, int]:
    """The value at `start`: where it begins, after its opening quote, and where it ends, before its closing one."""
    start = _BEFORE.match(text, start).end()  # type: ignore[union-attr]
    quote = _QUOTE.match(text, start)
    if quote is not None:
        return _quoted(text, quote[0], quote.end())
    if text[start : start + 1] in _CLOSERS:
        end = _bracketed(text, start)
        bare = _BARE.match(text, end)
        return start, end if bare is None else bare.end()
    bare = _BARE.match(text, start)
    return start, start if bare is None else bare.end()


def rest_of_line(text: str, start: int) -> int:
    """The end of the line, or of the quotes around `start`."""
    return _LINE.match(text, start).end()  # type: ignore[union-attr]


def _quoted(text: str, quote: str, start: int) -> tuple[int, int]:
    end = _UNTIL[quote].match(text, start).end() if len(quote) == 1 else text.find(quote, start)  # type: ignore[union-attr]
    if not 0 <= end < len(text):
        return start, len(text)
    glued = _BARE.match(text, end + len(quote))  # a shell joins 'a'"b"c to one word
    return start, end if glued is None else glued.end()


def _bracketed(text: str, start: int) -> int:
    """The end of a list, a tuple or a mapping; of the text if it is not closed."""
    depth = 0
    for end in range(start, len(text)):
        if text[end] in "[({":
            depth += 1
        elif text[end] in "])}":
            depth -= 1
            if depth == 0:
                return end + 1
    return len(text)
