"""Iterables whose items are counted as batches."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, SupportsFloat, TypeVar

from ...core.plain import whole
from ...errors import BudgetExceeded, TrainwattError
from ...texts import repr_of
from ...unwarned import unwarned
from .batches import batch_sizes

if TYPE_CHECKING:
    from ..budgeting.passes import Pass

T = TypeVar("T")
SampleCount = SupportsFloat | Callable[[Any], SupportsFloat] | None
UNCOUNTED = "work done could not be counted"
UNKNOWN = "the samples of a batch could not be counted"
"""What is reported for a batch whose size cannot be told."""
UNSEEN = "the length of a loader is not known"


class CountedIterable(Generic[T]):
    """An iterable that reports the samples of each item when it hands the item over. Its length is that of the original.

    An item counts when it is handed over, not after it was used: the loop may end by `break`, and the consumer may change the item.
    `report` gets the samples, and `fault` an exception if they are not known. `begin` is told of each pass.
    """

    def __init__(
        self,
        items: Iterable[T] | AsyncIterable[T],
        samples: SampleCount,
        report: Callable[[int], None],
        fault: Callable[[str, Exception], None],
        begin: Callable[[object], Pass | None],
    ) -> None:
        self._items = items
        self._samples = None if samples is len else samples
        self._report = report
        self._fault = fault
        self._begin = begin
        self._parts = _collates_by_default(items)
        # Whether a batch is a list of its samples, once that is known: then it is known of the last, smaller batch too.
        self._of_samples: bool | None = None

    def __iter__(self) -> Iterator[T]:
        batches = self._begun()
        try:
            for item in self._items:  # type: ignore[union-attr]
                self._count(item)
                yield item
                if batches is not None:
                    batches.done()
        finally:
            if batches is not None:
                batches.end()

    def __len__(self) -> int:
        return len(self._items)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return bool(self._items)  # else its length would decide, and it may have none

    def __getattr__(self, name: str) -> Any:
        """All other attributes are those of the original, such as `dataset`, `sampler` and `batch_size` of a loader."""
        if "_items" not in self.__dict__:  # a copy that is being made
            raise AttributeError(name)
        return getattr(self._items, name)

    def _begun(self) -> Pass | None:
        try:
            return self._begin(self._items)
        except Exception as error:  # the types are the user's
            self._fault(UNSEEN, error)
            return None

    def _count(self, item: T) -> None:
        try:
            self._report(unwarned(self._size, item))
        except BudgetExceeded:  # the user asks for it
            raise
        except Exception as error:  # the types are the user's
            self._fault(UNKNOWN, error)

    def _size(self, item: T) -> int:
        if self._samples is not None:
            found = self._samples(item) if callable(self._samples) else self._samples
            try:
                return whole(found)
            except (TypeError, ValueError, OverflowError):
                raise TrainwattError(f"samples={repr_of(found)}: give a whole number, or a function of the batch") from None
        sizes = batch_sizes(item, parts=self._parts)
        n = len(item) if isinstance(item, Sequence) else None
        if len(sizes) == 2 and n in sizes and self._of_samples is not None:
            sizes = frozenset({n}) if self._of_samples else sizes - {n}
        if len(sizes) != 1:
            how = "may hold " + " or ".join(map(str, sorted(sizes))) if sizes else "does not show how many it holds"
            raise TrainwattError(
                f"a batch of type {type(item).__name__} {how}: give the number of samples, for example wrap(loader, samples=32)"
                " or wrap(loader, samples=lambda batch: len(batch['labels']))"
            )
        [size] = sizes
        if self._of_samples is None and n is not None and (size != n or size not in batch_sizes(item, parts=True)):
            self._of_samples = size == n
        return size


class CountedIterator(CountedIterable[T]):
    """The same for an iterator: it is one itself."""

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        item: T = next(self._items)  # type: ignore[call-overload]
        self._count(item)
        return item


class CountedAsyncIterable(CountedIterable[T]):
    """The same for what `async for` takes."""

    def __aiter__(self) -> AsyncIterator[T]:
        return CountedAsyncIterator(aiter(self._items), self._samples, self._report, self._fault, self._begin)  # type: ignore[arg-type]


class CountedAsyncIterator(CountedIterable[T]):
    """The same for an asynchronous iterator: it is one itself."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        item: T = await anext(self._items)  # type: ignore[call-overload]
        self._count(item)
        return item


def counted(
    items: Iterable[T] | AsyncIterable[T],
    samples: SampleCount,
    report: Callable[[int], None],
    fault: Callable[[str, Exception], None],
    begin: Callable[[object], Pass | None],
) -> CountedIterable[T]:
    """`items` as an iterable whose items are counted; as an iterator if it is one, and asynchronous if it is."""
    kind: type[CountedIterable[T]] = CountedIterator if isinstance(items, Iterator) else CountedIterable
    if isinstance(items, AsyncIterable) and not isinstance(items, Iterable):
        kind = CountedAsyncIterator if isinstance(items, AsyncIterator) else CountedAsyncIterable
    return kind(items, samples, report, fault, begin)


def _collates_by_default(items: object) -> bool:
    """Whether a loader makes its batches by PyTorch's default collation, whose lists have the parts of a batch."""
    collate = getattr(items, "collate_fn", None) or getattr(items, "_collate_fn", None)  # of a loader, or of an iterator of one
    return getattr(collate, "__name__", "") == "default_collate"
