"""Metrics that a training logs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from trainwatt import EnergyTracker
from trainwatt.core.metric import LONGEST_NAME, MOST_METRICS
from trainwatt.storage.read.store import Store


def logged(tracker: EnergyTracker, db: Path) -> dict[str, tuple[int, float, float, float]]:
    assert tracker.run_id is not None
    found = Store.open(str(db)).metrics(tracker.run_id)
    return {name: (m.values_logged, m.lowest, m.highest, m.last) for (_, name), m in found.items()}


def test_the_best_and_the_last_value_of_a_metric_are_stored(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:
        for value in (0.9, 0.3, float("nan"), 0.5):
            tracker.log(val_loss=value, **{"val/acc": 1 - value})
    assert logged(tracker, db) == {"val_loss": (4, 0.3, 0.9, 0.5), "val/acc": (4, 1 - 0.9, 0.7, 0.5)}


def test_what_is_no_metric_is_said_once_and_the_others_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __float__(self) -> float:
            raise RuntimeError("on fire")

    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:
        for wrong in ("0.5", None, Broken(), [1, 2], 10**400):
            tracker.log(val_loss=wrong, acc=0.5)  # type: ignore[arg-type]
        tracker.log({"x" * (LONGEST_NAME + 1): 1.0}, only_nan=float("nan"))
        tracker.log({"": 1.0, " ": 1.0, "val\0loss": 1.0, "val\udcffloss": 1.0, "val\x1b[31m": 1.0})
        tracker.log({f"loss{number}": 1.0 for number in range(MOST_METRICS + 5)})
    found = logged(tracker, db)
    assert found.pop("acc") == (5, 0.5, 0.5, 0.5)
    assert len(found) == MOST_METRICS - 1
    assert caplog.text.count("a metric is not logged") == 1


def test_threads_log_all_of_their_values(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:

        def log() -> None:
            for n in range(200):
                tracker.log(loss=n)

        threads = [threading.Thread(target=log) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert logged(tracker, db)["loss"][:3] == (800, 0.0, 199.0)


def test_without_a_run_nothing_happens(tmp_path: Path) -> None:
    tracker = EnergyTracker(db=tmp_path / "runs.db")
    tracker.log(val_loss=0.5)
    with tracker:
        pass
    tracker.log(val_loss=0.5)
    assert logged(tracker, tmp_path / "runs.db") == {}
