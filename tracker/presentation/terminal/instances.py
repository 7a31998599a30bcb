"""PURE: the instances of phases, as `show --phases` prints them: a line each, with energy, work and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from ...core.work import chosen, singular
from ..words.quantities import amount, format_duration, format_energy, format_range, largest_j, significant
from ..words.runs import headline
from ..words.safe_text import cleaned
from .run import plain_table
from .sparkline import bar

if TYPE_CHECKING:
    from ...core.contract import InstanceJson, ShowInstancesJson

MOST = 100
"""Of each phase, so many newest instances are printed. JSON and `export` have all that are kept."""
MOST_METRICS = 4
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


class _Column(NamedTuple):
    """A column. If the table is too wide, the columns with the highest `spare` are left out first; one without is never left out."""

    head: str
    cells: list[str]
    right: bool = True
    spare: int | None = None

    @property
    def width(self) -> int:
        """Its cells, with the space beside it."""
        return 2 + max(map(cell_len, (self.head, *self.cells)))


def _table(instances: Sequence[InstanceJson], per: str | None, width: int) -> RenderableType:
    columns = _columns(instances, per)
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


def _columns(instances: Sequence[InstanceJson], per: str | None) -> list[_Column]:
    steps = any(i["step"] is not None for i in instances)
    unit = next((u for i in reversed(instances) if (u := chosen(i["work"], per))), None)
    largest, largest_each = largest_j(i["energy_j"] for i in instances), largest_j(_each_j(i, unit) for i in instances)
    found = [
        _Column("step" if steps else "number", [str(i["number"] if i["step"] is None else i["step"]) for i in instances]),
        _Column("from", [format_duration(i["from_s"]) for i in instances], spare=3),
        _Column("time", ["" if i["duration_s"] is None else format_duration(i["duration_s"]) for i in instances]),
        _Column("energy (range)", [_energy(i, largest) for i in instances], right=False),
        _Column("", [bar((i["energy_j"] or 0.0) / (largest or 1.0), BAR) for i in instances], right=False, spare=20),
    ]
    if unit is not None:
        each = [_each_j(i, unit) for i in instances]
        found += [
            _Column(unit, [f"{i['work'].get(unit, 0):,}" for i in instances], spare=2),
            _Column(f"per {singular(unit)}", ["" if e is None else format_energy(e, largest_each) for e in each], spare=1),
        ]
    metrics = list(dict.fromkeys(name for i in instances for name in i["metrics"]))[:MOST_METRICS]
    for number, name in enumerate(metrics):
        values = [significant(i["metrics"][name], 4) if name in i["metrics"] else "" for i in instances]
        found.append(_Column(name, values, spare=10 + number if number else 0))
    return found


def _energy(instance: InstanceJson, largest: float | None) -> str:
    energy, low, high = instance["energy_j"], instance["low_j"], instance["high_j"]
    if energy is None or low is None or high is None:
        return "running" if instance["duration_s"] is None else "not known yet"
    text = format_range(energy, low, high, largest)
    return text if instance["resolved"] else f"{text}, too short"


def _each_j(instance: InstanceJson, unit: str | None) -> float | None:
    each = None if unit is None else instance["per_unit"].get(unit)
    return None if each is None else each["energy_j"]


def _notes(view: ShowInstancesJson, name: str, listed: int) -> list[str]:
    found = []
    if (rest := view["as_sums"].get(name)) is not None:
        energy = "" if rest["energy_j"] is None else f": {format_energy(rest['energy_j'])} in {format_duration(rest['duration_s'])}"
        found.append(f"{rest['count']:,} earlier instances are kept as a sum only{energy}.")
    if listed > MOST:
        found.append(f"{listed - MOST:,} earlier ones are not printed: --json and `trainwatt export --what phases` have them.")
    more = list(dict.fromkeys(m for i in view["instances"] if i["name"] == name for m in i["metrics"]))[MOST_METRICS:]
    if more:
        found.append(f"{amount(len(more), 'metrics')} more: --json has them.")
    return found
