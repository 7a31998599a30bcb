"""PURE: text as plain text, Markdown or LaTeX. Whatever a name holds (a newline, `<script>`, `\\end`, an emoji), it stays a name.

LaTeX comes out as ASCII that needs no package: what LaTeX has no plain word for is a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

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


def clean(text: str) -> str:
    """On one line, without control and format characters."""
    return " ".join("".join(c if c.isspace() or unicodedata.category(c)[0] != "C" else " " for c in text).split())


def clipped(text: object, longest: int = 80) -> str:
    """A name that somebody gave, on one line, no longer than `longest` characters."""
    line = clean(str(text)[: 4 * longest])
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def markdown(text: str) -> str:
    """As words of Markdown (pandoc's and GitHub's), in a paragraph or a cell of a table."""
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in clean(text))


def tex(text: str) -> str:
    """As words of LaTeX, or of a field of BibTeX."""
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
"""By form."""


def address(url: str) -> str:
    """A web address that can stand in a field of BibTeX: what is not of an address is percent-encoded."""
    kept = frozenset("-._~:/?#[]@!$&'()*+,;=%")
    return "".join(c if c.isascii() and (c.isalnum() or c in kept) else "".join(f"%{b:02X}" for b in c.encode()) for c in url)
