"""How many samples a batch holds, and when it counts."""

from __future__ import annotations

import copy
from collections import UserDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.coroutines import run
from trainwatt.tracking.work.batches import batch_sizes
from trainwatt.tracking.work.counted import UNKNOWN, CountedIterable, counted


class Tensor:
    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]


X, Y = Tensor(32, 3, 8, 8), Tensor(32)


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        (X, 32),
        (Tensor(), 1),
        (Tensor(0, 5), 0),
        ((X, Y), 32),
        ([X, Y], 32),
        ({"input_ids": X, "labels": Y}, 32),
        (UserDict({"input_ids": X}), 32),
        (({"input_ids": X}, Y), 32),
        ([1, 2, 3], 3),
        (["a", "bc"], 2),
        ("text", 1),
        (b"bytes", 1),
        (7, 1),
        (None, 1),
        ([], 0),
        ({}, 0),
        ({"text": ["a", "b", "c"]}, 3),
    ],
)
def test_the_size_of_a_batch(batch: object, size: int) -> None:
    assert batch_sizes(batch) == {size}


@dataclass
class Batch:
    images: object
    names: list[str]


class Graphs:
    num_graphs = 4
    x = Tensor(100, 16)


def images(n: int, *, same: bool = False) -> list[Tensor]:
    """Images of different heights, as detection models take them."""
    return [Tensor(3, 480 if same else 480 + i, 640) for i in range(n)]


def targets(n: int) -> list[dict[str, Tensor]]:
    """The boxes of as many images."""
    return [{"boxes": Tensor(1 + i % 3, 4), "labels": Tensor(1 + i % 3)} for i in range(n)]


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        (images(8), 8),  # torchvision, only the images
        (images(8, same=True), 8),
        ((tuple(images(8)), tuple(targets(8))), 8),  # torchvision: tuple(zip(*samples))
        ((tuple(images(2)), tuple(targets(2))), 2),
        ({"images": images(8), "targets": targets(8)}, 8),
        ([{"file_name": "a.jpg", "height": 480, "image": image} for image in images(8)], 8),  # detectron2
        ([{"file_name": "a.jpg", "height": 480, "image": image} for image in images(1)], 1),
        ([{"image": image} for image in images(8, same=True)], 8),
        ([(image, 7) for image in images(8)], 8),  # not collated at all
        ((["text"] * 8, Tensor(8, 3)), 8),
        ([["a"] * 8, ["b"] * 8], 8),
        ([Tensor(17), Tensor(23), Tensor(9), Tensor(12)], 4),  # sequences of tokens
        ([[1, 2], [3, 4, 5], [6]], 3),
        ({"input_ids": [[1, 2], [3, 4, 5]], "labels": [0, 1]}, 2),
        ({"loss_scale": Tensor(), "input_ids": X}, 32),
        ({"text": "a sentence", "label": 1}, 1),
        ({"input_ids": X, "class_weights": Tensor(10)}, 32),  # the inputs come first
        ([{"data": X, "label": Tensor(32, 1)}], 32),  # DALI on one GPU
        ([Tensor(32, 10), Tensor(32, 1)], 32),
        ([Tensor(32, 10)] * 3, 32),
        (((X, Y), (Y, Y)), 32),
        (Graphs(), 4),
        (Batch(X, ["a"] * 32), 32),
        (range(5), 5),
        (np.zeros((6, 2)), 6),
        (np.array(3.0), 1),
        ([np.zeros((10 + i, 20, 3)) for i in range(5)], 5),
        (torch.nn.utils.rnn.pack_sequence([torch.zeros(5, 2), torch.zeros(3, 2), torch.zeros(1, 2)]), 3),
        (torch.nested.nested_tensor([torch.zeros(3, 2), torch.zeros(4, 2)], layout=torch.jagged), 2),
    ],
)
def test_the_size_of_a_batch_that_is_certain(batch: object, size: int) -> None:
    assert batch_sizes(batch) == {size}


@pytest.mark.parametrize(
    ("batch", "sizes"),
    [
        (images(2), {2, 3}),  # two images, or three pairs of sequences
        ([Tensor(80, 100 + i) for i in range(8)], {8, 80}),  # eight spectrograms, or eight columns
        ((Tensor(8), Tensor(517), Tensor(8)), set()),  # labels, tokens, offsets
        (iter([1, 2]), set()),
        (object(), set()),
    ],
)
def test_what_is_not_certain_is_not_counted(batch: object, sizes: set[int]) -> None:
    assert batch_sizes(batch) == sizes


@given(st.integers(5, 64), st.integers(1, 6), st.integers(1, 3))
def test_equal_parts_of_a_batch_have_its_size(n: int, parts: int, dimensions: int) -> None:
    part = Tensor(n, *[7] * dimensions)
    for batch in (part, (part,) * parts, [part] * parts, {str(i): part for i in range(parts)}):
        assert n in batch_sizes(batch)
        assert batch_sizes(batch, parts=True) == {n}


def test_nested_inputs_are_as_many_as_their_first_tensor() -> None:
    """((image, text), target) holds 32 samples, not 2."""
    assert batch_sizes(((X, Y), Y)) == {32}


def test_what_is_no_tensor_in_a_mapping_is_passed_over() -> None:
    """The first dimension of its first tensor."""
    assert batch_sizes({"epoch": 3, "input_ids": X}) == {32}


def nothing(loader: object) -> None:
    pass


def no_fault(what: str, error: Exception) -> None:
    raise AssertionError(what) from error


def wrapped(items: Any, samples: Any = None) -> tuple[CountedIterable[Any], list[int]]:
    """The items, and the samples that are reported."""
    reported: list[int] = []
    return counted(items, samples, reported.append, no_fault, nothing), reported


def test_samples_are_reported_when_a_batch_is_handed_over() -> None:
    log: list[str | int] = []
    for item in counted([[1, 2, 3], [4]], None, log.append, no_fault, nothing):
        log.append("body")
        item.clear()  # the batch belongs to the loop
    assert log == [3, "body", 1, "body"]


def leave_by_break(batches: Iterable[Any]) -> None:
    for i, _ in enumerate(batches, 1):
        if i == 10:
            break


def leave_by_exception(batches: Iterable[Any]) -> None:
    def train() -> None:
        for i, _ in enumerate(batches, 1):
            if i == 10:
                raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        train()


def hold_on_to_the_iterator(batches: Iterable[Any]) -> None:
    held.append(iter(batches))
    for _ in range(10):
        next(held[-1])


held: list[Iterator[Any]] = []


@pytest.mark.parametrize(
    "leave",
    [leave_by_break, leave_by_exception, lambda batches: list(islice(batches, 10)), hold_on_to_the_iterator],
    ids=["break", "exception", "islice", "held"],
)
def test_ten_batches_are_ten_however_the_loop_is_left(leave: Callable[[Iterable[Any]], object]) -> None:
    loader, reported = wrapped([Tensor(8, 3)] * 100)
    leave(loader)
    assert reported == [8] * 10


def test_a_wrapped_iterator_is_an_iterator() -> None:
    loader, reported = wrapped(iter([X, Y, X]))
    assert next(loader) is X
    assert list(loader) == [Y, X]
    assert reported == [32] * 3
    assert bool(loader)
    with pytest.raises(TypeError):
        len(loader)
    with pytest.raises(TypeError):
        next(wrapped([X])[0])


def test_an_iterator_with_a_length_keeps_it() -> None:
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(10, 3), torch.zeros(10, 1)), batch_size=4)
    loader, reported = wrapped(iter(data))
    assert len(loader) == 3
    next(loader)
    assert reported == [4]


def test_the_default_collation_makes_parts() -> None:
    """Five columns of one type look like five samples; PyTorch's own collation says which they are."""
    columns = [torch.zeros(22, width, 2) for width in (3, 1, 2, 5, 4)]
    loader, reported = wrapped(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*columns), batch_size=4))
    list(loader)
    assert reported == [4, 4, 4, 4, 4, 2]


def test_what_one_batch_makes_certain_is_certain_for_the_last_one() -> None:
    loader, reported = wrapped([images(8), images(8), images(2)])
    list(loader)
    assert reported == [8, 8, 2]
    loader, reported = wrapped([[Tensor(32, 50, 7), Tensor(32, 10, 7)], [Tensor(4, 50, 7), Tensor(4, 10, 7)]])
    list(loader)
    assert reported == [32, 4]


def test_a_size_that_cannot_be_told_is_a_fault_with_its_mend() -> None:
    faults: list[tuple[str, str]] = []
    loader = counted([images(2), X], None, lambda n: None, lambda what, error: faults.append((what, str(error))), nothing)
    assert len(list(loader)) == 2
    [(what, why)] = faults
    assert what == UNKNOWN
    assert "may hold 2 or 3" in why
    assert "samples=" in why


@pytest.mark.parametrize("samples", [np.int64(32), np.float32(32), torch.tensor(32), lambda _: np.int32(32), lambda _: torch.tensor(32.0)])
def test_a_number_of_any_library_is_a_number(samples: Any) -> None:
    loader, reported = wrapped([X, X], samples)
    list(loader)
    assert reported == [32, 32]
    assert all(type(n) is int for n in reported)


@pytest.mark.parametrize(("samples", "expected"), [(7, [7, 7]), (None, [2, 3]), (len, [2, 3]), (lambda b: b[0], [10, 20])])
def test_samples_are_a_number_or_asked_of_the_batch(samples: object, expected: list[int]) -> None:
    items = [[10, 11], [20, 21, 22]]
    loader, reported = wrapped(items, samples)
    assert list(loader) == items
    assert reported == expected


def test_it_is_as_long_as_the_original_and_can_be_looped_again() -> None:
    loader, reported = wrapped([X, X], 1)
    assert len(loader) == 2
    assert len(list(loader)) == len(list(loader)) == 2
    assert reported == [1] * 4


def test_an_iterable_without_a_length_still_loops() -> None:
    def endless() -> Iterator[int]:
        yield from range(3)

    loader, _ = wrapped(endless(), 1)
    with pytest.raises(TypeError):
        len(loader)
    assert list(loader) == [0, 1, 2]


class Loader:
    """An asynchronous loader, such as of a service."""

    async def __aiter__(self) -> AsyncIterator[Tensor]:
        for _ in range(3):
            yield X


def test_what_async_for_takes_is_counted_too() -> None:
    async def use(loader: Any, stop_after: int) -> int:
        seen = 0
        async for _ in loader:
            seen += 1
            if seen == stop_after:
                break
        return seen

    loader, reported = wrapped(Loader())
    assert [run(use(loader, n)) for n in (9, 2)] == [3, 2]
    assert reported == [32] * 5

    async def first() -> object:
        return await anext(wrapped(aiter(Loader()))[0])

    assert run(first()) is X


def test_a_wrapped_loader_can_be_copied() -> None:
    loader, reported = wrapped([X, X])
    assert list(copy.copy(loader)) == [X, X]
    assert reported == [32, 32]
