"""The lane below the power: how busy GPUs and processors were in each part of a run."""

from __future__ import annotations

import pytest

from trainwatt.analysis.over_time.busy import lanes
from trainwatt.analysis.over_time.timeline import Clock
from trainwatt.core.activity import ActivityPoint

S = 10**9
CLOCK = Clock(0.0, 100.0, 0, ())
CUTS = [0.0, 10.0, 20.0, 30.0, 40.0]


def points(*busy_s: float | None, seen_s: float = 10.0, cpus: float | None = None) -> list[ActivityPoint]:
    """Sums every ten seconds."""
    return [
        ActivityPoint(10 * i * S, 1000 * seen_s * i, None if s is None else 1000 * s, cpus=cpus)
        for i, s in enumerate(busy_s)
    ]  # fmt: skip


def test_the_gpus_are_one_lane_and_the_processors_another() -> None:
    found = lanes(
        {("a", "gpu0"): points(0, 10, 20, 20, 20), ("a", "gpu1"): points(0, 0, 5, 5, 15), ("a", "cgroup"): points(0, 8, 8, 8, 16, cpus=8)},
        {"a": CLOCK},
        CUTS,
    )
    assert [(lane.label, lane.kind) for lane in found] == [("mean of 2 GPUs", "gpu"), ("processors", "cpu")]
    assert found[0].shares == pytest.approx([0.5, 0.75, 0.0, 0.5])
    assert found[1].shares == pytest.approx([0.1, 0.0, 0.0, 0.1])


def test_a_time_that_was_not_looked_at_has_no_share() -> None:
    [lane] = lanes({("a", "gpu0"): points(0, 5, 10)}, {"a": CLOCK}, CUTS)
    assert lane.label == "gpu0"
    assert lane.shares == [0.5, 0.5, None, None]
    [seldom] = lanes({("a", "gpu0"): points(0, 2, 4, seen_s=4.0)}, {"a": CLOCK}, CUTS)
    assert seldom.shares[:2] == pytest.approx([0.5, 0.5])


def test_a_gpu_that_does_not_tell_has_no_lane() -> None:
    assert lanes({("a", "gpu0"): points(None, None)}, {"a": CLOCK}, CUTS) == []
    assert lanes({("b", "gpu0"): points(0, 5)}, {"a": CLOCK}, CUTS) == []
    assert lanes({}, {}, []) == []
