"""Units of work: their names, the word for one of them, which one stands where there is room for one, and how large amounts are stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.core.work import LONGEST_NAME, chosen, counted, from_part, singular, stored_parts, wrong_with

NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,39}\Z")


@pytest.mark.parametrize(
    ("unit", "one"),
    [
        *(("samples", "sample"), ("tokens", "token"), ("requests", "request"), ("images", "image"), ("gpu_hours", "gpu_hour")),
        *(("queries", "query"), ("batches", "batch"), ("boxes", "box"), ("passes", "pass"), ("wishes", "wish"), ("ties", "tie")),
        *(("pass", "pass"), ("audio_s", "audio_s"), ("s", "s"), ("kwh", "kwh"), ("time_series", "time_series"), ("request", "request")),
    ],
)
def test_the_word_for_one(unit: str, one: str) -> None:
    assert singular(unit) == one


@given(NAMES)
def test_the_word_for_one_is_a_name_too(unit: str) -> None:
    assert wrong_with(unit) is None
    assert wrong_with(singular(unit)) is None


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        *(("Requests", "lower case: requests"), ("", "as in requests"), ("2d", "as in requests"), ("two words", "as in requests")),
        *(("café", "as in requests"), ("a" * (LONGEST_NAME + 1), "at most 39 more"), ("_a", "as in requests"), ("a\n", "as in requests")),
    ],
)
def test_why_a_name_is_none_of_a_unit(unit: str, why: str) -> None:
    assert why in (wrong_with(unit) or "")


@given(NAMES, st.integers(0, 10**53))
def test_an_amount_of_any_size_is_read_as_it_was_stored(unit: str, amount: int) -> None:
    parts = stored_parts(unit, amount)
    assert all(0 <= stored < 2**63 for _, stored in parts)
    read = [from_part(*part) for part in parts]
    assert {name for name, _ in read} == {unit}
    assert sum(found for _, found in read) == amount
    assert amount >= 10**18 or parts == [(unit, amount)]  # as before


@pytest.mark.parametrize("name", ["flops*1e19", "flops*1e999999999", "flops*", "*1e18x", "a*b"])
def test_a_row_of_another_program_is_a_unit_by_its_name(name: str) -> None:
    assert from_part(name, 7) == (name, 7)


@pytest.mark.parametrize(
    ("work", "asked", "unit"),
    [
        ({"tokens": 5, "samples": 3, "a": 1}, None, "samples"),
        ({"tokens": 5, "samples": 0}, None, "tokens"),
        ({"requests": 5, "images": 4, "flops": 10**20}, None, "images"),
        ({"flops": 10**20}, None, None),
        ({"flops": 10**20}, "flop", "flops"),
        ({"requests": 5, "samples": 4}, "request", "requests"),
        ({"request": 5, "samples": 4}, "requests", "request"),
        ({"samples": 4}, "requests", None),
        ({}, None, None),
    ],
)
def test_the_unit_where_there_is_room_for_one(work: dict[str, int], asked: str | None, unit: str | None) -> None:
    assert chosen(work, asked) == unit


def test_one_unit_has_two_spellings() -> None:
    assert counted({"request": 2, "requests": 3, "tokens": 9}, "requests") == 5
