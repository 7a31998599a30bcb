"""The footprint of a stored run."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.view import describe
from trainwatt.carbon.assessing import assess
from trainwatt.carbon.series import PRICE, read_series, utc_ns
from trainwatt.carbon.terms import TYPICAL_UNMEASURED, Terms
from trainwatt.errors import ConfigurationError
from trainwatt.storage.read.records import InventoryRow, StoredRun
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer

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


def carbon(found: StoredRun, terms: Terms, store: Store | None = None) -> Any:
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
    store, found = stored(tmp_path, zone="ATLANTIS")
    view = view_of(store, found)
    assert view["carbon"] is None
    assert "ATLANTIS" in str(view["carbon_missing"])
    with pytest.raises(ConfigurationError, match="ATLANTIS"):
        carbon(found, Terms())


def test_low_central_and_high_are_in_order(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    for result in (carbon(found, Terms()), carbon(found, Terms(zone="PL", pue=1.5))):
        for name in ("operational", "embodied", "total"):
            assert result[f"{name}_low_g"] <= result[f"{name}_g"] <= result[f"{name}_high_g"]


def test_the_price_of_each_hour_meets_the_energy_of_that_hour(tmp_path: Path) -> None:
    store, found = stored(tmp_path)
    prices = [0.1, 0.5, -0.05, 0.2, 0.3, 0.4]
    text = "start,price_per_kwh\n" + "\n".join(f"2026-11-01T{h:02d}:00Z,{p}" for h, p in enumerate([*prices, 1]))
    cost = carbon(found, Terms(prices=read_series(text, "prices.csv", PRICE), currency="EUR", pue=1.5), store)["cost"]
    halves = [p / 2 * w / 1000 for w, pair in zip(WATTS, pairwise(prices), strict=True) for p in pair]
    assert cost["amount"] == pytest.approx(1.5 * sum(halves), rel=1e-9)
    assert (cost["currency"], cost["unpriced_share"]) == ("EUR", 0)


def test_energy_without_a_price_costs_what_the_flat_price_says_or_is_named(tmp_path: Path) -> None:
    store, found = stored(tmp_path)
    first = read_series("start,end,price_per_kwh\n2026-11-01T00:30Z,2026-11-01T01:30Z,1", "prices.csv", PRICE)
    lacking = carbon(found, Terms(prices=first), store)["cost"]
    assert lacking["amount"] == pytest.approx(WATTS[0] / 1000)
    assert lacking["unpriced_share"] == pytest.approx(1 - WATTS[0] / sum(WATTS))
    filled = carbon(found, Terms(prices=first, price_per_kwh=0.5), store)["cost"]
    assert filled["amount"] == pytest.approx(WATTS[0] / 1000 + 0.5 * sum(WATTS[1:]) / 1000)
    assert filled["unpriced_share"] == 0


def test_what_stands_beside_the_grams_is_in_none_of_them(tmp_path: Path) -> None:
    _, found = stored(tmp_path, zone="FR")
    plain = carbon(found, Terms())
    more = carbon(found, Terms(unmeasured=TYPICAL_UNMEASURED, market_intensity_g_per_kwh=0, price_per_kwh=1, wue_l_per_kwh=1))
    assert more["water_l"] == pytest.approx(sum(WATTS) / 1000)
    assert more["market_based"]["operational_g"] == 0
    assert more["unmeasured"]["operational_g"] > 0
    for name in ("operational_g", "operational_low_g", "operational_high_g", "total_g", "total_high_g"):
        assert more[name] == plain[name]


def test_a_given_share_of_the_host_scales_its_lines_alone(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    pieces = (
        *found.inventory,
        InventoryRow("h", "cpu", "AMD EPYC 7763 64-Core Processor", {"sockets": 2, "logical_cpus": 256, "allowed_cpus": None}),
        InventoryRow("h", "host", "unknown", {"gpus": 4, "virtual": False}),
    )
    found = found._replace(inventory=pieces)
    quarter, whole = carbon(found, Terms()), carbon(found, Terms(host_share=1.0))
    assert quarter["embodied_gpu_g"] == whole["embodied_gpu_g"]
    assert quarter["embodied_host_g"] == pytest.approx(whole["embodied_host_g"] / 4)
    [share] = [a for a in quarter["assumptions"] if a["name"] == "share of the host"]
    assert (share["value"], share["source"], share["status"]) == (0.25, "1 of 4 GPUs", "recorded")


def test_pue_on_the_components_alone_is_called_a_lower_bound(tmp_path: Path) -> None:
    _, found = stored(tmp_path)
    assert any("lower bound" in text for text in carbon(found, Terms(pue=1.2))["left_out"])
