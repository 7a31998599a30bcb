"""The work after the best value of a metric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stored_rows import Row
from tests.fakes.world import MakeWorld
from tests.life.advised import TERMS, Profile, S, advice, call, stored
from trainwatt.core.metric import Metric
from trainwatt.errors import ConfigurationError

BUSY: list[Profile] = [[(1000, 300.0, 0.95)]]


def metric(name: str, *values: float | None, segment_id: str = "seg-1", every_s: int = 100) -> Row:
    """A metric that was logged every 100 s."""
    first = values[0]
    assert first is not None
    found = Metric.first(first, every_s * S)
    for number, value in enumerate(values[1:], start=2):
        found = found.extended(value, number * every_s * S)
    return {"segment_id": segment_id, "name": name, **found._asdict()}


def lost(tmp_path: Path, *metrics: Row, status: str = "completed", ask: tuple[str, ...] = ()) -> Any:
    view = advice(stored(tmp_path / "runs.db", BUSY, metric=list(metrics), status=status), "latest", *ask)
    return [a for a in view["advice"] if a["kind"] != "lost-runs"]


def test_what_came_after_the_best_value_is_lost(tmp_path: Path) -> None:
    """The loss was best after 400 of 1,000 s: 600 s of 300 W. Only the value at 500 s showed that."""
    [loss] = lost(tmp_path, metric("val_loss", 0.9, 0.5, 0.4, 0.3, 0.35, 0.4, 0.5, None, 0.6, 0.7))
    assert (loss["kind"], loss["run"], loss["seconds"]) == ("after-best", "run-1", 600.0)
    assert loss["metric"] == {"name": "val_loss", "better": "lower", "value": 0.3, "values_after": 6}
    assert loss["energy_j"]["value"] == pytest.approx(180_000)
    assert loss["energy_j"]["low"] == pytest.approx(150_000, rel=0.02)
    assert loss["energy_j"]["high"] == pytest.approx(180_000, rel=0.02)
    assert loss["grams"]["value"] == pytest.approx(18.0)
    shown = " ".join(call(tmp_path / "runs.db", "latest", *TERMS).stdout.split())
    assert "val_loss was best at 0.3 (lower is better); 6 values came after it, for 10 min 00 s of 16 min 40 s." in shown
    assert "Stop early" in shown


def test_the_last_value_of_a_run_may_be_worse(tmp_path: Path) -> None:
    """Only it shows that the one before was the best."""
    assert lost(tmp_path, metric("val_loss", 0.9, 0.5, 0.4, 0.3, 0.35)) == []


def test_a_run_that_gets_better_to_its_end_loses_nothing(tmp_path: Path) -> None:
    assert lost(tmp_path, metric("val_acc", 0.1, 0.5, 0.7)) == []


def test_the_metric_that_gets_better_for_the_longest_time_decides(tmp_path: Path) -> None:
    """The loss was best after 200 s, the accuracy after 700 s; that of the data that the model is trained on says nothing."""
    losses = metric("val_loss", 0.9, 0.3, *[0.5] * 8)
    accuracy = metric("val_acc", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9, 0.8, 0.7, 0.6)
    [loss] = lost(tmp_path, losses, accuracy, metric("train_loss", *(1 / n for n in range(1, 11))))
    assert (loss["metric"]["name"], loss["energy_j"]["value"]) == ("val_acc", pytest.approx(90_000))


def test_a_metric_whose_direction_is_not_known_says_nothing_and_is_named(tmp_path: Path) -> None:
    db = stored(tmp_path / "runs.db", BUSY, metric=[metric("glow", 1.0, 3.0, *[2.0] * 8)])
    view = advice(db)
    assert (view["advice"], view["unclear_metrics"]) == ([], ["glow"])
    assert "--metric glow:lower" in " ".join(call(db, "latest").stdout.split())
    [loss] = advice(db, "latest", "--metric", "glow:higher")["advice"]
    assert (loss["metric"]["value"], loss["energy_j"]["value"]) == (3.0, pytest.approx(240_000))
    [loss] = advice(db, "latest", "--metric", "glow:lower")["advice"]
    assert loss["energy_j"]["value"] == pytest.approx(270_000)


def test_a_metric_can_be_chosen(tmp_path: Path) -> None:
    metrics = metric("val_loss", 0.9, 0.3, *[0.5] * 8), metric("val_acc", *(n / 10 for n in range(10)))
    assert lost(tmp_path / "a", *metrics) == []
    [loss] = lost(tmp_path / "b", *metrics, ask=("--metric", "val_loss"))
    assert loss["energy_j"]["value"] == pytest.approx(240_000)
    error = call(tmp_path / "b" / "runs.db", "latest", "--metric", "val_los").exception
    assert isinstance(error, ConfigurationError)
    assert all(words in str(error) for words in ("val_los", "val_acc, val_loss"))


def test_a_run_that_failed_is_lost_once(tmp_path: Path) -> None:
    assert lost(tmp_path, metric("val_loss", 0.3, *[0.5] * 9), status="interrupted") == []


def test_a_real_run_logs_what_advise_needs(make_world: MakeWorld) -> None:
    """Most of its time is after the best value."""
    world = make_world()
    code = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits") as tracker:
    for number, value in enumerate((3, 1, 2, 2, 2)):
        time.sleep(0.2 if number < 2 else 0.6)
        tracker.log(val_loss=value)
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(world.call("advise", "latest", "--json").stdout)
    [loss] = [a for a in found["advice"] if a["kind"] == "after-best"]
    assert (loss["metric"]["value"], loss["metric"]["values_after"]) == (1.0, 3)
    assert loss["energy_j"]["value"] == pytest.approx(found["energy_j"]["value"] * loss["seconds"] / loss["of_seconds"], rel=0.1)
