"""PURE: what a training will have used at its end, from its epochs so far, or from the batches of the first.

The first epochs load, compile and fill caches, so the first quarter of the epochs so far is left out (at least one, if there are two). The
rest of the training is taken to be like the mean of the others. The range holds how much these differ, and a change that no epoch has shown
yet: another learning rate, a longer validation, another power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

UNSEEN = 0.15
"""The epochs to come may differ from those so far by this share, on average, for reasons that none of these has shown. A judgement."""
FEW = 0.35
"""The same where a single epoch is all that is known: it may be slow, as first epochs are, or lack a validation. A judgement."""
SEEN = 0.2
"""UNSEEN holds for batches when this share of the training is seen. Before, it is greater, by the root of what is lacking. A judgement."""
LEAST_PIECES = 3
"""With fewer pieces of the first epoch it is not known how much they differ."""
WIDE = 2.0
"""How many standard deviations the range is wide, on each side."""


class Expected(NamedTuple):
    """A figure at the end of the training, and its range."""

    value: float
    low: float
    high: float


def expected_of_batches(at_pieces: Sequence[float], pieces: float, now: float, *, several: bool) -> Expected | None:
    """The same within the first epoch: `at_pieces` has the value at its begin and after each of its equal pieces so far, and `pieces` is
    how many of them the whole training has. `several`: other epochs follow, perhaps with a validation that is not seen yet.

    None with fewer than LEAST_PIECES, and when the last is done. The range is wider the less of the training has been seen."""
    n = len(at_pieces) - 1
    if not LEAST_PIECES <= n < pieces:
        return None
    unseen = min(1.0, UNSEEN * math.sqrt(SEEN / (n / pieces)))
    return expected(at_pieces, pieces, now, max(unseen, FEW) if several else unseen)


def at_power(power_w: float, now_j: float, now_s: float, seconds: Expected) -> Expected:
    """The joules at the end of a training that lasts for `seconds`, at its mean power so far."""
    value, low, high = (now_j + power_w * max(0.0, end_s - now_s) for end_s in seconds)
    return Expected(value, now_j + (low - now_j) * (1 - UNSEEN), now_j + (high - now_j) * (1 + UNSEEN))


def expected(at_begins: Sequence[float], epochs: float, now: float, unseen: float = 0.0) -> Expected | None:
    """The final value of a sum that grows, such as joules or seconds.

    `at_begins`: its value when each epoch began; `epochs`: how many there are in all; `now`: its value now. `unseen`: by which share the
    epochs to come may differ at least. None before the first epoch is complete, and if more of them have begun than there are.
    """
    n = len(at_begins) - 1
    if not 0 < n < epochs:
        return None
    each = [b - a for a, b in pairwise(at_begins)]
    used = each[max(1, n // 4) :] if n > 1 else each
    mean, left = sum(used) / len(used), epochs - n
    differ = WIDE * _deviation(used, mean) * math.sqrt(1 / len(used) + 1 / left)
    half = math.hypot(differ, max(unseen, UNSEEN if len(used) > 1 else FEW) * mean)
    value = max(now, at_begins[-1] + left * mean)
    return Expected(value, max(now, at_begins[-1] + left * (mean - half)), max(value, at_begins[-1] + left * (mean + half)))


def _deviation(values: Sequence[float], mean: float) -> float:
    """The standard deviation of a sample; 0 of a single value. That of `statistics` is exact, and takes a hundred times as long."""
    return math.sqrt(sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1))
