"""Boards with a hidden scale error and a hidden constant error, from 13 to 700 W and from 2 s to an hour: how often the range holds."""

from __future__ import annotations

import random

import pytest

from trainwatt.config import Config
from trainwatt.core.point import Point
from trainwatt.energy.intervals import between, interval

BOARDS = 2_000


def held(rng: random.Random, least_w: float, most_w: float, offset_w: float) -> bool:
    """Whether the range of a run holds its true energy. Both errors have their 95 % at what the default settings say."""
    config = Config()
    watts, seconds = rng.uniform(least_w, most_w), rng.choice((2.0, 60.0, 3600.0))
    shown_w = max(0.0, (watts + config.offset_gpu_w / 1.96 * rng.gauss(0, 1)) * (1 + config.gain_gpu / 1.96 * rng.gauss(0, 1)))
    end = Point(round(seconds * 1e9), shown_w * seconds)
    found = interval([between(Point(0), end, config.gain_gpu, "gpu", offset_w, ("uuid", "a"))])
    return found.low_j <= watts * seconds <= found.high_j


@pytest.mark.parametrize(("least_w", "most_w"), [(13, 25), (25, 60), (60, 150), (150, 700)])
def test_the_range_holds_at_any_load(least_w: float, most_w: float) -> None:
    rng = random.Random(7)
    assert sum(held(rng, least_w, most_w, Config().offset_gpu_w) for _ in range(BOARDS)) >= 0.94 * BOARDS


def test_without_the_constant_error_a_small_load_is_held_in_few_boards() -> None:
    rng = random.Random(7)
    assert sum(held(rng, 13, 25, 0.0) for _ in range(BOARDS)) < 0.6 * BOARDS
