"""PURE: what a training will have used at its end, from its epochs so far.

The first epochs load, compile and fill caches, so the first quarter of the epochs so far is left out (at least one, if there are two). The
rest of the training is taken to be like the mean of the others. The range holds how much these differ, and a change that no epoch has shown
yet: another learning rate, a longer validation, another power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev
from typing import NamedTuple

UNSEEN = 0.15
"""The epochs to come may differ from those so far by this share, on average, for reasons that none of these has shown. A judgement."""
FEW = 0.35
"""The same where a single epoch is all that is known: it may be slow, as first epochs are, or lack a validation. A judgement."""
WIDE = 2.0
"""How many standard deviations the range is wide, on each side."""


class Expected(NamedTuple):
    """A figure at the end of the training, and its range."""

    value: float
    low: float
    high: float


def expected(at_begins: Sequence[float], epochs: int, now: float) -> Expected | None:
    """The final value of a sum that grows, such as joules or seconds.

    `at_begins`: its value when each epoch began; `epochs`: how many there are in all; `now`: its value now. None before the first epoch is
    complete, and if more of them have begun than there are.
    """
    n = len(at_begins) - 1
    if not 0 < n < epochs:
        return None
    each = [b - a for a, b in pairwise(at_begins)]
    used = each[max(1, n // 4) :] if n > 1 else each
    mean, left = fmean(used), epochs - n
    differ = WIDE * stdev(used) * math.sqrt(1 / len(used) + 1 / left) if len(used) > 1 else 0.0
    half = math.hypot(differ, (UNSEEN if len(used) > 1 else FEW) * mean)
    value = max(now, at_begins[-1] + left * mean)
    return Expected(value, max(now, at_begins[-1] + left * (mean - half)), max(value, at_begins[-1] + left * (mean + half)))
