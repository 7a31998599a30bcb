"""Values of other libraries in the calls of a tracker: they are what they look like, and none of them harms the training."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.fakes.views import events, phase_named, rows, tracker_log
from tests.fakes.world import World
from trainwatt import EnergyTracker, runs


class Split(str, Enum):  # noqa: UP042 (its str() is not its value, unlike that of a StrEnum)
    TRAIN = "train"


class Awkward:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_numbers_names_and_lists_of_other_libraries_are_taken(here: World) -> None:
    with EnergyTracker(gpus=np.array([0]), tags={"seed": np.int64(7)}) as tracker:
        for _ in tracker.wrap(range(3), samples=np.int64(32)):
            pass
        with tracker.phase(Split.TRAIN, step=np.int32(4), exact=np.bool_(False)):  # type: ignore[arg-type]
            tracker.update(samples=torch.tensor(8), tokens=np.float32(100))
        with tracker.phase(Path("validate"), step=torch.tensor(5)):  # type: ignore[arg-type]
            tracker.update(samples=np.uint8(200))
    view = tracker.summary().to_dict()
    assert view["work"] == {"samples": 3 * 32 + 8 + 200, "tokens": 100}
    assert phase_named(view, "train")["work"] == {"samples": 8, "tokens": 100}
    assert view["run"]["tags"] == {"seed": "7"}
    assert rows(here, "SELECT name, step FROM phase ORDER BY seq") == [("train", 4), ("validate", 5)]
    assert len(runs(limit=np.int64(1))) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("samples", [0.5, -1, "many", None, np.array([1, 2]), float("nan"), 2**53], ids=repr)
def test_what_is_no_number_of_samples_is_said_once_and_not_counted(here: World, caplog: pytest.LogCaptureFixture, samples: Any) -> None:
    with EnergyTracker() as tracker:
        for _ in range(3):
            tracker.update(samples=samples)
        tracker.update(samples=4)
    view = tracker.summary().to_dict()
    assert view["work"] == {"samples": 4}
    [event] = events(view, "store")
    assert "work done could not be counted" in event["detail"]
    [said] = tracker_log(caplog)
    assert "\n" not in said
    assert f"samples={samples!r}: give a whole number of at least 0" in said


def test_a_batch_whose_size_cannot_be_told_is_said_once_in_the_run(here: World, caplog: pytest.LogCaptureFixture) -> None:
    with EnergyTracker() as tracker:
        for _ in range(2):
            assert len(list(tracker.wrap([object()] * 5))) == 5
    [event] = events(tracker.summary().to_dict(), "store")
    assert "the samples of a batch could not be counted" in event["detail"]
    assert "samples=" in event["detail"]
    assert len(tracker_log(caplog)) == 1


def test_a_name_that_raises_does_not_reach_the_training(here: World) -> None:
    with EnergyTracker() as tracker, tracker.phase(Awkward()):  # type: ignore[arg-type]
        tracker.update(samples=3)
    assert phase_named(tracker.summary().to_dict(), "<Awkward whose text cannot be made>")["work"] == {"samples": 3}


@pytest.mark.parametrize(
    ("status", "reason", "stored"),
    [
        ("failed", ValueError("no data"), ("failed", "no data")),
        (Split.TRAIN, None, ("completed", "stop('train')")),
        ("running", "for ever", ("completed", "stop('running'): for ever")),
        ("Failed", Path("a/b"), ("failed", "a/b")),
    ],
    ids=repr,
)
def test_a_run_is_closed_whatever_stop_is_told(here: World, status: Any, reason: Any, stored: tuple[str, str]) -> None:
    tracker = EnergyTracker().start()
    tracker.stop(status, reason)
    assert rows(here, "SELECT status, end_reason FROM run") == [stored]
