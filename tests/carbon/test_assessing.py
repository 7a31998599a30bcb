"""The footprint of a stored run."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.carbon.assessing import Terms, assess, by_default
from trainwatt.carbon.series import read_series, utc_ns
from trainwatt.describe import describe
from trainwatt.errors import ConfigurationError
from trainwatt.storage.records import StoredRun
from trainwatt.storage.store import Store
from trainwatt.storage.writer import Writer

S = 10**9
START = utc_ns("2026-11-01T00:30:00Z")
WATTS = [100, 300, 50, 400, 250]
"""By the hour, so that the sum over hours is not the total times the mean."""
GRAMS = [400, 100, 600, 50, 300, 200]


def stored(tmp_path: Path, zone: str | None = None, inventory: bool = True) -> tuple[Store, StoredRun]:
    """Five hours from half past midnight UTC, at a known power in each."""
    path, energy_j = tmp_path / "runs.db", 0.0
    writer = Writer.open(path)
    points = [point(0, 0.0, "gpu0", "s")]
    for hour, watts in enumerate(WATTS):
        energy_j += watts * 3600
        points.append(point((hour + 1) * 3600 * S, energy_j, "gpu0", "s"))
    hours = len(WATTS)
    rows: dict[str, list[dict[str, Any]]] = {
        "run": [run("r", started_utc_ns=START, status="completed", duration_s=3600.0 * hours, zone=zone)],
        "segment": [segment("s", "r", started_utc_ns=START, start_t_ns=0)],
        "device": [device("gpu0", "s", kind="gpu", gain=0.0)],
        "curve_point": points,
        "clock_anchor": [{"segment_id": "s", "monotonic_ns": 0, "utc_ns": START, "boottime_ns": 0}],
        "work": [{"segment_id": "s", "unit": "samples", "phase": "", "amount": 1000}],
    }
    if inventory:
        detail = json.dumps({"model": "NVIDIA H100 80GB HBM3"})
        rows["inventory"] = [{"run_id": "r", "host": "h", "kind": "gpu", "name": "gpu0", "detail": detail}]
    writer.write(rows)
    writer.close()
    store = Store.open(str(path))
    return store, store.load("r")


def carbon(found: StoredRun, terms: Terms, store: Store | None = None) -> dict[str, Any]:
    result = assess(found, describe(found), terms, None if store is None else store.points("r"))
    assert result is not None
    return result


def test_a_constant_intensity_is_energy_times_it_times_pue(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    kwh = sum(WATTS) / 1000
    result = carbon(found, Terms(intensity_g_per_kwh=500, pue=1.2))
    assert result["operational_g"] == pytest.approx(kwh * 500 * 1.2)
    assert result["pue"] == 1.2
    assert {"PUE", "grid intensity"} <= {a["name"] for a in result["assumptions"]}


def test_a_series_meets_each_hour_of_the_energy(tmp_path: Path) -> None:
    store, found = stored(tmp_path)
    text = "start,intensity_g_per_kwh\n" + "\n".join(f"2026-11-01T{h:02d}:00Z,{g}" for h, g in enumerate([*GRAMS, 1]))
    result = carbon(found, Terms(series=(read_series(text, "grid.csv"),)), store)
    halves = [g / 2 * w / 1000 for w, pair in zip(WATTS, pairwise(GRAMS), strict=True) for g in pair]
    assert result["operational_g"] == pytest.approx(sum(halves), rel=1e-9)
    mean = sum(GRAMS) / len(GRAMS)
    assert result["operational_g"] != pytest.approx(sum(WATTS) / 1000 * mean, rel=0.01)
    assert result["intensity_g_per_kwh"] == pytest.approx(1000 * sum(halves) / sum(WATTS))


def test_hours_that_a_series_lacks_fall_to_the_zone_and_are_named(tmp_path: Path) -> None:
    store, found = stored(tmp_path, zone="FR")
    series = read_series("start,end,intensity_g_per_kwh\n2026-11-01T00:00Z,2026-11-01T01:30Z,0", "grid.csv")
    result = carbon(found, Terms(series=(series,)), store)
    whole = carbon(found, Terms())
    assert result["operational_g"] == pytest.approx(whole["operational_g"] * (1 - WATTS[0] / sum(WATTS)))
    assert any("for 91 % of the energy" in a["name"] for a in result["assumptions"])


def test_no_zone_is_the_worlds_average_labelled_assumed_with_a_wide_range(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    result = carbon(found, Terms())
    [grid] = [a for a in result["assumptions"] if a["name"].startswith("grid intensity")]
    assert (result["zone"], grid["status"]) == (None, "assumed")
    assert result["operational_high_g"] > 10 * result["operational_low_g"]


def test_the_making_of_the_gpu_is_spread_over_its_life(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    result = carbon(found, Terms(lifetime_years=4, lifetime_utilization=0.5))
    assert result["embodied_gpu_g"] == pytest.approx(164_000 * 5 / (4 * 8760 * 0.5))
    assert carbon(found, Terms(lifetime_years=8, lifetime_utilization=0.5))["embodied_gpu_g"] == pytest.approx(result["embodied_gpu_g"] / 2)
    assert result["total_g"] == pytest.approx(result["operational_g"] + result["embodied_g"])
    assert result["sci"]["g_per_unit"] == pytest.approx(result["total_g"] / 1000)


def test_unknown_hardware_is_left_out_and_said(tmp_path: Path) -> None:
    _, found = stored(tmp_path, inventory=False)
    result = carbon(found, Terms())
    assert result["embodied_g"] is None
    assert any("making of the hardware" in text for text in result["left_out"])


def test_a_run_with_a_zone_nobody_knows_still_shows(tmp_path: Path) -> None:
    _, found = stored(tmp_path, zone="ATLANTIS")
    assert by_default(found, describe(found)) is None
    with pytest.raises(ConfigurationError, match="ATLANTIS"):
        carbon(found, Terms())


def test_low_central_and_high_are_in_order(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    for result in (carbon(found, Terms()), carbon(found, Terms(zone="PL", pue=1.5))):
        for name in ("operational", "embodied", "total"):
            assert result[f"{name}_low_g"] <= result[f"{name}_g"] <= result[f"{name}_high_g"]
