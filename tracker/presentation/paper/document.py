"""PURE: footprints for a scientific paper: a table, a methods paragraph with citations, and the references.

The forms are plain text with a numbered list of references, Markdown (pandoc) with a code block of BibTeX, and LaTeX that needs no package,
with BibTeX in comments after a line that marks where to cut.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..._version import __version__
from ...analysis.footprint_totals import Tally, by_status, tally
from ..words.quantities import count, listed, significant
from ..words.safe_text import ESCAPE, clean, clipped, tex
from .bibliography import Reference, bibtex, keys, plain
from .grid import mixed_bases, on_basis
from .methods import paragraph
from .prose import Fragment
from .short import short_paragraph
from .sums import Figure, energy_figure, mass_figures

if TYPE_CHECKING:
    from ...core.contract import FootprintJson

WIDTH = 100
"""Characters of a line of plain text, and of a comment."""
MOST_PROJECTS = 3
CUT = "% ---- references.bib"
NO_RUNS = "There are no runs, so there is no footprint."


def document(footprints: Sequence[FootprintJson], form: str, *, short: bool = False) -> str:
    """The table, the paragraph and the references, as "text", "md" or "tex". Raises ValueError for any other form. The `short` form of the
    paragraph has two sentences.

    A footprint has the `run`, `energy`, `work` and `carbon` objects of the JSON contract, and a `footprint_id` or None.
    """
    if form not in ESCAPE:
        raise ValueError(f"{form!r} is not a format of a document: text, md or tex")
    if not footprints:
        return NO_RUNS
    words = short_paragraph(footprints) if short else paragraph(footprints)
    works = list({work.identity: work for f in words if not isinstance(f, str) for work in f}.values())
    named = keys(works)
    write = {"text": _text, "md": _markdown, "tex": _tex}[form]
    return write(footprints, words, works, named)


# ---- the table


def _header(gpus: bool) -> list[str]:
    return ["status", "runs", "run h", *(["GPU h"] if gpus else []), "energy", "operational", "embodied", "total CO2e"]


def _rows(footprints: Sequence[FootprintJson]) -> list[list[Figure]]:
    """The header, a row for each status, and the total."""
    whole = tally(footprints)
    gpus = whole.gpu_hours > 0
    return [
        [Figure(name) for name in _header(gpus)],
        *(_row(status, of, whole, gpus) for status, of in by_status(footprints).items()),
        _row("total", whole, whole, gpus),
    ]


def _row(name: str, of: Tally, whole: Tally, gpus: bool) -> list[Figure]:
    time = [significant(of.hours), *([significant(of.gpu_hours)] if gpus else [])]
    return [*(Figure(text) for text in (name, f"{of.runs:,}", *time)), energy_figure(of, whole), *mass_figures(of)]


def _cells(footprints: Sequence[FootprintJson]) -> list[list[str]]:
    return [[figure.cell() for figure in row] for row in _rows(footprints)]


def _caption(footprints: Sequence[FootprintJson]) -> str:
    whole = tally(footprints)
    projects = list(dict.fromkeys(clipped(f["run"]["project"], 60) for f in footprints))
    more = len(projects) - MOST_PROJECTS
    named = listed([*projects[:MOST_PROJECTS], *([f"{more} more projects"] if more > 0 else [])])
    is_least = any(figure.is_least for row in _rows(footprints) for figure in row)
    notes = ["; ≥ marks a sum without its unknown parts"] if is_least else []
    if whole.energy_unknown:
        notes.append(f"; the energy of {count(whole.energy_unknown, 'run')} is not known")
    if mixed_bases(f["carbon"] for f in footprints if f["carbon"]):
        notes.append("; operational emissions are partly on a life-cycle and partly on a direct basis")
    if basis := on_basis(footprints):
        notes.append(f"; operational emissions{basis}")
    return f"Energy and emissions (CO2e) of {count(whole.runs, 'run')} of {named}, with ranges{''.join(notes)}."


def _provenance(footprints: Sequence[FootprintJson]) -> str:
    """The runs and the kept computations that the document contains, so that it can be traced later."""
    ids = [(_id(f["run"]["id"]), _id(f.get("footprint_id"))) for f in footprints]
    return f"trainwatt {__version__}: " + ", ".join(f"{run} (footprint {kept})" if kept else run for run, kept in ids)


def _id(text: object) -> str:
    return re.sub(r"[^0-9A-Za-z_]", "", str(text or ""))[:40]


# ---- forms


def _text(footprints: Sequence[FootprintJson], words: Sequence[Fragment], works: Sequence[Reference], named: Mapping[str, str]) -> str:
    numbers = {identity: n for n, identity in enumerate(named, 1)}
    body = "".join(f if isinstance(f, str) else f" [{', '.join(str(numbers[w.identity]) for w in f)}]" for f in words)
    cites = [
        textwrap.fill(f"[{n}] {plain(w)}", WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for n, w in enumerate(works, 1)
    ]
    return "\n".join(
        [
            *_wrapped(_caption(footprints)), "", *_aligned(_cells(footprints)), "",
            *_wrapped(clean(body)), "", "References", *cites, "", *_wrapped(_provenance(footprints)),
        ]
    )  # fmt: skip


def _wrapped(text: str, start: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=start, break_long_words=False, break_on_hyphens=False)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side, names to the left and numbers to the right, a rule below the header and above the total."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))) for row in rows]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _markdown(footprints: Sequence[FootprintJson], words: Sequence[Fragment], works: Sequence[Reference], named: Mapping[str, str]) -> str:
    escape = ESCAPE["md"]
    header, *rows = ([escape(cell) for cell in row] for row in _cells(footprints))
    table = [_piped(header), _piped([":--", *("--:" for _ in header[1:])]), *(_piped(row) for row in rows)]
    body = _marked(words, "md", lambda keys_: f" [{'; '.join(f'@{k}' for k in keys_)}]", named)
    entries = "\n\n".join(bibtex(w, named[w.identity]) for w in works)
    fence = "`" * max(3, *(1 + len(run) for run in re.findall(r"`+", entries)), 3)
    return "\n".join(
        [
            *table, "", f"Table: {escape(_caption(footprints))}", "", body, "", f"{fence}bibtex", entries, fence, "",
            f"<!-- {_provenance(footprints)} -->",
        ]
    )  # fmt: skip


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(words: Sequence[Fragment], form: str, cite: Callable[[list[str]], str], named: Mapping[str, str]) -> str:
    """The paragraph with its citations. Words between two citations are escaped as a whole; their outer spaces are kept."""
    return "".join(_spaced(f, form) if isinstance(f, str) else cite([named[w.identity] for w in f]) for f in words)


def _spaced(text: str, form: str) -> str:
    return f"{' ' if text[:1].isspace() else ''}{ESCAPE[form](text)}{' ' if text[-1:].isspace() and text.strip() else ''}"


def _tex(footprints: Sequence[FootprintJson], words: Sequence[Fragment], works: Sequence[Reference], named: Mapping[str, str]) -> str:
    header, *rows, last = _rows(footprints)
    body = _marked(words, "tex", lambda keys_: f"~\\cite{{{','.join(keys_)}}}", named)
    entries = "\n\n".join(bibtex(w, named[w.identity]) for w in works)
    return "\n".join(
        [
            *_wrapped(_provenance(footprints), "% "),
            "% The bibliography's entries are below the text. Where the text is in two columns, write table* for table.",
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
            rf"\caption{{{tex(_caption(footprints))}}}",
            r"\label{tab:trainwatt}",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\hline",
            rf"{' & '.join(tex(name.value) for name in header)} \\",
            r"\hline",
            *(line for row in rows for line in _two_lines(row)),
            r"\hline",
            *_two_lines(last),
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
            "",
            body,
            "",
            CUT,
            *(f"% {line}".rstrip() for line in entries.splitlines()),
        ]
    )


def _two_lines(row: Sequence[Figure]) -> list[str]:
    """A row of values, with their ranges in a row below: side by side they are wider than a column of text."""
    lines = [[figure.marked_value() for figure in row], [figure.span for figure in row]]
    return [rf"{' & '.join(map(tex, line))} \\" for line in lines if any(line)]
