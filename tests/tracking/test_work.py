"""How many samples a batch holds."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator

import pytest

from trainwatt.tracking.work import CountedIterable, batch_size


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
        (iter([1, 2]), 1),
    ],
)
def test_the_size_of_a_batch(batch: object, size: int) -> None:
    assert batch_size(batch) == size


def test_nested_inputs_are_as_many_as_their_first_tensor() -> None:
    """((image, text), target) holds 32 samples, not 2."""
    assert batch_size(((X, Y), Y)) == 32


def test_what_is_no_tensor_in_a_mapping_is_passed_over() -> None:
    """The first dimension of its first tensor."""
    assert batch_size({"epoch": 3, "input_ids": X}) == 32


def test_samples_are_reported_after_the_body_has_run() -> None:
    log: list[str | int] = []
    for item in CountedIterable([X, Tensor(5, 3)], None, log.append):
        log.append("body")
        assert isinstance(item, Tensor)
    assert log == ["body", 32, "body", 5]


def test_an_item_whose_body_failed_is_not_reported() -> None:
    reported: list[int] = []

    def train() -> None:
        for i, _ in enumerate(CountedIterable([X, X, X], None, reported.append)):
            if i == 1:
                raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        train()
    assert reported == [32]


@pytest.mark.parametrize(("samples", "expected"), [(7, [7, 7]), (None, [2, 3]), (len, [2, 3]), (lambda b: b[0], [10, 20])])
def test_samples_are_a_number_or_asked_of_the_batch(samples: object, expected: list[int]) -> None:
    reported: list[int] = []
    items = [[10, 11], [20, 21, 22]]
    assert list(CountedIterable(items, samples, reported.append)) == items  # type: ignore[arg-type]
    assert reported == expected


def test_it_is_as_long_as_the_original_and_can_be_looped_again() -> None:
    reported: list[int] = []
    counted = CountedIterable([X, X], 1, reported.append)
    assert len(counted) == 2
    assert len(list(counted)) == len(list(counted)) == 2
    assert reported == [1] * 4


def test_an_iterable_without_a_length_still_loops() -> None:
    def endless() -> Iterator[int]:
        yield from range(3)

    counted = CountedIterable(endless(), 1, lambda n: None)
    with pytest.raises(TypeError):
        len(counted)
    assert list(counted) == [0, 1, 2]
