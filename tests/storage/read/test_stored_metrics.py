"""The metrics of stored runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.runs import write
from tests.fakes.stored_rows import run, segment
from trainwatt.core.metric import Metric
from trainwatt.storage.read.store import Store

METRIC = Metric.first(-2.5, 7).extended(1.0, 9)


def test_metrics_are_read_by_process_and_name(place: str, load: Any) -> None:
    """They may be negative, and have any name."""
    load({"run": [run(), run("other")], "segment": [segment(), segment("seg-2"), segment("seg-3", "other")]})
    of = [("seg-1", "val/loss"), ("seg-2", "val/loss"), ("seg-2", "Verlust ü"), ("seg-3", "acc")]
    load({"metric": [{"segment_id": segment_id, "name": name, **METRIC._asdict()} for segment_id, name in of]})
    store = Store.open(place)
    assert store.metrics("run-1") == dict.fromkeys(of[:3], METRIC)
    assert store.metrics("none") == {}
    assert store.delete(["run-1"]) == 1
    assert store.metrics("run-1") == {}
    assert store.metrics("other") == {of[3]: METRIC}


@pytest.mark.parametrize("wrong", [{"lowest": "low"}, {"values_logged": -1}, {"highest_t_ns": 2**63 - 1}, {"last": float("inf")}])
def test_a_metric_that_cannot_be_true_is_left_out(tmp_path: Any, wrong: dict[str, Any]) -> None:
    rows = [{"segment_id": "seg-1", "name": name, **METRIC._asdict()} for name in ("good", "bad")]
    rows[1] |= wrong
    path = write(tmp_path / "runs.db", run=[run()], segment=[segment()], metric=rows)
    assert Store.open(str(path)).metrics("run-1") == {("seg-1", "good"): METRIC}
