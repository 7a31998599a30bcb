"""PURE: compared runs, quantity by quantity, as text for the cells of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...analysis.compared import Compared, Figure, Missing, Reason
from .comparison import difference, percent, writer
from .comparison_facts import missing_text, remark_text
from .safe_text import clipped

TITLES = {"energy": "energy (range)", "duration": "time", "power": "mean power", "grams": "CO2e"}


class Row(NamedTuple):
    """One run's line of a block."""

    label: str
    value: str
    difference: str
    ratio: str


class Block(NamedTuple):
    """One quantity of all runs."""

    title: str
    rows: tuple[Row, ...]


def blocks(runs: Sequence[Compared]) -> Iterator[Block]:
    """All quantities: those of the runs, then of the devices, then of the phases."""
    for name in dict.fromkeys(f.name for run in runs for f in run.figures):
        unit = name.removeprefix("energy_per_")
        yield _block(TITLES.get(name, f"energy per {unit}"), [_named(run.figures, name) for run in runs], runs)
    for name in dict.fromkeys(f.name for run in runs for f in run.devices):
        yield _block(clipped(name, 60), [_named(run.devices, name) for run in runs], runs)
    for name in dict.fromkeys(f.name for run in runs for f in run.phases):
        figures = [_named(run.phases, name) for run in runs]
        yield _block(f"phase {clipped(name, 60)}", figures, runs)
        if len({remark_text(f) for f in figures if f is not None and f.value is not None}) > 1:
            yield _block(f"phase {clipped(name, 50)}, each time", [_named(run.each, name) for run in runs], runs)


def _named(figures: Sequence[Figure], name: str) -> Figure | None:
    return next((f for f in figures if f.name == name), None)


def _block(title: str, figures: Sequence[Figure | None], runs: Sequence[Compared]) -> Block:
    write = writer([f for f in figures if f is not None])
    rows = []
    for run, f in zip(runs, figures, strict=True):
        if f is None or f.value is None:
            rows.append(Row(run.label, _missing(f), "", ""))
            continue
        value = write(f.value) if f.low == f.high else f"{write(f.value)} ({write(f.low, False)}–{write(f.high, False)})"
        rows.append(Row(run.label, value, difference(f.change, write), percent(f.change)) if f.change else Row(run.label, value, "", ""))
    remarks = _remarks(figures, runs)
    return Block(f"{title}: {remarks}" if remarks else title, tuple(rows))


def _missing(figure: Figure | None) -> str:
    if figure is None:
        return missing_text(Missing(Reason.NOT_IN_RUN))
    return "not known" if figure.missing is None else missing_text(figure.missing)


def _remarks(figures: Sequence[Figure | None], runs: Sequence[Compared]) -> str:
    """The remark, once if it is the same for all runs, else with the labels of its runs."""
    of: dict[str, list[str]] = {}
    known = [(run.label, f) for run, f in zip(runs, figures, strict=True) if f is not None and f.value is not None]
    for label, f in known:
        of.setdefault(remark_text(f) or "", []).append(label)
    if len(of) == 1:
        return next(iter(of))
    return "; ".join(f"{', '.join(labels)} {remark}" for remark, labels in of.items() if remark)
