"""PURE: the instances of phases, as `show --phases` prints them: a line each, with energy, work and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ...core.run import Status
from ..terminal.run import plain_table
from ..terminal.sparkline import bar
from ..words.quantities import amount, largest_j
from ..words.runs import headline
from ..words.safe_text import cleaned
from .columns import MOST_METRICS, Column, as_sum_text, columns_of, metrics_of, overlap_text

if TYPE_CHECKING:
    from ...core.contract import InstanceJson, ShowInstancesJson

MOST = 100
"""Of each phase, so many newest instances are printed. JSON and `export` have all that are kept."""
BAR = 10


def instances_page(view: ShowInstancesJson, per: str | None, width: int) -> RenderableType:
    """The run's headline, and a table for each phase. `per`: the unit of work that the user asks for."""
    view = cleaned(view)
    parts: list[RenderableType] = [Text(headline(view), style="bold")]
    names = list(dict.fromkeys([i["name"] for i in view["instances"]] + list(view["as_sums"])))
    for name in names:
        mine = [instance for instance in view["instances"] if instance["name"] == name]
        parts += [Text(), Text(name, style="bold")]
        left_out: list[str] = []
        if mine:
            columns, left_out = _fitting(_columns(mine[-MOST:], per, running=view["run"]["status"] == Status.RUNNING), width)
            parts.append(_table(columns))
        parts += [Text(note, style="dim") for note in _notes(view, name, len(mine), left_out)]
    if not names:
        parts += [Text(), Text('This run has no phases. Name them in the training: with tracker.phase("train", step=epoch)', style="dim")]
    return Group(*parts)


def _columns(instances: Sequence[InstanceJson], per: str | None, *, running: bool) -> list[Column]:
    columns = columns_of(instances, per, running=running)
    largest = largest_j(i["energy_j"] for i in instances) or 1.0
    columns.insert(4, Column("", [bar((i["energy_j"] or 0.0) / largest, BAR) for i in instances], right=False, spare=20))
    return columns


def _fitting(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns that there is room for, and the heads of the others. The bar repeats another column, and is not missed."""
    kept = list(columns)
    while sum(column.width for column in kept) - 2 > width:
        spare = [column for column in kept if column.spare is not None]
        if not spare:
            break
        kept.remove(max(spare, key=lambda column: column.spare or 0))
    return kept, [column.head for column in columns if column not in kept and column.head]


def _table(columns: Sequence[Column]) -> RenderableType:
    table = plain_table(*(column.head for column in columns), right=tuple(column.head for column in columns if column.right))
    for shown, column in zip(table.columns, columns, strict=True):
        shown.header = Text(column.head)  # the name of a metric is no markup
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _notes(view: ShowInstancesJson, name: str, listed: int, left_out: Sequence[str]) -> list[str]:
    found = [f"no room for: {', '.join(left_out)}"] if left_out else []
    mine = [i for i in view["instances"] if i["name"] == name]
    found += [said for said in (overlap_text(mine), as_sum_text(view, name)) if said is not None]
    if listed > MOST:
        found.append(f"{listed - MOST:,} earlier ones are not printed: --json and `trainwatt export --what phases` have them.")
    more = metrics_of(mine)[MOST_METRICS:]
    if more:
        found.append(f"{amount(len(more), 'metrics')} more: --json has them.")
    return found
