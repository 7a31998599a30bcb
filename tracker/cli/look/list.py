"""`trainwatt list`: the stored runs, newest first or in another order, and their sum."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import rich_click as click

from ...analysis.listing.orders import FIGURES, begins_with_greatest, figure_of, in_order
from ...analysis.open_store import open_store
from ...analysis.selection import Filters, fitting
from ...analysis.totals import By, Member, grouped, members, name_in, name_of, total, with_compute, with_metric, with_target
from ...analysis.view import SCHEMA_VERSION, run_duration_s
from ...analysis.work.best import best_values, not_logged
from ...analysis.work.target import Target, target_of
from ...analysis.work.units import require_counted
from ...carbon.terms import Terms
from ...errors import ConfigurationError
from ...life.figures import grams_of, whole_grams_of
from ...life.footprints import footprints_of
from ...presentation.terminal.columns import COMPUTE_COLUMNS, GRAMS, Column, behind_energy, of_metric, to_target
from ...presentation.terminal.list import RUN_COLUMNS, chosen, csv_rows, document, group_columns, listing, run_columns, total_line
from ...presentation.terminal.run import console
from ...presentation.words.quantities import count
from ..options import db_option, filter_options, json_option, per_option
from ..output import echo, say

if TYPE_CHECKING:
    from ...core.contract import EntryJson, FootprintJson, GroupJson
    from ...storage.read.records import RunRow
    from ...storage.read.store import Store

SORTS = ("started", *FIGURES, "duration", "project", "name")
FORMATS = ("table", "json", "csv", "md")
BY: tuple[By, ...] = ("project", "group", "stage", "day", "week", "month")
T = TypeVar("T")


@click.command("list")
@filter_options(default_limit=20)
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="started",
    show_default=True,
    help="The order: newest, most energy, most energy per unit of work, least energy to the target of --to, best value of --metric,"
    " longest, or A to Z.",
)
@click.option("--reverse", is_flag=True, help="In the opposite order.")
@click.option("--columns", metavar="NAMES", help=f"Columns in order, of {','.join(RUN_COLUMNS)}.")
@click.option("--by", type=click.Choice(BY), help="One line per group, with the sum of its runs; days, weeks and months are UTC.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="table (the default), json, csv or md.")
@click.option("--grams", is_flag=True, help="Also the grams of CO2e, on the terms that each run recorded.")
@click.option("--to", "to", metavar="TARGET", help='Also the energy until a metric reached a target, such as "val_accuracy>=0.98".')
@click.option("--metric", metavar="NAME", help="Also the best value of a metric, such as val_accuracy.")
@per_option
@json_option
@db_option
def command(
    filters: Filters,
    sort: str,
    reverse: bool,
    columns: str | None,
    by: By | None,
    form: str | None,
    grams: bool,
    to: str | None,
    metric: str | None,
    per: str | None,
    as_json: bool,
    db: str | None,
) -> None:
    """List runs, newest first, with their sum. `ls` is short for it.

    CSV has whole ids, joules and seconds. In CSV, text that a spreadsheet would take for a formula begins with a single quote.
    """
    form = _format(form, as_json, columns, by)
    if by is not None and sort == "each":
        raise ConfigurationError(f"--sort each and --by {by}: a sum of runs has no unit of work; sort by energy, or leave --by out")
    if by is not None and per is not None:
        raise ConfigurationError(f"--per {per} and --by {by}: a sum of runs has no unit of work; leave one of them out")
    target = _target(to, sort, by)
    _check_metric(metric, sort, by)
    names = tuple(RUN_COLUMNS) if columns is None and form == "csv" else chosen(columns, ranked=target is not None or metric is not None)
    store = open_store(db)
    assert filters.limit is not None  # the option has a default
    limit, every = filters.limit, replace(filters, limit=None)
    if by is None:
        each, more = _page(store, every, sort, reverse, limit, _Asked(per, target, metric))
        require_counted(per, [m.entry["work"] for m in each])
        if form != "json" and {*names} & {*COMPUTE_COLUMNS}:
            each = with_compute(store, each)
        entries = [m.entry for m in each]
        whole = total(each)
        if grams:
            by_id = _footprints(store, each)
            for entry in entries:
                entry["grams"] = whole_grams_of(by_id[entry["run"]["id"]])
            whole["grams"] = grams_of(list(by_id.values()))
        if form == "json":
            echo(json.dumps({"schema_version": SCHEMA_VERSION, "runs": entries}, indent=2))
            return
        line = total_line(whole, "", more) if len(each) > 1 or more or whole["runs_partial"] else None
        more_columns: list[Column[EntryJson]] = [] if target is None else [to_target(str(target))]
        more_columns += [] if metric is None else [of_metric(metric)]
        more_columns += [GRAMS] if grams else []
        _print(entries, behind_energy(run_columns(names), *more_columns), line, form, filtered=bool(every))
    else:
        each = members(store, fitting(store, every))
        descending = (sort in ("started", "energy", "duration")) is not reverse
        groups = in_order(grouped(each, by), _group_key(sort, by), descending=descending)
        more, whole = len(groups) > limit, total(each)
        if grams:
            by_id = _footprints(store, each)
            for group in groups[:limit]:
                of_group = name_of(group, by)
                group["grams"] = grams_of([by_id[m.run.id] for m in each if name_in(m.run, by) == of_group])
            whole["grams"] = grams_of(list(by_id.values()))
        if form == "json":
            echo(json.dumps({"schema_version": SCHEMA_VERSION, "by": by, "groups": groups[:limit], "total": whole}, indent=2))
            return
        noted = len(groups) > 1 or whole["runs_at_once"] or whole["runs_partial"]
        line = total_line(whole, f" in {count(len(groups), by)}", more) if noted else None
        _print(groups[:limit], behind_energy(group_columns(by), *([GRAMS] if grams else [])), line, form, filtered=bool(every))


def _footprints(store: Store, each: Sequence[Member]) -> dict[str, FootprintJson]:
    """The footprints of runs, by id, with what each adds to a sum in which a device counts once at any time."""
    oldest_first = sorted(each, key=lambda m: (m.run.started_utc_ns, m.run.id))  # a device counts in the run that read it first
    return {f["run"]["id"]: f for f in footprints_of(store, [m.run.id for m in oldest_first], Terms(), say)}


def _format(form: str | None, as_json: bool, columns: str | None, by: str | None) -> str:
    """The output format. Raises ConfigurationError for options that contradict each other."""
    if as_json and form not in (None, "json"):
        raise ConfigurationError(f"--format {form} and --json: each sets the output format; give one of them")
    found = "json" if as_json else form or "table"
    if columns is not None and found == "json":
        raise ConfigurationError(f"--columns {columns}: JSON has all fields; leave it out, or give --format table, csv or md")
    if columns is not None and by is not None:
        raise ConfigurationError(f"--columns {columns} and --by {by}: groups have columns of their own; give one of them")
    return found


def _target(text: str | None, sort: str, by: By | None) -> Target | None:
    """The target that is asked for. Raises ConfigurationError."""
    if text is None and sort == "to":
        raise ConfigurationError('--sort to: there is no target; give one, as in --to "val_accuracy>=0.98"')
    if text is not None and by is not None:
        raise ConfigurationError(f"--to {text} and --by {by}: a sum of runs reaches no target; leave one of them out")
    return None if text is None else target_of(text)


def _check_metric(name: str | None, sort: str, by: By | None) -> None:
    """Raises ConfigurationError if options contradict each other."""
    if name is None and sort == "metric":
        raise ConfigurationError("--sort metric: there is no metric; give one, as in --metric val_accuracy")
    if name is not None and by is not None:
        raise ConfigurationError(f"--metric {name} and --by {by}: a sum of runs has no metric; leave one of them out")


class _Asked(NamedTuple):
    """What the entries are to have: figures of a unit of work, the energy to a target, and the value of a metric."""

    per: str | None
    target: Target | None
    metric: str | None


def _page(store: Store, filters: Filters, sort: str, reverse: bool, limit: int, asked: _Asked) -> tuple[list[Member], bool]:
    """The runs to list, and whether there are more.

    The order by start is the database's own: it reads only the runs to list. The orders by a figure read it of all runs."""

    def listed(runs: Sequence[RunRow]) -> list[Member]:
        found = members(store, runs, asked.per)
        found = found if asked.target is None else with_target(store, found, asked.target)
        return found if asked.metric is None else with_metric(store, found, asked.metric)

    if sort == "started":
        runs = fitting(store, replace(filters, limit=limit + 1), "started" if reverse else "-started")
        page = listed(runs[:limit])
    else:
        runs = fitting(store, filters)
        figure = next((figure for figure in FIGURES if figure == sort), None)
        if figure == "metric" and asked.metric is not None:  # the order needs nothing else of the other runs
            values = best_values(store, [run.id for run in runs], asked.metric)
            descending = begins_with_greatest(figure, asked.metric) is not reverse
            page = listed(in_order(runs, lambda r: of["value"] if (of := values.get(r.id)) else None, descending=descending)[:limit])
        elif figure is not None:
            descending = begins_with_greatest(figure, asked.metric) is not reverse
            page = in_order(listed(runs), lambda m: figure_of(m.entry, figure), descending=descending)[:limit]
        else:
            keys: dict[str, Callable[[RunRow], Any]] = {
                "duration": run_duration_s,
                "project": lambda r: (r.project.casefold(), (r.name or "").casefold()),
                "name": lambda r: None if r.name is None else r.name.casefold(),
            }
            page = listed(in_order(runs, keys[sort], descending=(sort == "duration") is not reverse)[:limit])
    if asked.metric is not None and page and not any(m.entry.get("metric") for m in page):
        ids = [run.id for run in runs]
        if not store.metric(ids, asked.metric):
            raise not_logged(store, ids, asked.metric)
    return page, len(runs) > limit


def _group_key(sort: str, by: By) -> Callable[[GroupJson], object]:
    """The key to sort groups by. For project and name, it is the name of the group."""

    def name(group: GroupJson) -> str | None:
        text = name_of(group, by)
        return None if text is None else text.casefold()

    keys: dict[str, Callable[[GroupJson], object]] = {
        "started": lambda g: g["newest_started_at"],
        "energy": lambda g: g["energy"]["total_j"],
        "duration": lambda g: g["duration_s"],
    }
    return keys.get(sort, name)


def _csv(views: Sequence[T], columns: Sequence[Column[T]]) -> str:
    from io import BytesIO

    from ...analysis.tables import Column as Cell
    from ...presentation.table_files import CsvTable

    file = BytesIO()
    names = dict.fromkeys(name for column in columns for name, _ in column.values)
    table = CsvTable(file, [Cell(name, "text") for name in names])
    for row in csv_rows(views, columns):
        table.put(row)
    return file.getvalue().decode()


def _print(views: Sequence[T], columns: Sequence[Column[T]], line: str | None, form: str, *, filtered: bool) -> None:
    if form == "csv":
        echo(_csv(views, columns), nl=False)
    elif not views:
        echo("no runs match" if filtered else "no runs yet: put `trainwatt run --` before a command", err=True)
    elif form == "md":
        echo(document(views, columns, line))
    else:
        out = console()
        out.print(listing(views, columns, out.width))
        if line:
            out.print(line, style="dim", markup=False)
