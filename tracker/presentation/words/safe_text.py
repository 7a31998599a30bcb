"""PURE: text made safe for where it is shown: a terminal, a page, a CSV cell, Markdown or LaTeX.

Names come from users, from other programs and from hardware. A name can hold anything: an escape sequence, a newline, `<script>`, `\\end`,
a formula. Whatever it holds, it is shown as text. All escaping is done in this file. JSON is not escaped here: it keeps text exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

T = TypeVar("T")

_MARKDOWN = frozenset("\\`*_{}[]<>#|~^$@&!")
_TEX = {
    **{c: f"\\{c}" for c in "%&_#$"},
    # not \{ and \}: BibTeX counts braces, escaped or not
    **{"{": r"\textbraceleft{}", "}": r"\textbraceright{}", "\\": r"\textbackslash{}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\`{}", '"': "''"},
    **{"<": "$<$", ">": "$>$", "|": "$|$", "×": r"$\times$", "÷": r"$\div$", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$"},
    **{"µ": r"$\mu$", "μ": r"$\mu$", "·": r"$\cdot$", "°": r"$^\circ$", "→": r"$\to$", "Σ": r"$\Sigma$"},
    **{"–": "--", "—": "---", "’": "'", "‘": r"\`{}", "“": "``", "”": "''", "…": r"\ldots{}", "\u00a0": "~"},
    **{"ß": r"{\ss}", "ø": r"{\o}", "Ø": r"{\O}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}", "ł": r"{\l}", "Ł": r"{\L}", "ı": r"{\i}"},
    **{"€": "EUR", "£": r"\pounds{}"},
}
_ACCENTS = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u0308": '"'},
    **{"\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c"},
}


_FORMULA = re.compile(r"^(?=[\t\r\n])|(?:^|(?<=[,;|\t\r\n\v\f\x1c-\x1f\x85\u2028\u2029]))[ \xa0\"']*+(?=[=+\-@＝＋－＠])")
"""Where a cell begins that a spreadsheet takes for a formula. Which character separates cells is set where the file is opened. So a cell
may begin after each that it can be, and after a line break: quotes in the middle of a cell do not count."""
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of writing."""


def clean(text: str) -> str:
    """The text on one line for a terminal. See `lines` for characters that are not printable."""
    return " ".join((text if text.isprintable() else "".join(map(_printable, text))).split())


def lines(text: str) -> str:
    """The text for a terminal with its line breaks and its blanks.

    A control character becomes a blank, so that no escape sequence takes effect. Format characters, which have no width, are left out:
    among them are those that change the direction of writing. A character that Unicode does not define becomes "�".
    """
    return "".join(c if c == "\n" else _printable(c) for c in text)


def _printable(c: str) -> str:
    category = unicodedata.category(c)
    if c.isspace() or category == "Cc":
        return " "
    if category[0] != "C":
        return c
    return "" if category == "Cf" else "�"


_PLAIN = (float, int, bool, type(None))
"""Most values have one of these types, and nothing in them can be cleaned."""


def cleaned(value: T) -> T:
    """The same value with `clean` applied to every string in it: keys and values, at any depth of mappings and sequences."""
    return cast("T", _cleaned(value, {}))


def _cleaned(value: Any, known: dict[str, str]) -> Any:
    """`known`: strings that are cleaned already. What is told of many runs has the same ones again and again."""
    if isinstance(value, str):
        if value not in known:
            known[value] = clean(value)
        return known[value]
    if isinstance(value, Mapping):
        return {_cleaned(key, known): item if type(item) in _PLAIN else _cleaned(item, known) for key, item in value.items()}
    return [_cleaned(item, known) for item in value] if isinstance(value, Sequence) else value


def visible(text: str) -> str:
    """The text for a page that escapes HTML itself: control characters and those that change the direction of writing become "�"."""
    return "".join("�" if (unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t") or c in _DIRECTIONS else c for c in text)


def html(text: str, *, quote: bool = True) -> str:
    """The text as HTML for a quoted attribute. `quote=False` leaves quotes as they are, for the content of an element."""
    from html import escape  # the import takes two milliseconds, and most programs show no page

    return escape(visible(text), quote)


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON that anybody can read and no terminal obeys: letters of all languages stay as they are, and a character that is not
    printable is escaped, which JSON takes for the same."""
    import json

    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def yaml_text(text: str) -> str:
    """A text as a scalar of YAML between double quotes, on one line."""
    kept = "".join(f"\\{c}" if c in '"\\' else c if c.isprintable() else _yaml_escape(c) for c in text)
    return f'"{kept}"'


def _yaml_escape(c: str) -> str:
    if unicodedata.category(c) == "Cs":  # half of a character is none
        return "\ufffd"
    return f"\\u{ord(c):04x}" if ord(c) <= 0xFFFF else f"\\U{ord(c):08x}"


def csv_cell(text: str) -> str:
    """The text as a cell of CSV. A single quote is put before text that a spreadsheet would take for a formula, whichever delimiter it
    uses: "a;=1" is two cells where that is the semicolon."""
    return _FORMULA.sub(lambda m: f"'{m[0]}" if m.start() == 0 else f"{m[0]}'", text)


def clipped(text: object, longest: int = 80) -> str:
    """A name on one line, at most `longest` characters long."""
    line = clean(str(text)[: 4 * longest])
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def markdown(text: str) -> str:
    """The text as Markdown (pandoc's and GitHub's), for a paragraph or for a cell of a table."""
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in clean(text))


def tex(text: str) -> str:
    """The text as LaTeX, also for a field of BibTeX: ASCII that needs no package. A character that LaTeX cannot write becomes "?"."""
    escaped = "".join(_tex_character(c) for c in unicodedata.normalize("NFC", clean(text)))
    return escaped.replace("CO2", r"CO\textsubscript{2}").replace(r" \%", r"\,\%")


def _tex_character(c: str) -> str:
    if c in _TEX:
        return _TEX[c]
    if c.isascii():
        return c
    base, *marks = list(unicodedata.normalize("NFD", c))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii():
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    plain = unicodedata.normalize("NFKD", c).replace("\u2044", "/").encode("ascii", "ignore").decode()
    return "".join(_TEX.get(p, p) for p in plain).strip() or "?"


ESCAPE: Mapping[str, Callable[[str], str]] = {"text": clean, "md": markdown, "tex": tex}
"""The function that escapes text for each form of a document."""


def address(url: str) -> str:
    """A web address for a field of BibTeX: characters that do not belong in an address are percent-encoded."""
    kept = frozenset("-._~:/?#[]@!$&'()*+,;=%")
    return "".join(c if c.isascii() and (c.isalnum() or c in kept) else "".join(f"%{b:02X}" for b in c.encode()) for c in url)
