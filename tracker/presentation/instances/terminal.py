"""PURE: the instances of phases, as `show --phases` prints them: a line each, with energy, work and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ..terminal.run import plain_table
from ..terminal.sparkline import bar
from ..words.quantities import amount, largest_j
from ..words.runs import headline
from ..words.safe_text import cleaned
from .columns import MOST_METRICS, Column, as_sum_text, columns_of, metrics_of

if TYPE_CHECKING:
    from ...core.contract import InstanceJson, ShowInstancesJson

MOST = 100
"""Of each phase, so many newest instances are printed. JSON and `export` have all that are kept."""
BAR = 10


def instances_page(view: ShowInstancesJson, per: str | None, width: int) -> RenderableType:
    """The run's headline, and a table for each phase. `per`: the unit of work that the user asks for."""
    view = cleaned(view)
    parts: list[RenderableType] = [Text(headline(view), style="bold")]
    for name in dict.fromkeys([i["name"] for i in view["instances"]] + list(view["as_sums"])):
        mine = [instance for instance in view["instances"] if instance["name"] == name]
        parts += [Text(), Text(name, style="bold")]
        if mine:
            parts.append(_table(mine[-MOST:], per, width))
        parts += [Text(note, style="dim") for note in _notes(view, name, len(mine))]
    return Group(*parts)


def _table(instances: Sequence[InstanceJson], per: str | None, width: int) -> RenderableType:
    columns = columns_of(instances, per)
    largest = largest_j(i["energy_j"] for i in instances) or 1.0
    columns.insert(4, Column("", [bar((i["energy_j"] or 0.0) / largest, BAR) for i in instances], right=False, spare=20))
    while sum(column.width for column in columns) - 2 > width:
        spare = [column for column in columns if column.spare is not None]
        if not spare:
            break
        columns.remove(max(spare, key=lambda column: column.spare or 0))
    table = plain_table(*(column.head for column in columns), right=tuple(column.head for column in columns if column.right))
    for shown, column in zip(table.columns, columns, strict=True):
        shown.header = Text(column.head)  # the name of a metric is no markup
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _notes(view: ShowInstancesJson, name: str, listed: int) -> list[str]:
    said = as_sum_text(view, name)
    found = [] if said is None else [said]
    if listed > MOST:
        found.append(f"{listed - MOST:,} earlier ones are not printed: --json and `trainwatt export --what phases` have them.")
    more = metrics_of([i for i in view["instances"] if i["name"] == name])[MOST_METRICS:]
    if more:
        found.append(f"{amount(len(more), 'metrics')} more: --json has them.")
    return found
