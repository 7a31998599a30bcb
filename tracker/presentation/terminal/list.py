"""PURE: the columns of `list`, and runs or groups of runs as a table, as Markdown or as rows of CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ...analysis.totals import each_of, name_of
from ...analysis.view import total_of
from ...analysis.work.units import work_partial
from ...core.run import Origin
from ...core.work import singular
from ...errors import ConfigurationError
from ..words.attribution import measured_text
from ..words.origins import measured_of_sum, origins_text
from ..words.quantities import amount, at_least, count, format_duration, format_energy, largest_j, percent
from ..words.runs import energy_text, partial_text, ranks_text, status_text, sum_at_once_text, title_of
from ..words.safe_text import clean, markdown
from .columns import COMPUTE_COLUMNS, GRAMS, Column, one_by_one
from .elision import elided
from .run import local_time, plain_table, status_style

if TYPE_CHECKING:
    from ...analysis.totals import By
    from ...core.contract import EntryJson, GroupJson, OfEnergyJson, SumJson

NARROWEST = 8
"""A column of names keeps at least this many cells, however narrow the terminal is."""
T = TypeVar("T")
RunText = Literal["name", "project", "group", "stage", "host", "command"]
RunKey = Literal[RunText, "id", "status", "origin", "duration_s", "git_commit", "tags", "started_at", "ended_at"]
EnergyKey = Literal["total_j", "low_j", "high_j", "lower_bound", "measured_fraction"]


def _energies(views: Sequence[OfEnergyJson]) -> list[str]:
    found = [view["energy"] for view in views]
    unit_of_j = largest_j(energy["total_j"] for energy in found)
    return [
        "–" if (total_j := energy["total_j"]) is None else at_least(format_energy(total_j, unit_of_j), energy["lower_bound"])
        for energy in found
    ]


def _ranges(views: Sequence[OfEnergyJson]) -> list[str]:
    unit_of_j = largest_j(view["energy"]["total_j"] for view in views)
    return [energy_text(view["energy"], unit_of_j) for view in views]


def _error(view: OfEnergyJson) -> str:
    total = total_of(view["energy"])
    if total is None or not total.energy_j:
        return ""
    further_j = max(total.high_j - total.energy_j, total.energy_j - total.low_j)  # the two ends may differ
    return percent(further_j / total.energy_j)


def _measured(view: OfEnergyJson) -> str:
    return measured_text(view["energy"])


def _time(duration_s: float) -> str:
    """A duration in few cells: "3m 20s" instead of "3 min 20 s"."""
    return format_duration(duration_s, short=True)


def _time_of(view: EntryJson) -> str:
    """The time of a run; "–" for an estimate that states only the hours of all devices, or none."""
    run = view["run"]
    return "–" if run["origin"] == Origin.ESTIMATED and not run["duration_s"] else _time(run["duration_s"])


def _work(view: EntryJson) -> str:
    partial = f" ({text})" if (text := ranks_text(view)) else ""
    return ", ".join(amount(n, unit) for unit, n in view["work"].items()) + partial


def _each(views: Sequence[EntryJson]) -> list[str]:
    found = [each_of(view) for view in views]
    unit_of_j = largest_j(each[1] for each in found if each)
    return ["" if each is None else f"{format_energy(each[1], unit_of_j)}/{singular(each[0])}" for each in found]


def _each_unit(view: EntryJson) -> str | None:
    return None if (each := each_of(view)) is None else each[0]


def _each_j(view: EntryJson) -> float | None:
    return None if (each := each_of(view)) is None else each[1]


def _tags(view: EntryJson) -> str:
    return " ".join(f"{name}={value}" for name, value in view["run"]["tags"].items())


def _of_run(key: RunKey) -> Callable[[EntryJson], Any]:
    return lambda view: view["run"][key]


def _of_energy(key: EnergyKey) -> Callable[[OfEnergyJson], object]:
    return lambda view: view["energy"][key]


def _words(title: str, key: RunText) -> Column[EntryJson]:
    """A column of text that a user wrote."""
    return Column(title, one_by_one(lambda view: view["run"][key] or ""), ((key, _of_run(key)),), gives_way=True)


def _when(title: str, key: Literal["started_at", "ended_at"]) -> Column[EntryJson]:
    of_run = _of_run(key)

    def text(view: EntryJson) -> str:
        at: str | None = of_run(view)
        return local_time(at) if at else ""

    return Column(title, one_by_one(text), ((key, of_run),))


_ENDS = (("low_j", _of_energy("low_j")), ("high_j", _of_energy("high_j")))
_JOULES: Mapping[str, Column[OfEnergyJson]] = {
    "energy": Column("energy", _energies, (("energy_j", _of_energy("total_j")), ("lower_bound", _of_energy("lower_bound"))), right=True),
    "range": Column("energy (range)", _ranges, (("energy_j", _of_energy("total_j")), *_ENDS), right=True),
    "error": Column("±", one_by_one(_error), _ENDS, right=True),
    "measured": Column("measured", one_by_one(_measured), (("measured_fraction", _of_energy("measured_fraction")),), right=True),
}
RUN_COLUMNS: Mapping[str, Column[EntryJson]] = {
    "run": Column("run", one_by_one(lambda view: view["run"]["id"][:8]), (("id", _of_run("id")),)),
    "started": _when("started", "started_at"),
    "ended": _when("ended", "ended_at"),
    "project": Column("project", one_by_one(title_of), (("project", _of_run("project")),), gives_way=True),
    "name": _words("name", "name"),
    "group": _words("group", "group"),
    "stage": _words("stage", "stage"),
    "status": Column(
        "status",
        one_by_one(lambda view: status_text(view["run"])),
        (("status", _of_run("status")), ("damaged", lambda view: bool(view["run"]["damage"])), ("origin", _of_run("origin"))),
    ),
    "time": Column("time", one_by_one(_time_of), (("duration_s", _of_run("duration_s")),), right=True),
    **_JOULES,
    "work": Column(
        "work",
        one_by_one(_work),
        (("work", lambda view: json.dumps(view["work"])), ("work_partial", lambda view: work_partial(view["run"]))),
        right=True,
    ),
    "each": Column("each", _each, (("unit", _each_unit), ("energy_each_j", _each_j)), right=True),
    "host": _words("host", "host"),
    "commit": Column("commit", one_by_one(lambda view: (view["run"]["git_commit"] or "")[:10]), (("git_commit", _of_run("git_commit")),)),
    "command": _words("command", "command"),
    "tags": Column("tags", one_by_one(_tags), (("tags", _of_run("tags")),), gives_way=True),
    **COMPUTE_COLUMNS,
}
DEFAULT = ("run", "started", "project", "status", "time", "energy", "error", "measured")
TO_TARGET = ("run", "project", "status", "time", "energy")
"""With the energy to a target, which has its range: the names of the runs, which tell them apart, need the room."""


def chosen(text: str | None, *, ranked: bool) -> tuple[str, ...]:
    """The names in "run,energy,name", in that order. `ranked`: by the energy to a target, or by a metric. Raises ConfigurationError, which
    lists all columns."""
    if text is None:
        return TO_TARGET if ranked else DEFAULT
    names = [name.strip().lower() for name in text.split(",")]
    known = f"the columns are {', '.join(RUN_COLUMNS)}; give some of them with commas, as in run,name,energy"
    for name in names:
        if name not in RUN_COLUMNS:
            raise ConfigurationError(f"--columns {text!r}: {f'there is no column {name!r}' if name else 'a name is empty'}; {known}")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"--columns {text!r}: a column is named twice; {known}")
    return tuple(names)


def run_columns(names: Iterable[str]) -> list[Column[EntryJson]]:
    """The columns with those names. The project is shown as "project/name" unless the name has a column of its own."""
    wanted = list(names)
    columns = {**RUN_COLUMNS, "project": _words("project", "project")} if "name" in wanted else RUN_COLUMNS
    return [columns[name] for name in wanted]


def group_columns(by: By) -> list[Column[GroupJson]]:
    """The columns of groups of runs."""

    def newest(group: GroupJson) -> str:
        at = group["newest_started_at"]
        return local_time(at) if at else ""

    def name(group: GroupJson) -> str:
        text = name_of(group, by)
        return "(none)" if text is None else text

    return [
        Column(by, one_by_one(name), ((by, lambda group: name_of(group, by)),), gives_way=True),
        Column("newest", one_by_one(newest), (("newest_started_at", lambda group: group["newest_started_at"]),)),
        Column("runs", one_by_one(lambda group: f"{group['runs']:,}"), (("runs", lambda group: group["runs"]),), right=True),
        Column(
            "time", one_by_one(lambda group: _time(group["duration_s"])), (("duration_s", lambda group: group["duration_s"]),), right=True
        ),
        *(_JOULES[name] for name in ("range", "error")),
        Column("measured", one_by_one(measured_of_sum), _JOULES["measured"].values, right=True),
    ]


def total_line(total: SumJson, what: str, more: bool) -> str:
    """ "20 runs · 3h 20m · 1.84 kWh (1.79–1.90)". `more`: the limit leaves some entries out."""
    parts = [f"{count(total['runs'], 'run')}{what}", _time(total["duration_s"]), energy_text(total["energy"])]
    if total["runs_without_energy"]:
        parts.append(f"{total['runs_without_energy']:,} without energy")
    if total.get("grams") is not None:
        parts.append(f"{GRAMS.cells([total])[0]} CO2e")
    if more:
        parts.append("more: --limit")
    if (origins := origins_text(total)) is not None:
        parts.append(origins)
    if (twice := sum_at_once_text(total, short=True)) is not None:
        parts.append(twice)
    if total["runs_partial"]:
        parts.append(partial_text(total["runs_partial"]))
    return " · ".join(parts)


def listing(views: Sequence[T], columns: Sequence[Column[T]], width: int) -> Table:
    """One line per entry. If they do not fit `width` cells, columns of names get narrower, the widest first, and then whole columns are
    left out. No figure is cut."""
    texts = {column: [clean(text) for text in column.cells(views)] for column in columns}
    widths = {column: max(map(cell_len, (column.title, *texts[column]))) for column in columns}
    kept = _fitting(widths, width)
    flexible = [column for column in kept if column.gives_way]
    while _taken(widths[c] for c in kept) > width and flexible:
        longest = max(flexible, key=lambda c: widths[c])
        if widths[longest] <= NARROWEST:
            break
        widths[longest] -= 1
    table = plain_table(*(c.title for c in kept), right=[c.title for c in kept if c.right])
    shown = [elided(texts[column], widths[column]) for column in kept]
    for row in zip(*shown, strict=True):
        table.add_row(*(Text(cell, style=status_style(cell) if c.title == "status" else "") for c, cell in zip(kept, row, strict=True)))
    if len(kept) < len(columns):
        table.caption, table.caption_justify = f"no room for: {', '.join(c.title for c in columns if c not in kept)}", "left"
    return table


def _fitting(widths: Mapping[Column[T], int], width: int) -> list[Column[T]]:
    """The columns for which there is room. The last ones are left out first. The first one, the energy, the grams and the energy to a
    target always stay."""
    kept = list(widths)
    for column in reversed(kept[1:]):
        least = (min(widths[c], NARROWEST) if c.gives_way else widths[c] for c in kept)
        if _taken(least) > width and not any(name in ("energy_j", "grams", "to_j") for name, _ in column.values):
            kept.remove(column)
    return kept


def _taken(widths: Iterable[int]) -> int:
    """The cells of a line, with two between columns."""
    return sum(2 + w for w in widths) - 2


def document(views: Sequence[T], columns: Sequence[Column[T]], total: str | None) -> str:
    """The same as a table in Markdown. Nothing is cut."""
    lines = [[column.title for column in columns], ["---:" if column.right else "---" for column in columns]]
    lines += [[markdown(cell) for cell in row] for row in zip(*(column.cells(views) for column in columns), strict=True)]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{text}\n\n{markdown(total)}" if total else text


def csv_rows(views: Sequence[T], columns: Sequence[Column[T]]) -> list[dict[str, object]]:
    """The figures of the columns: joules, seconds and whole ids. Text is on one line, because the CSV may be printed in a terminal.
    (`export` has text as it was recorded.)"""

    def cell(value: object) -> object:
        return clean(value) if isinstance(value, str) else value

    return [{name: cell(value(view)) for column in columns for name, value in column.values} for view in views]
