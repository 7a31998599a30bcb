"""How many samples a batch holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Generic, TypeVar

from .harmless import Harmless

T = TypeVar("T")
SampleCount = int | Callable[[Any], int] | None


def batch_size(batch: object) -> int:
    """The number of samples in a batch: the first dimension of its first tensor, else its length, else 1.

    The size of a batch (inputs, targets) is that of its inputs, not 2.
    """
    if isinstance(batch, Mapping):
        if not batch:
            return 0
        return batch_size(next((v for v in batch.values() if _holds_tensor(v)), next(iter(batch.values()))))
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    if isinstance(batch, (list, tuple)) and batch and _holds_tensor(batch[0]):
        return batch_size(batch[0])
    return len(batch) if isinstance(batch, Sized) and not isinstance(batch, (str, bytes)) else 1


def _holds_tensor(item: object) -> bool:
    if isinstance(item, (list, tuple)):
        return bool(item) and _holds_tensor(item[0])
    return hasattr(item, "shape") or isinstance(item, Mapping)


class CountedIterable(Generic[T]):
    """An iterable that reports the samples of each item after the loop body has used it. Its length is that of the original."""

    def __init__(self, items: Iterable[T], samples: SampleCount, report: Callable[[int], None]) -> None:
        self._items = items
        self._samples = samples
        self._report = report

    def __iter__(self) -> Iterator[T]:
        harmless = Harmless()
        for item in self._items:
            yield item
            with harmless("the samples of a batch could not be counted"):
                self._report(self._count(item))

    def __len__(self) -> int:
        return len(self._items)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        """All other attributes are those of the original, such as `dataset`, `sampler` and `batch_size` of a loader."""
        return getattr(self.__dict__["_items"], name)

    def _count(self, item: T) -> int:
        if isinstance(self._samples, int):
            return self._samples
        if self._samples is None or self._samples is len:
            return batch_size(item)
        return int(self._samples(item))
