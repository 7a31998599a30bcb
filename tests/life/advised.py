"""Stored runs whose GPUs did what a profile says, and what `advise` says of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from trainwatt.cli.main import cli
from trainwatt.energy.shares.policy import CGROUP

S = 10**9
LASTS_S = 1000
TERMS = ("--intensity", "360", "--pue", "1")
"""A tenth of a milligram a joule."""

Profile = Sequence[tuple[int, float, float]]
"""Until when, in seconds, how many watts, and which share of the time a GPU, or the processors, were busy."""
PROCESSORS = 10


def stored(
    path: Path,
    gpus: list[Profile],
    *,
    name: str = "run-1",
    gain: float = 0.01,
    status: str = "completed",
    zone: str | None = None,
    start_utc_ns: int = 0,
    processors: Profile = (),
    **rows: list[Row],
) -> Path:
    """A run of 1,000 s with GPUs that did what their profiles say, beside ten processors."""
    points: list[Row] = []
    activity: list[Row] = []
    segment_id = "seg-1" if name == "run-1" else f"seg-{name}"
    for device_name, profile in [*((f"gpu{number}", profile) for number, profile in enumerate(gpus)), (CGROUP, processors)]:
        at, joules, busy_ms = 0, 0.0, 0.0
        read = device_name != CGROUP
        points += [point(0, 0.0, device_name, segment_id, edge_low_j=0.0, edge_high_j=0.0)] if read else []
        for until, watts, busy in profile:
            for second in range(at + 10, until + 1, 10):
                joules, busy_ms = joules + 10 * watts, busy_ms + 10_000 * busy * (1 if read else PROCESSORS)
                points += [point(second * S, joules, device_name, segment_id, edge_low_j=0.0, edge_high_j=0.0)] if read else []
                sums: Row = {"seen_ms": second * 1000, "busy_ms": round(busy_ms)}
                sums |= {"busy_scatter_ms2": 0, "throttled": "{}"} if read else {"cpus": float(PROCESSORS)}
                activity.append({"segment_id": segment_id, "device": device_name, "t_ns": second * S, **sums})
            at = until
    end_utc_ns = start_utc_ns + LASTS_S * S
    times = {"status": status, "started_utc_ns": start_utc_ns, "last_seen_utc_ns": end_utc_ns, "ended_utc_ns": end_utc_ns}
    more: dict[str, list[Row]] = {
        "run": [run(name, **times, duration_s=float(LASTS_S), zone=zone)],
        "segment": [segment(segment_id, name, **times, start_t_ns=0, end_t_ns=LASTS_S * S)],
        "device": [device(f"gpu{number}", segment_id, uuid=f"GPU-{number}", gain=gain) for number in range(len(gpus))],
        "clock_anchor": [{"segment_id": segment_id, "monotonic_ns": 0, "utc_ns": start_utc_ns, "boottime_ns": 0}],
        "curve_point": points,
        "activity_point": activity,
    }
    return write(path, **{**more, **rows})


def call(db: Path, *arguments: str, **env: str) -> Result:
    """What `advise` does."""
    return CliRunner().invoke(cli, ["advise", *arguments, "--db", str(db)], env={"COLUMNS": "100", **env}, standalone_mode=False)


def advice(db: Path, *arguments: str, terms: Sequence[str] = TERMS) -> Any:
    """What `advise --json` prints."""
    result = call(db, *(arguments or ("latest",)), *terms, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def footprint_of(db: Path, *arguments: str, terms: Sequence[str] = TERMS) -> Any:
    """The grams that `footprint --json` has for a run."""
    result = CliRunner().invoke(cli, ["footprint", *(arguments or ("latest",)), *terms, "--json", "--db", str(db)], standalone_mode=False)
    assert result.exception is None, result.exception
    return json.loads(result.stdout)["footprints"][0]["carbon"]
