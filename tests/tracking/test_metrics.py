"""Metrics that a training logs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.views import tracker_log
from trainwatt import EnergyTracker
from trainwatt.core.metric import LONGEST_NAME, MOST_METRICS
from trainwatt.storage.read.store import Store
from trainwatt.tracking.work.metrics import MOST_POINTS, Metrics


def logged(tracker: EnergyTracker, db: Path) -> dict[str, tuple[int, float, float, float]]:
    assert tracker.run_id is not None
    found = Store.open(str(db)).metrics(tracker.run_id)
    return {name: (m.values_logged, m.lowest, m.highest, m.last) for (_, name), m in found.items()}


def test_the_best_and_the_last_value_of_a_metric_are_stored(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:
        for value in (0.9, 0.3, float("nan"), 0.5):
            tracker.log({"val/acc": 1 - value}, val_loss=value)
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


@pytest.mark.parametrize("given", [5, [1, 2], "val_loss", {1}])
def test_metrics_without_names_are_said_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture, given: Any) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:
        tracker.log(given)
        tracker.log(given, acc=0.5)
        tracker.log(acc=0.25)
    assert logged(tracker, db) == {"acc": (2, 0.25, 0.5, 0.25)}
    [said] = tracker_log(caplog)
    assert "\n" not in said
    assert f"log({given!r}): give values by name, as in log(val_accuracy=0.97)" in said


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


def points(tracker: EnergyTracker, db: Path, name: str) -> list[tuple[int, int | None, float]]:
    assert tracker.run_id is not None
    found = Store.open(str(db)).metric_points([tracker.run_id])
    return [(p.seq, p.step, p.value) for (_, of), values in found.items() if of == name for p in values]


def test_the_values_of_a_metric_are_stored_over_time(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:
        tracker.log({"val/acc": 0.5, "step": 3.0}, step=7)
        tracker.log({"val/acc": float("nan")})
        tracker.log({"val/acc": 0.6})
        tracker.log(val_loss=1, step="eight")  # type: ignore[arg-type]
    assert points(tracker, db, "val/acc") == [(0, 7, 0.5), (1, None, 0.6)]
    assert points(tracker, db, "step") == [(0, 7, 3.0)]
    assert points(tracker, db, "val_loss") == [(0, None, 1.0)]


@pytest.mark.parametrize("commits", [1, 7, 400])
def test_a_metric_of_any_length_is_kept_in_few_points_that_are_equally_far_apart(commits: int) -> None:
    """What is stored is what would be if each commit wrote the new values, and then deleted those that are not kept any more."""
    metrics, stored, total = Metrics("seg-1"), dict[int, float](), 10 * MOST_POINTS
    for commit in range(commits):
        for n in range(total * commit // commits, total * (commit + 1) // commits):
            metrics.add("loss", float(n), n)
        stored |= {row["seq"]: row["value"] for row in metrics.new_points()}
        for _, parameters in metrics.smaller():
            stored = {seq: value for seq, value in stored.items() if seq % int(str(parameters["stride"])) == 0}
        metrics.stored()
        assert len(stored) <= MOST_POINTS + 1
    stride = 8 if total // 8 <= MOST_POINTS else 16
    assert stored == {seq: float(seq) for seq in range(0, total, stride)}
    assert [row["seq"] for row in metrics.points_again()] == list(stored)
    assert not metrics.smaller()


def test_points_that_are_left_out_are_deleted_from_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwatt.tracking.work.metrics.MOST_POINTS", 4)
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker:
        for n in range(4):
            tracker.log(loss=n)
        run = tracker._begun
        assert run is not None
        run.recorder.flush()
        for n in range(4, 10):
            tracker.log(loss=n)
        run.recorder.flush()
    assert [seq for seq, _, _ in points(tracker, db, "loss")] == [0, 4, 8]


def test_a_phase_has_the_work_of_the_phases_within_it(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(db=db) as tracker, tracker.phase("epoch", step=1):
        tracker.update(samples=8)
        with tracker.phase("evaluate"):
            tracker.update(samples=2, tokens=5)
    assert tracker.run_id is not None
    store = Store.open(str(db))
    work = {i.name: i.work for i in store.instances([tracker.run_id])[tracker.run_id]}
    assert work == {"epoch": {"samples": 10, "tokens": 5}, "evaluate": {"samples": 2, "tokens": 5}}
