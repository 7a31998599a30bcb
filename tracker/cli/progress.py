"""A progress bar for long work, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def followed(items: Sequence[T], what: str, *, hidden: bool = False) -> Iterator[T]:
    """The items, one after the other, while a progress bar on stderr counts the runs. The bar disappears at the end. There is no bar for a
    single item, or if it is `hidden`."""
    on = Console(stderr=True)
    if hidden or len(items) < 2 or not on.is_terminal:
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"), TimeRemainingColumn())
    with Progress(*columns, console=on, transient=True) as bar:
        yield from bar.track(items, description=what)
