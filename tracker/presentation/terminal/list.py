"""PURE: the columns of `list`, and runs and groups of them as a table, as Markdown or as rows of CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ...analysis.totals import each_of
from ...errors import ConfigurationError
from ..words.quantities import format_duration, format_energy
from ..words.runs import at_once_text, energy_text, title_of
from ..words.safe_text import clean, markdown
from .run import STATUS_STYLE, local_time, plain_table

View = Mapping[str, Any]
NARROWEST = 8
"""Cells to which a column of names may shrink where the terminal has too few."""


class Column(NamedTuple):
    """A column: its title, its text of an entry, what CSV calls its figures, and whether it gives way where there is no room."""

    title: str
    text: Callable[[View], str]
    values: tuple[tuple[str, Callable[[View], Any]], ...]
    right: bool = False
    gives_way: bool = False


def _energy(view: View) -> str:
    energy = view["energy"]
    return "–" if energy["total_j"] is None else f"{'≥ ' if energy['lower_bound'] else ''}{format_energy(energy['total_j'])}"


def _range(view: View) -> str:
    return energy_text(view["energy"])


def _error(view: View) -> str:
    energy = view["energy"]
    if not energy["total_j"]:
        return ""
    further_j = max(energy["high_j"] - energy["total_j"], energy["total_j"] - energy["low_j"])  # the ends may lie unequally far away
    return f"{100 * further_j / energy['total_j']:.0f} %"


def _measured(view: View) -> str:
    measured = view["energy"]["measured_fraction"]
    return "" if measured is None else f"{100 * measured:.0f} %"


def _project(view: View) -> str:
    return title_of(view)


def _time(of: View) -> str:
    """The duration in few cells: "3m 20s" of "3 min 20 s"."""
    text = format_duration(of["duration_s"] or 0.0)
    return text.replace(" min", "m").replace(" h", "h").replace(" d", "d").replace(" s", "s")


def _work(view: View) -> str:
    return ", ".join(f"{amount:,} {unit}" for unit, amount in view["work"].items())


def _each(view: View) -> str:
    return "" if (each := each_of(view)) is None else f"{format_energy(each[1])}/{each[0].removesuffix('s')}"


def _each_unit(view: View) -> str | None:
    return None if (each := each_of(view)) is None else each[0]


def _each_j(view: View) -> float | None:
    return None if (each := each_of(view)) is None else each[1]


def _tags(view: View) -> str:
    return " ".join(f"{name}={value}" for name, value in view["run"]["tags"].items())


def _of_run(key: str) -> Callable[[View], Any]:
    return lambda view: view["run"][key]


def _of_energy(key: str) -> Callable[[View], Any]:
    return lambda view: view["energy"][key]


def _words(title: str, key: str) -> Column:
    """A column of what somebody wrote."""
    return Column(title, lambda view: view["run"][key] or "", ((key, _of_run(key)),), gives_way=True)


def _when(title: str, key: str) -> Column:
    return Column(title, lambda view: local_time(view["run"][key]) if view["run"][key] else "", ((key, _of_run(key)),))


_ENDS = (("low_j", _of_energy("low_j")), ("high_j", _of_energy("high_j")))
_JOULES = {
    "energy": Column("energy", _energy, (("energy_j", _of_energy("total_j")), ("lower_bound", _of_energy("lower_bound"))), right=True),
    "range": Column("energy (range)", _range, (("energy_j", _of_energy("total_j")), *_ENDS), right=True),
    "error": Column("±", _error, _ENDS, right=True),
    "measured": Column("measured", _measured, (("measured_fraction", _of_energy("measured_fraction")),), right=True),
}
RUN_COLUMNS: Mapping[str, Column] = {
    "run": Column("run", lambda view: view["run"]["id"][:8], (("id", _of_run("id")),)),
    "started": _when("started", "started_at"),
    "ended": _when("ended", "ended_at"),
    "project": Column("project", _project, (("project", _of_run("project")),), gives_way=True),
    "name": _words("name", "name"),
    "group": _words("group", "group"),
    "stage": _words("stage", "stage"),
    "status": Column("status", _of_run("status"), (("status", _of_run("status")),)),
    "time": Column("time", lambda view: _time(view["run"]), (("duration_s", _of_run("duration_s")),), right=True),
    **_JOULES,
    "work": Column("work", _work, (("work", lambda view: json.dumps(view["work"])),), right=True),
    "each": Column("each", _each, (("unit", _each_unit), ("energy_each_j", _each_j)), right=True),
    "host": _words("host", "host"),
    "commit": Column("commit", lambda view: (view["run"]["git_commit"] or "")[:10], (("git_commit", _of_run("git_commit")),)),
    "command": _words("command", "command"),
    "tags": Column("tags", _tags, (("tags", _of_run("tags")),), gives_way=True),
}
DEFAULT = ("run", "started", "project", "status", "time", "energy", "error", "measured")


def chosen(text: str | None) -> tuple[str, ...]:
    """The columns of "run,energy,name", in that order. Raises ConfigurationError with those there are."""
    if text is None:
        return DEFAULT
    names = [name.strip().lower() for name in text.split(",")]
    known = f"the columns are {', '.join(RUN_COLUMNS)}; give some of them with commas, as in run,name,energy"
    for name in names:
        if name not in RUN_COLUMNS:
            raise ConfigurationError(f"--columns {text!r}: {f'there is no column {name!r}' if name else 'a name is empty'}; {known}")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"--columns {text!r}: a column is named twice; {known}")
    return tuple(names)


def run_columns(names: Iterable[str]) -> list[Column]:
    """Those columns; a project is shown with the run's name where that has no column of its own."""
    wanted = list(names)
    columns = {**RUN_COLUMNS, "project": _words("project", "project")} if "name" in wanted else RUN_COLUMNS
    return [columns[name] for name in wanted]


def group_columns(by: str) -> list[Column]:
    """Those of groups of runs."""
    newest = "newest_started_at"
    return [
        Column(by, lambda view: view[by] if view[by] is not None else "(none)", ((by, lambda view: view[by]),), gives_way=True),
        Column("newest", lambda view: local_time(view[newest]), ((newest, lambda view: view[newest]),)),
        Column("runs", lambda view: f"{view['runs']:,}", (("runs", lambda view: view["runs"]),), right=True),
        Column("time", _time, (("duration_s", lambda view: view["duration_s"]),), right=True),
        *(_JOULES[name] for name in ("range", "error", "measured")),
    ]


def total_line(total: View, what: str, more: bool) -> str:
    """ "20 runs · 3h 20m · 1.84 kWh (1.79–1.90)"; `more`: there are others behind the limit."""
    parts = [f"{total['runs']:,} run{'' if total['runs'] == 1 else 's'}{what}", _time(total), _range(total)]
    if total["runs_without_energy"]:
        parts.append(f"{total['runs_without_energy']:,} without energy")
    if more:
        parts.append("more: --limit")
    if total["runs_at_once"]:
        parts.append(at_once_text(total["runs_at_once"]))
    return " · ".join(parts)


def listing(views: Sequence[View], columns: Sequence[Column], width: int) -> Table:
    """An entry a line. Where `width` cells are too few, what people have written gives way, the longest first, and then whole columns do:
    no figure is cut."""
    texts = {column: [clean(column.text(view)) for view in views] for column in columns}
    widths = {column: max(map(cell_len, (column.title, *texts[column]))) for column in columns}
    kept = _fitting(widths, width)
    flexible = [column for column in kept if column.gives_way]
    while _taken(widths[c] for c in kept) > width and flexible:
        longest = max(flexible, key=lambda c: widths[c])
        if widths[longest] <= NARROWEST:
            break
        widths[longest] -= 1
    table = plain_table(*(c.title for c in kept), right=[c.title for c in kept if c.right])
    for i in range(len(views)):
        cells = []
        for column in kept:
            text = texts[column][i]
            cell = Text(text, style=STATUS_STYLE[text] if column.title == "status" else "")
            cell.truncate(widths[column], overflow="ellipsis")
            cells.append(cell)
        table.add_row(*cells)
    if len(kept) < len(columns):
        table.caption, table.caption_justify = f"no room for: {', '.join(c.title for c in columns if c not in kept)}", "left"
    return table


def _fitting(widths: Mapping[Column, int], width: int) -> list[Column]:
    """The columns for which there is room: the last ones are left out, but never the first one and the energy."""
    kept = list(widths)
    for column in reversed(kept[1:]):
        least = (min(widths[c], NARROWEST) if c.gives_way else widths[c] for c in kept)
        if _taken(least) > width and not any(name == "energy_j" for name, _ in column.values):
            kept.remove(column)
    return kept


def _taken(widths: Iterable[int]) -> int:
    """The cells of a line: two between columns."""
    return sum(2 + w for w in widths) - 2


def document(views: Sequence[View], columns: Sequence[Column], total: str | None) -> str:
    """The same as a table of Markdown, nothing cut."""
    lines = [[column.title for column in columns], ["---:" if column.right else "---" for column in columns]]
    lines += [[markdown(column.text(view)) for column in columns] for view in views]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{text}\n\n{markdown(total)}" if total else text


def csv_rows(views: Sequence[View], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The figures behind the columns: joules, seconds and whole ids; text on one line, for it may end on a terminal (`export` has it as
    it was recorded)."""

    def cell(value: Any) -> Any:
        return clean(value) if isinstance(value, str) else value

    return [{name: cell(value(view)) for column in columns for name, value in column.values} for view in views]
