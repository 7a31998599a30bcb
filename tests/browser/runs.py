"""Stored runs for the tests of reports and pages. They are written by the tracker's Writer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.stored_rows import Row, device, phase, phase_energy, point, run, segment
from trainwatt.analysis.over_time.figures import Figures, figures
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer

NS = 1_000_000_000
START = 1_793_500_000 * NS
POWER_W = {"gpu0": 300.0, "gpu1": 250.0, "package-0": 90.0, "dram": 20.0}
KINDS = {"gpu0": "gpu", "gpu1": "gpu", "package-0": "cpu", "dram": "dram", "psys": "platform"}
PHASES = (("train", 10, 1200), ("validate", 1300, 1500), ("train", 1500, 2600), ("test", 2700, 3550))
"""Name, start and end in seconds."""
HOUR_S = 3600
STEP_S = 10


def write(path: Path, **rows: Sequence[Row]) -> Path:
    """Add rows to the database at `path`."""
    writer = Writer.open(path)
    writer.write(rows)
    writer.close()
    return path


def hour(
    path: Path,
    run_id: str = "aaa111",
    *,
    phases: Sequence[tuple[str, int, int]] = PHASES,
    powers: Mapping[str, float] = POWER_W,
    events: Sequence[Row] = (),
    host: str = "node-a",
    **of_run: Any,
) -> Path:
    """A run of one hour, with a point of each device every ten seconds: two measured GPUs, a package, and modelled memory."""
    name = f"seg-{run_id}"
    end: Row = {"started_utc_ns": START, "last_seen_utc_ns": START + HOUR_S * NS, "status": "completed"}
    end |= {"ended_utc_ns": START + HOUR_S * NS}
    whole: Row = {**end, "duration_s": float(HOUR_S), "zone": "FR", "stage": "training", "host": host, **of_run}
    marked = [
        phase(i, n, name, run_id, start_t_ns=a * NS, end_t_ns=b * NS, start_utc_ns=START + a * NS) for i, (n, a, b) in enumerate(phases)
    ]
    joules = [phase_energy(i, w * (b - a), d, name, owner_segment_id=name) for i, (_, a, b) in enumerate(phases) for d, w in powers.items()]
    return write(
        path,
        run=[run(run_id, **whole)],
        segment=[segment(name, run_id, **end, start_t_ns=0, end_t_ns=HOUR_S * NS, host=host, samples=36_000)],
        device=[_device(d, name) for d in powers],
        clock_anchor=[{"segment_id": name, "monotonic_ns": 0, "utc_ns": START, "boottime_ns": 0}],
        curve_point=[_point(t, d, w, name) for d, w in powers.items() for t in range(0, HOUR_S + 1, STEP_S)],
        phase=marked,
        phase_energy=joules,
        inventory=[
            {"run_id": run_id, "host": host, "kind": "gpu", "name": d, "detail": json.dumps({"model": "NVIDIA H100 80GB HBM3"})}
            for d in powers
            if d.startswith("gpu")
        ],
        work=[{"segment_id": name, "unit": "samples", "phase": "", "amount": 50_000}],
        event=[
            {"segment_id": name, "seq": i, "t_ns": 0, "utc_ns": START, "device": None, "kind": "note", **e} for i, e in enumerate(events)
        ],
    )


def _device(name: str, segment_id: str) -> Row:
    kind = KINDS[name]
    if name == "dram":
        return device(name, segment_id, kind=kind, gain=0.0, gain_class="model", note="modelled from size: 64 GiB at 0.38 W/GB")
    model = "NVIDIA H100 80GB HBM3" if kind == "gpu" else None
    outside = 0 if kind == "platform" else 1
    return device(name, segment_id, kind=kind, gain_class=kind, model=model, included_in_total=outside, covered_ns=HOUR_S * NS)


def _point(t: int, name: str, watts: float, segment_id: str) -> Row:
    """A point of a power that varies around `watts`. The power of memory is modelled, and has a wide range."""
    joules = watts * (t + 120 * (1 - math.cos(t / 300)))
    edges = {"edge_low_j": 0.1, "edge_high_j": 0.2}
    if name == "dram":
        return point(t * NS, 0.0, name, segment_id, **edges, modelled_j=joules, slack_low_j=joules / 2, slack_high_j=joules)
    return point(t * NS, 0.97 * joules, name, segment_id, **edges, imputed_j=0.03 * joules, slack_low_j=0.01 * joules)


def intensities(path: Path, *values: float, zone: str = "FR", provider: str = "electricitymaps") -> None:
    """Cache one value for each quarter of the hour."""
    quarter = HOUR_S // 4 * NS
    store = Store.open(str(path))
    try:
        store.cache_intensities(
            [
                {
                    "provider": provider,
                    "zone": zone,
                    "basis": "lifecycle",
                    "start_utc_ns": START + i * quarter,
                    "end_utc_ns": START + (i + 1) * quarter,
                    "g_per_kwh": value,
                    "estimated": i % 2,
                    "fetched_utc_ns": START,
                }
                for i, value in enumerate(values)
            ]
        )
    finally:
        store.close()


def read(path: Path, run_id: str = "aaa111") -> Figures:
    """The figures of a stored run, as a report shows them."""
    store = Store.open(str(path))
    try:
        return figures(store, run_id)
    finally:
        store.close()
