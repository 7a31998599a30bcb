"""PURE: a column of `list`, and those about the floating-point operations and the grams of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from ..words.masses import format_mass
from ..words.quantities import at_least, format_range, largest_j, metric_text, metric_title, number_of_flop, percent
from ..words.work.compute import flop_text

if TYPE_CHECKING:
    from ...core.contract import EntryJson, OfEnergyJson

T = TypeVar("T")
V = TypeVar("V", contravariant=True)


@dataclass(frozen=True, slots=True)
class Column(Generic[V]):
    """A column of the table, for entries of the kind V.

    `cells`: its texts, one per entry. They are made together, because a column of energies has one unit. `values`: the name and the value
    of each figure that CSV has in its place. `gives_way`: it is shortened when the terminal is too narrow.
    """

    title: str
    cells: Callable[[Sequence[V]], list[str]]
    values: tuple[tuple[str, Callable[[V], object]], ...]
    right: bool = False
    gives_way: bool = False


ComputeKey = Literal["flops", "flop_per_j", "flop_per_j_low", "flop_per_j_high", "mfu", "precision"]
_PER_JOULE: tuple[ComputeKey, ...] = ("flop_per_j", "flop_per_j_low", "flop_per_j_high")


def one_by_one(text: Callable[[T], str]) -> Callable[[Sequence[T]], list[str]]:
    """The cells of a column in which no entry depends on the others."""
    return lambda views: [text(view) for view in views]


def _of_compute(key: ComputeKey) -> Callable[[EntryJson], object]:
    return lambda view: None if (compute := view.get("compute")) is None else compute[key]


def _flops(view: EntryJson) -> str:
    return "" if (compute := view.get("compute")) is None else number_of_flop(compute["flops"])


def _flop_per_j(view: EntryJson) -> str:
    compute = view.get("compute")
    return "" if compute is None or compute["flop_per_j"] is None else flop_text(compute["flop_per_j"])


def _mfu(view: EntryJson) -> str:
    compute = view.get("compute")
    return "" if compute is None or compute["mfu"] is None else percent(compute["mfu"])


COMPUTE_COLUMNS: Mapping[str, Column[EntryJson]] = {
    "flops": Column("FLOP", one_by_one(_flops), (("flops", _of_compute("flops")),), right=True),
    "flop_per_j": Column("FLOP/J", one_by_one(_flop_per_j), tuple((name, _of_compute(name)) for name in _PER_JOULE), right=True),
    "mfu": Column("MFU", one_by_one(_mfu), (("mfu", _of_compute("mfu")), ("flops_precision", _of_compute("precision"))), right=True),
}
"""Columns for which an entry needs its `compute`, which a list otherwise leaves out."""


def _grams(view: OfEnergyJson) -> str:
    grams = view.get("grams")
    return "" if grams is None else at_least(format_mass(grams["total_g"], grams["low_g"], grams["high_g"]), grams["lower_bound"])


def _of_grams(key: Literal["total_g", "low_g", "high_g", "lower_bound"]) -> Callable[[OfEnergyJson], object]:
    return lambda view: None if (grams := view.get("grams")) is None else grams[key]


_BOUNDS = (("grams_low", _of_grams("low_g")), ("grams_high", _of_grams("high_g")), ("grams_lower_bound", _of_grams("lower_bound")))
GRAMS: Column[OfEnergyJson] = Column("CO2e", one_by_one(_grams), (("grams", _of_grams("total_g")), *_BOUNDS), right=True)
"""The column for which an entry needs its `grams`, which a list otherwise leaves out."""


def to_target(target: str) -> Column[EntryJson]:
    """The column of the energy until a metric reached a target, for which an entry needs its `to`."""

    def cells(views: Sequence[EntryJson]) -> list[str]:
        largest = largest_j(reached["energy_j"] for view in views if (reached := view.get("to")))
        return [format_range(r["energy_j"], r["low_j"], r["high_j"], largest) if (r := view.get("to")) else "never" for view in views]

    def of(key: Literal["energy_j", "low_j", "high_j", "after_s", "value"]) -> Callable[[EntryJson], object]:
        return lambda view: reached[key] if (reached := view.get("to")) else None

    names = (("to_j", of("energy_j")), ("to_low_j", of("low_j")), ("to_high_j", of("high_j")))
    return Column(f"to {target}", cells, (*names, ("to_s", of("after_s")), ("to_value", of("value"))))


def of_metric(name: str) -> Column[EntryJson]:
    """The column of the best value of a metric, for which an entry needs its `metric`."""

    def value(view: EntryJson) -> float | None:
        return metric["value"] if (metric := view.get("metric")) else None

    def text(view: EntryJson) -> str:
        return "–" if (found := value(view)) is None else metric_text(found)

    def which(view: EntryJson) -> str | None:
        return metric["which"] if (metric := view.get("metric")) else None

    return Column(metric_title(name), one_by_one(text), (("metric_value", value), ("metric_which", which)), right=True)


def behind_energy(columns: Sequence[Column[V]], *more: Column[V]) -> list[Column[V]]:
    """The columns with more of them behind the energy: of a narrow terminal, the last columns are left out."""
    at = next((i for i, column in enumerate(columns) if any(name == "energy_j" for name, _ in column.values)), len(columns) - 1)
    return [*columns[: at + 1], *more, *columns[at + 1 :]]
