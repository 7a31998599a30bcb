"""Complete rows to vary in tests."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def run(id_: str = "run-1", **changes: Any) -> Row:
    row: Row = {"id": id_, "project": "digits", "status": "running", "started_utc_ns": 1_000, "last_seen_utc_ns": 2_000}
    return {**row, "host": "node-a", "version": "0.1", **changes}


def segment(id_: str = "seg-1", run_id: str = "run-1", **changes: Any) -> Row:
    row: Row = {
        "id": id_,
        "run_id": run_id,
        "role": "owner",
        "host": "node-a",
        "boot_id": "boot-1",
        "pid_namespace": "4026531836",
    }
    row |= {"pid": 4_711, "start_ticks": 99, "started_utc_ns": 1_000, "last_seen_utc_ns": 1_900, "start_t_ns": 5}
    return {**row, "status": "running", "period_s": 0.1, **changes}


def device(name: str = "gpu0", segment_id: str = "seg-1", **changes: Any) -> Row:
    row: Row = {"segment_id": segment_id, "name": name, "kind": "gpu", "included_in_total": 1, "max_power_w": 700.0}
    return {**row, "gain": 0.05, "gain_class": "nvml", **changes}


def point(t_ns: int, counter_j: float, name: str = "gpu0", segment_id: str = "seg-1", **changes: Any) -> Row:
    row: Row = {"segment_id": segment_id, "device": name, "t_ns": t_ns, "counter_j": counter_j, "power_j": 0.0, "imputed_j": 0.0}
    row |= {"modelled_j": 0.0, "slack_low_j": 0.0, "slack_high_j": 0.0, "edge_low_j": 0.5, "edge_high_j": 0.5}
    return {**row, **changes}


def phase(seq: int, name: str = "train", segment_id: str = "seg-1", run_id: str = "run-1", **changes: Any) -> Row:
    start = seq * 1_000_000_000
    row: Row = {"segment_id": segment_id, "seq": seq, "run_id": run_id, "name": name, "start_t_ns": start}
    return {**row, "end_t_ns": start + 500_000_000, "start_utc_ns": start, "resolved": 1, **changes}


def phase_energy(seq: int, energy_j: float, name: str = "gpu0", segment_id: str = "seg-1", **changes: Any) -> Row:
    row: Row = {"segment_id": segment_id, "seq": seq, "device": name, "owner_segment_id": "seg-1", "energy_j": energy_j}
    return {**row, "slack_low_j": 0.25, "slack_high_j": 0.5, "edge_low_j": 1.0, "edge_high_j": 2.0, "scatter_j2": 3.0, **changes}


def phase_fold(name: str = "train", segment_id: str = "seg-1", **changes: Any) -> Row:
    row: Row = {"segment_id": segment_id, "name": name, "count": 100, "duration_ns": 50_000_000_000, "first_start_utc_ns": 500}
    return {**row, "unresolved": 3, "synchronized": 2, "exact": 1, **changes}


def phase_fold_energy(energy_j: float, device: str = "gpu0", name: str = "train", segment_id: str = "seg-1", **changes: Any) -> Row:
    row: Row = {"segment_id": segment_id, "name": name, "owner_segment_id": "seg-1", "device": device, "energy_j": energy_j}
    return {**row, "slack_low_j": 25.0, "slack_high_j": 50.0, "edge_low_j": 100.0, "edge_high_j": 200.0, "scatter_j2": 300.0, **changes}
