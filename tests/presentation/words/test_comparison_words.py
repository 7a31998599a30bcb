"""Differences and ratios in words: every number has its sign, and the range holds the value."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.analysis.comparing.compared import Figure
from trainwatt.energy.difference import NONE, Change
from trainwatt.presentation.words.comparison import difference, percent, signed, writer
from trainwatt.presentation.words.quantities import significant

WH = writer([Figure("energy", "J", 9000.0)])
J = writer([Figure("energy", "J", 100.0)])
NUMBER = re.compile(r"[−+±]?\d+(?:\.\d+)?")


def by(low: float | None, value: float, high: float | None, base: float = 7200.0) -> Change:
    """A difference in joules and the ratio that belongs to it."""
    ratios = ((base + value) / base, *(None if end is None else (base + end) / base for end in (low, high)))
    return Change(value, low, high, *ratios)


def numbers(text: str) -> list[float]:
    """The numbers of a text, each with the sign that stands before it."""
    return [float(found.replace("−", "-").replace("±", "")) for found in NUMBER.findall(text)]


@pytest.mark.parametrize(
    ("change", "joules", "ratio"),
    [
        (by(2160.0, 2556.0, 2952.0), "+0.710 Wh (0.600–0.820)", "+36 % (30–41)"),
        (by(-2361.6, -1411.2, -460.8), "−0.392 Wh (−0.656 to −0.128)", "−20 % (−33 to −6)"),
        (by(-360.0, 2556.0, 5400.0), "+0.710 Wh (−0.100 to +1.50)", "+36 % (−5 to +75)"),
        (by(-5400.0, -2556.0, 360.0), "−0.710 Wh (−1.50 to +0.100)", "−36 % (−75 to +5)"),
        (by(-2361.6, -1411.2, None), "−0.392 Wh (≥ −0.656)", "−20 % (≥ −33)"),
        (by(None, -1411.2, -460.8), "−0.392 Wh (≤ −0.128)", "−20 % (≤ −6)"),
        (by(None, 2556.0, None), "+0.710 Wh (unknown)", "+36 % (unknown)"),
        (by(0.0, 2556.0, 5400.0), "+0.710 Wh (±0 to +1.50)", "+36 % (±0 to +75)"),
        (by(1440.0, 1440.0, 1440.0), "+0.400 Wh", "+20 %"),
        (NONE, "±0 Wh", "±0 %"),
    ],
)
def test_how_a_difference_reads(change: Change, joules: str, ratio: str) -> None:
    assert difference(change, WH) == joules
    assert percent(change) == ratio


def test_a_small_difference_in_joules() -> None:
    assert difference(by(-16.2, -9.97, -2.16), J) == "−9.97 J (−16.2 to −2.16)"


ENDS = st.floats(-1e7, 1e7).filter(lambda v: abs(v) > 1e-3)


@given(st.tuples(ENDS, ENDS, ENDS).map(sorted))
def test_a_signed_range_is_in_order_and_holds_the_value(of: list[float]) -> None:
    low, value, high = of
    found = numbers(signed(value, low, high, significant))
    assert found == [float(significant(each)) for each in (value, low, high)]
    assert found[1] <= found[0] <= found[2]


@given(st.tuples(*[st.floats(-0.999, 1.9)] * 3).map(sorted))
def test_a_range_in_percent_is_in_order_and_holds_the_value(of: list[float]) -> None:
    low, value, high = of
    found = numbers(percent(by(7200 * low, 7200 * value, 7200 * high)))
    assert len(found) in (1, 3)
    if len(found) == 3:
        assert found[1] <= found[0] <= found[2]
        assert found[1] * low >= 0
        assert found[2] * high >= 0
