"""Footprints of stored runs, as `trainwatt footprint` hands them on: really stored, described and assessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.analysis.view import describe
from trainwatt.carbon.assessing import assess
from trainwatt.carbon.terms import Terms
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer

J_PER_KWH = 3.6e6
HOUR_NS = 3600 * 10**9
START = 1_793_500_000 * 10**9
GPU = "NVIDIA H100 80GB HBM3"
CPU = "AMD EPYC 9654 96-Core Processor"

Row = dict[str, Any]


def gpu(index: int = 0, kwh: float = 1.0, **changes: Any) -> tuple[Row, Row]:
    """A measured GPU and its energy."""
    return {"name": f"gpu{index}", "kind": "gpu", "model": GPU, "uuid": f"GPU-{index}", **changes}, {"counter_j": kwh * J_PER_KWH}


def package(kwh: float = 0.2) -> tuple[Row, Row]:
    """A measured CPU package and its energy."""
    return {"name": "package-0", "kind": "cpu", "gain": 0.03, "gain_class": "rapl"}, {"counter_j": kwh * J_PER_KWH}


def modelled(kind: str = "dram", kwh: float = 0.05, **changes: Any) -> tuple[Row, Row]:
    """A stand-in and its energy, with a range from half to double."""
    joules = kwh * J_PER_KWH
    found = {"name": kind, "kind": kind, "gain": 0.0, "gain_class": "model", "note": "modelled from size: 64 GiB at 0.38 W/GB"}
    return {**found, **changes}, {"modelled_j": joules, "slack_low_j": joules / 2, "slack_high_j": joules}


NODE = (gpu(0), gpu(1), package(), modelled())


def footprint(
    folder: Path,
    devices: Sequence[tuple[Row, Row]] = NODE,
    terms: Terms | None = None,
    *,
    samples: int = 1000,
    hours: float = 2.0,
    hosts: Sequence[str] = ("node-a",),
    **of_run: Any,
) -> Any:
    """One run of `hours`, each of `hosts` with all `devices`. `of_run` are columns of its row."""
    row = run(**{"id": "run1", "status": "completed", "stage": "training", "started_utc_ns": START, **of_run})
    end = int(hours * HOUR_NS)
    row = {**row, "duration_s": hours * 3600, "ended_utc_ns": row["started_utc_ns"] + end}
    rows: dict[str, list[Row]] = {
        "run": [row],
        "segment": [],
        "device": [],
        "curve_point": [],
        "inventory": [],
        "clock_anchor": [],
        "work": [],
    }
    for host in hosts:
        name = f"on-{host}"
        rows["segment"].append(segment(name, row["id"], host=host, boot_id=f"boot of {host}", started_utc_ns=START, start_t_ns=0))
        rows["clock_anchor"].append({"segment_id": name, "monotonic_ns": 0, "utc_ns": START, "boottime_ns": 0})
        pieces = [("cpu", CPU, {"sockets": 1, "logical_cpus": 192}), ("dram", "memory", {"bytes": 64 * 2**30})]
        pieces += [("gpu", d["name"], {"model": d["model"]}) for d, _ in devices if d["kind"] == "gpu"]
        rows["inventory"] += [{"run_id": row["id"], "host": host, "kind": k, "name": n, "detail": json.dumps(d)} for k, n, d in pieces]
        for columns, joules in devices:
            rows["device"].append(device(segment_id=name, **columns))
            edges = {"edge_low_j": 0.0, "edge_high_j": 0.0}
            rows["curve_point"].append(point(0, 0.0, columns["name"], name, **edges))
            rows["curve_point"].append(point(end, 0.0, columns["name"], name, **edges) | joules)
    if samples:
        rows["work"] = [{"segment_id": f"on-{hosts[0]}", "unit": "samples", "phase": "", "amount": samples}]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{row['id']}.db"
    writer = Writer.open(path)
    writer.write(rows)
    writer.close()
    store = Store.open(str(path))
    try:
        stored = store.load(row["id"])
        view = describe(stored)
        carbon = assess(stored, view, terms or Terms(), store.points(row["id"]))
    finally:
        store.close()
    return {**{k: view[k] for k in ("run", "energy", "work")}, "footprint_id": "f00d", "carbon": carbon}
