"""PURE: the instances of a phase as the columns of a table: step, time, energy, work and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from ...core.work import chosen, singular
from ..words.quantities import format_duration, format_energy, format_range, largest_j, metric_text

if TYPE_CHECKING:
    from ...core.contract import InstanceJson, InstancesPartJson

MOST_METRICS = 4
OVERLAP = 0.05
"""An instance overlaps if more than this share of its time is that of those before it too: ranks are never in step to the millisecond."""


class Column(NamedTuple):
    """A column. If the table is too wide, the columns with the highest `spare` are left out first; one without is never left out."""

    head: str
    cells: list[str]
    right: bool = True
    spare: int | None = None

    @property
    def width(self) -> int:
        """Its cells, with the space beside it."""
        return 2 + max(map(cell_len, (self.head, *self.cells)))


def columns_of(instances: Sequence[InstanceJson], per: str | None, *, running: bool) -> list[Column]:
    """The columns for instances of one phase. `per`: the unit of work that the user asks for. `running`: whether the run
    goes on."""
    steps = any(i["step"] is not None for i in instances)
    unit = next((u for i in reversed(instances) if (u := chosen(i["work"], per))), None)
    largest, largest_each = largest_j(i["energy_j"] for i in instances), largest_j(_each_j(i, unit) for i in instances)
    found = [
        Column("step" if steps else "number", list(map(step_of, instances))),
        Column("from", [format_duration(i["from_s"]) for i in instances], spare=3),
        Column("time", ["" if i["duration_s"] is None else format_duration(i["duration_s"]) for i in instances]),
        Column("energy (range)", [_energy(i, largest, running=running) for i in instances], right=False),
    ]
    if unit is not None:
        each = [_each_j(i, unit) for i in instances]
        found += [
            Column(unit, [f"{i['work'].get(unit, 0):,}" for i in instances], spare=2),
            Column(f"per {singular(unit)}", ["" if e is None else format_energy(e, largest_each) for e in each], spare=1),
        ]
    for number, name in enumerate(metrics_of(instances)[:MOST_METRICS]):
        values = [metric_text(i["metrics"][name]) if name in i["metrics"] else "" for i in instances]
        found.append(Column(name, values, spare=10 + number if number else 0))
    return found


def _energy(instance: InstanceJson, largest: float | None, *, running: bool) -> str:
    energy, low, high = instance["energy_j"], instance["low_j"], instance["high_j"]
    if energy is None or low is None or high is None:
        if running:
            return "running" if instance["duration_s"] is None else "not known yet"
        return "did not end" if instance["duration_s"] is None else "not known"
    text = format_range(energy, low, high, largest)
    return text if instance["resolved"] else f"{text}, too short"


def _each_j(instance: InstanceJson, unit: str | None) -> float | None:
    each = None if unit is None else instance["per_unit"].get(unit)
    return None if each is None else each["energy_j"]


def step_of(instance: InstanceJson) -> str:
    """Its step; without one, its number."""
    return str(instance["number"] if instance["step"] is None else instance["step"])


def metrics_of(instances: Sequence[InstanceJson]) -> list[str]:
    """The metrics that were logged, in the order in which they were."""
    return list(dict.fromkeys(name for i in instances for name in i["metrics"]))


def overlap_text(instances: Sequence[InstanceJson]) -> str | None:
    """What is said of instances of one phase at the same time, as in threads; None if each begins when those before it have ended."""
    until_s = 0.0
    for instance in instances:
        start_s, length_s = instance["from_s"], instance["duration_s"] or 0.0
        if min(until_s - start_s, length_s) > OVERLAP * length_s:
            return "Instances at the same time count once: each has only what it adds to the others."
        until_s = max(until_s, start_s + length_s)
    return None


def as_sum_text(part: InstancesPartJson, name: str) -> str | None:
    """What is said of the instances of a phase that are kept as a sum only; None if there are none."""
    rest = part["as_sums"].get(name)
    if rest is None:
        return None
    energy = "" if rest["energy_j"] is None else f": {format_energy(rest['energy_j'])} in {format_duration(rest['duration_s'])}"
    return f"{rest['count']:,} earlier instances are kept as a sum only{energy}."
