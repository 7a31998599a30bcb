"""A progress bar for long work, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console

T = TypeVar("T")


def followed(items: Iterable[T], what: str, total: int, *, hidden: bool = False) -> Iterator[T]:
    """The items, one after the other, while a progress bar on stderr counts the runs, of which there are `total`. The bar disappears at the
    end. There is no bar for a single item, or if it is `hidden`."""
    for one in counted(([item] for item in items), what, total, hidden=hidden):
        yield from one


def counted(batches: Iterable[Sequence[T]], what: str, total: int, *, hidden: bool = False) -> Iterator[Sequence[T]]:
    """The same for items that are taken several at a time."""
    on = Console(stderr=True)
    if hidden or total < 2 or not on.is_terminal:
        yield from batches
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # not needed in a pipe

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"), TimeRemainingColumn())
    with Progress(*columns, console=on, transient=True) as bar:
        task = bar.add_task(what, total=total)
        for batch in batches:
            yield batch
            bar.advance(task, len(batch))
