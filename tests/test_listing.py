"""A run of a list has the energy that its own page has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.browser.runs import write
from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.footprinting import described
from trainwatt.listing import listed
from trainwatt.storage.store import Store

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
    energy = described(store, store.load("run-1"))["energy"]
    store.close()
    assert [d["host"] for d in energy.pop("devices")] == ["node-a", "node-b"]
    assert entry["energy"] == energy
    assert energy["lower_bound"]
