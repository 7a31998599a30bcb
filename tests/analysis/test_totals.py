"""What is said of a run is the same in a list and on its own page, and of a phase while it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.browser.runs import write
from tests.fakes.stored_rows import device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.totals import listed
from trainwatt.analysis.view import describe, energy_each_j
from trainwatt.storage.read.store import Store

S = 10**9


def test_a_device_lost_on_one_of_two_nodes_is_seen_in_the_list_too(tmp_path: Path) -> None:
    """Both have a package-0: one of them says nothing of the other."""
    ended: dict[str, Any] = {"status": "completed", "start_t_ns": 0, "end_t_ns": 100 * S}
    hosts = {"node-a": 100, "node-b": 40}
    db = write(
        tmp_path / "runs.db",
        run=[run(status="completed", duration_s=100.0)],
        segment=[segment(f"seg-{host}", host=host, boot_id=host, **ended) for host in hosts],
        device=[device("package-0", f"seg-{host}", kind="cpu", gain_class="cpu") for host in hosts],
        curve_point=[point(t * S, 90.1 * t, "package-0", f"seg-{host}") for host, end_s in hosts.items() for t in (0, end_s)],
    )
    store = Store.open(str(db))
    [entry] = listed(store, store.list_runs())
    energy: Any = view_of(store, store.load("run-1"))["energy"]
    store.close()
    assert [d["host"] for d in energy.pop("devices")] == ["node-a", "node-b"]
    assert entry["energy"] == energy
    assert entry["work"] == {}
    assert energy["lower_bound"]


def test_an_instance_that_goes_on_does_not_make_the_others_look_cheaper(tmp_path: Path) -> None:
    """Three of 30 J have ended; of the fourth nothing is known yet."""
    db = write(
        tmp_path / "runs.db",
        run=[run()],
        segment=[segment()],
        device=[device()],
        curve_point=[point(0, 0.0), point(9 * S, 100.0)],
        phase=[phase(i) for i in range(3)] + [phase(3, end_t_ns=None, resolved=None)],
        phase_energy=[phase_energy(i, 30.0) for i in range(3)],
    )
    store = Store.open(str(db))
    view = view_of(store, store.load("run-1"))
    store.close()
    [found] = view["phases"]
    assert (found["count"], found["pending_count"]) == (4, 1)
    assert energy_each_j(found) == 30.0
    assert energy_each_j({**found, "pending_count": 4}) is None


def test_no_phase_has_more_than_the_run_may_have(tmp_path: Path) -> None:
    """Thousands of short instances have the errors of thousands of edges; but all of them are within the run."""
    path = write(
        tmp_path / "runs.db",
        run=[run(status="completed", duration_s=10.0)],
        segment=[segment()],
        device=[device()],
        curve_point=[point(0, 0.0), point(10 * 10**9, 1000.0)],
        phase_fold=[phase_fold("tiny", count=3000)],
        phase_fold_energy=[phase_fold_energy(30.0, name="tiny", edge_high_j=150_000.0)],
    )
    view = describe(Store.open(str(path)).load("run-1"))
    [phase] = view["phases"]
    assert (phase["energy_j"], phase["low_j"]) == (30.0, 0.0)
    assert phase["high_j"] == view["energy"]["high_j"]
