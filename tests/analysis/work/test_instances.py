"""The instances of phases, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.analysis.view import describe
from trainwatt.analysis.work.instances import instances_part
from trainwatt.storage.read.store import Store

S = 10**9


def part(db: Path, name: str | None = None) -> Any:
    store = Store.open(str(db))
    stored = store.load("run-1")
    return instances_part(stored, describe(stored), store.instances(["run-1"])["run-1"], store.metric_points(["run-1"]), name)


def epoch(number: int, seq: int, segment_id: str = "seg-1", late_s: float = 0.0, **changes: Any) -> Row:
    """Epoch `number` of ten seconds, that begins after as many times twenty."""
    start = round((20 * number + late_s) * S)
    times = {"start_t_ns": start, "end_t_ns": start + 10 * S, "start_utc_ns": start}
    return phase(seq, "train", segment_id, **{"step": number, **times, **changes})


def stored(folder: Path, segments: list[Row], **rows: list[Row]) -> Path:
    """A run of 100 s with the GPU of its first process."""
    of_all = {"anchors": [{"segment_id": s["id"], "monotonic_ns": 0, "utc_ns": 0, "boottime_ns": 0} for s in segments]}
    return write(
        folder / "runs.db",
        run=[run(started_utc_ns=0, duration_s=100.0, status="completed")],
        segment=segments,
        device=[device(segment_id=segments[0]["id"])],
        clock_anchor=of_all["anchors"],
        curve_point=[point(t * S, 100.0 * t, segment_id=segments[0]["id"]) for t in (0, 100)],
        **rows,
    )


def energy(seq: int, joules: float, segment_id: str = "seg-1") -> Row:
    return phase_energy(seq, joules, segment_id=segment_id)


def metric(seq: int, t_s: float, value: float, name: str = "accuracy", segment_id: str = "seg-1") -> Row:
    return {"segment_id": segment_id, "name": name, "seq": seq, "t_ns": round(t_s * S), "step": None, "value": value}


def test_each_epoch_has_its_energy_its_work_and_the_last_metrics_before_the_next(tmp_path: Path) -> None:
    db = stored(
        tmp_path,
        [segment(start_t_ns=0)],
        phase=[epoch(0, 1), epoch(1, 2), phase(3, "validate", start_t_ns=32 * S, end_t_ns=35 * S, start_utc_ns=32 * S)],
        phase_energy=[energy(1, 900.0), energy(2, 1100.0), energy(3, 50.0)],
        phase_work=[{"segment_id": "seg-1", "seq": n, "unit": "samples", "amount": 100 * n} for n in (1, 2)],
        metric_point=[metric(0, 5, 0.2), metric(1, 15, 0.5), metric(2, 36, 0.8), metric(0, 12, 1.5, "loss")],
    )
    first, second, third = part(db)["instances"]
    assert (first["name"], first["number"], first["step"], first["energy_j"]) == ("train", 1, 0, 900.0)
    assert (first["from_s"], first["duration_s"], first["work"]) == (0.0, 10.0, {"samples": 100})
    assert first["per_unit"]["samples"]["energy_j"] == 9.0
    assert first["metrics"] == {"accuracy": 0.5, "loss": 1.5}
    assert (second["energy_j"], second["metrics"]) == (1100.0, {"accuracy": 0.8})
    assert (third["name"], third["energy_j"], third["work"], third["metrics"]) == ("validate", 50.0, {}, {"accuracy": 0.8})
    assert [i["name"] for i in part(db, "validate")["instances"]] == ["validate"]


def test_ranks_that_do_the_same_are_one_instance(tmp_path: Path) -> None:
    """Two ranks: their energies are what each adds to the union of both, and their work adds up. The second one is later by a second."""
    ranks = [segment(start_t_ns=0, rank=0), segment("seg-2", rank=1, role="joined", start_t_ns=0)]
    db = stored(
        tmp_path,
        ranks,
        phase=[*(epoch(n, n + 1) for n in range(2)), *(epoch(n, n + 1, "seg-2", late_s=1.0) for n in range(2))],
        phase_energy=[energy(1, 900.0), energy(2, 900.0), energy(1, 100.0, "seg-2"), energy(2, 100.0, "seg-2")],
        phase_work=[
            {"segment_id": segment_id, "seq": n, "unit": "tokens", "amount": 10} for segment_id in ("seg-1", "seg-2") for n in (1, 2)
        ],
    )
    found = part(db)["instances"]
    assert [(i["step"], i["energy_j"], i["duration_s"], i["ranks"], i["work"]) for i in found] == [
        (0, 1000.0, 11.0, 2, {"tokens": 20}),
        (1, 1000.0, 11.0, 2, {"tokens": 20}),
    ]


def test_of_ranks_the_metrics_of_the_lowest_one_count_each_in_its_own_epoch(tmp_path: Path) -> None:
    """Rank 1 is faster: it begins epoch 1 at 18 s, and rank 0 logs that of its epoch 0 at 19 s. Only rank 1 logs `loss`."""
    ranks = [segment(start_t_ns=0, rank=0), segment("seg-2", rank=1, role="joined", start_t_ns=0)]
    db = stored(
        tmp_path,
        ranks,
        phase=[*(epoch(n, n + 1) for n in range(2)), *(epoch(n, n + 1, "seg-2", late_s=-2.0 * n) for n in range(2))],
        phase_energy=[energy(n, 900.0) for n in (1, 2)],
        metric_point=[
            *(metric(n, 19.0 + 20 * n, 0.5 + 0.1 * n) for n in range(2)),
            *(metric(n, 17.0 + 20 * n, 0.2 + 0.1 * n, segment_id="seg-2") for n in range(2)),
            *(metric(n, 17.5 + 20 * n, 3.0 - n, "loss", "seg-2") for n in range(2)),
        ],
    )
    assert [i["metrics"] for i in part(db)["instances"]] == [{"accuracy": 0.5, "loss": 3.0}, {"accuracy": 0.6, "loss": 2.0}]


def test_a_process_has_not_the_metrics_of_another_one_that_does_the_same(tmp_path: Path) -> None:
    both = [segment(start_t_ns=0), segment("seg-2", role="joined", start_t_ns=0)]
    db = stored(
        tmp_path,
        both,
        phase=[epoch(0, 1), epoch(0, 1, "seg-2", late_s=1.0)],
        metric_point=[metric(0, 12.0, 0.7), metric(0, 13.0, 0.1, segment_id="seg-2")],
    )
    assert [i["metrics"] for i in part(db)["instances"]] == [{"accuracy": 0.7}, {"accuracy": 0.1}]


def test_processes_without_a_rank_are_instances_of_their_own(tmp_path: Path) -> None:
    both = [segment(start_t_ns=0), segment("seg-2", role="joined", start_t_ns=0)]
    db = stored(tmp_path, both, phase=[epoch(0, 1), epoch(0, 1, "seg-2")], phase_energy=[energy(1, 900.0), energy(1, 0.0, "seg-2")])
    assert [i["energy_j"] for i in part(db)["instances"]] == [900.0, 0.0]


@pytest.mark.parametrize(("changes", "resolved"), [({"end_t_ns": None, "resolved": None}, False), ({"resolved": None}, False)])
def test_an_instance_without_energy_is_not_known_yet(tmp_path: Path, changes: Row, resolved: bool) -> None:
    [found] = part(stored(tmp_path, [segment(start_t_ns=0)], phase=[epoch(0, 1, **changes)]))["instances"]
    assert (found["energy_j"], found["resolved"], found["per_unit"]) == (None, resolved, {})
    assert (found["duration_s"] is None) == ("end_t_ns" in changes)


def test_no_instance_and_no_rest_has_more_than_the_run_may_have(tmp_path: Path) -> None:
    """An edge may be off by more than the whole run, and so may thousands of them."""
    db = stored(
        tmp_path,
        [segment(start_t_ns=0)],
        phase=[epoch(0, 1)],
        phase_energy=[{**energy(1, 900.0), "edge_high_j": 1e6}],
        phase_fold=[phase_fold("train", count=3000)],
        phase_fold_energy=[phase_fold_energy(30.0, name="train", edge_high_j=1e6)],
    )
    store = Store.open(str(db))
    most_j = describe(store.load("run-1"))["energy"]["high_j"]
    found = part(db)
    [instance], rest = found["instances"], found["as_sums"]["train"]
    assert (instance["energy_j"], instance["high_j"]) == (900.0, most_j)
    assert (rest["count"], rest["energy_j"], rest["high_j"]) == (3000, 30.0, most_j)
