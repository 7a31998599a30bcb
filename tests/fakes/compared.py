"""Many stored runs in one file, written through the tracker's own Writer: each with what is said of it, and the rest as usual."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwatt.core.work import stored_parts
from trainwatt.storage.write.writer import Writer

from .stored_rows import Row, device, phase, phase_energy, point, run, segment

S = 10**9
START = 1_793_500_000 * S
GPU = {"kind": "gpu", "gain": 0.05, "gain_class": "gpu", "model": "NVIDIA H100 80GB HBM3"}
PACKAGE = {"kind": "cpu", "gain": 0.03, "gain_class": "cpu"}
DRAM = {"kind": "dram", "gain": 0.0, "gain_class": "model", "note": "modelled"}
KINDS = {"gpu": GPU, "package": PACKAGE, "dram": DRAM, "psys": {**PACKAGE, "kind": "platform", "included_in_total": 0}}


def put(
    db: Path,
    run_id: str,
    joules: Mapping[str, float],
    *,
    seconds: float = 100.0,
    samples: int = 1000,
    work: Mapping[str, int] | None = None,
    host: str = "node-a",
    boot_id: str | None = None,
    phases: Mapping[str, int] | None = None,
    uuid: str = "GPU-a",
    edge_j: float = 0.0,
    slack: float = 0.0,
    seen: float = 1.0,
    at_s: float = 0.0,
    **of_run: Any,
) -> str:
    """Store a run that used `joules` by device, and return its id.

    GPUs have the uuid `uuid`; `slack` is a share of the energy that may be wrong either way, `edge_j` lies at each end, `seen` is the
    part of the time that the curves cover. Each of `phases`, by name how often, took an equal part of half of the energy.
    """
    boot_id = f"boot-{host}" if boot_id is None else boot_id
    start = START + round(at_s * S)
    end, status = start + round(seconds * S), of_run.pop("status", "completed")
    over = {"status": status, "started_utc_ns": start, "last_seen_utc_ns": end}
    ended = {"ended_utc_ns": None if status == "running" else end}
    rows: dict[str, list[Row]] = {
        "run": [run(run_id, **over, **ended, host=host, duration_s=None if status == "running" else seconds, **of_run)],
        "segment": [segment(f"seg-{run_id}", run_id, **over, **ended, host=host, boot_id=boot_id, start_t_ns=0)],
        "device": [],
        "curve_point": [],
        "phase": [],
        "phase_energy": [],
        "clock_anchor": [
            {"segment_id": f"seg-{run_id}", "monotonic_ns": t, "utc_ns": start + t, "boottime_ns": t}
            for t in range(0, round(seconds * S) + 1, 60 * S)
        ],
        "inventory": [],
        "work": [],
    }
    seq = 0
    for name, energy in joules.items():
        kind = KINDS[name.rstrip("0123456789").rstrip("-")]
        own = {"uuid": f"{uuid}-{name}"} if kind["kind"] == "gpu" else {}
        wrong = slack * energy
        rows["device"].append(device(name, f"seg-{run_id}", **{**kind, **own}))
        edges = {"edge_low_j": edge_j, "edge_high_j": edge_j}
        rows["curve_point"].append(point(0, 0.0, name, f"seg-{run_id}", **edges))
        last = {**edges, "slack_low_j": wrong, "slack_high_j": wrong}
        rows["curve_point"].append(point(round(seconds * S * seen), energy, name, f"seg-{run_id}", **last))
        model = {"model": kind.get("model")}
        rows["inventory"].append({"run_id": run_id, "host": host, "kind": kind["kind"], "name": name, "detail": json.dumps(model)})
    for phase_name, count in (phases or {}).items():
        for _ in range(count):
            seq += 1
            rows["phase"].append(phase(seq, phase_name, f"seg-{run_id}", run_id, start_utc_ns=start + seq))
            bounds = {"slack_low_j": 0.0, "slack_high_j": 0.0, "edge_low_j": edge_j, "edge_high_j": edge_j}
            rows["phase_energy"] += [
                phase_energy(seq, j / 2 / count, name, f"seg-{run_id}", owner_segment_id=f"seg-{run_id}", **bounds)
                for name, j in joules.items()
            ]
    for unit, whole in ({"samples": samples} if work is None else work).items():
        parts = stored_parts(unit, whole) if whole else []
        rows["work"] += [{"segment_id": f"seg-{run_id}", "unit": part, "phase": "", "amount": amount} for part, amount in parts]
    writer = Writer.open(db)
    writer.write({table: found for table, found in rows.items() if found})
    writer.close()
    return run_id
