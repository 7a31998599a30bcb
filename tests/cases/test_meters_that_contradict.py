"""A counter in a wrong unit, and a draw above the stated limit: through a real powercap tree and the emulated NVML."""

from __future__ import annotations

import re
import time

import pytest

from tests.fakes.views import device, events
from tests.fakes.world import MakeWorld, World, enter
from trainwatt import EnergyTracker

pytestmark = pytest.mark.slow


@pytest.fixture
def watched(make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: object) -> World:
    """A GPU that draws 420 W."""
    return enter(make_world(package_w=0, gpus_w=(420.0,)), clean_environ, nvml_library)  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", [1000.0, 1e6, 0.001])
def test_case_63_a_counter_in_a_wrong_unit_is_left_for_the_gauge_within_seconds(watched: World, unit: float) -> None:
    watched.gpu("energy_unit", unit)
    with EnergyTracker() as tracker:
        with tracker.phase("first"):
            time.sleep(2.2)
        with tracker.phase("second"):
            time.sleep(1.2)
    view = tracker.summary().to_dict()
    gpu = device(view, "gpu0")
    truth_j = 420.0 * view["run"]["duration_s"]
    assert gpu["energy_j"] == pytest.approx(truth_j, rel=0.03)
    assert gpu["low_j"] <= truth_j <= gpu["high_j"] < 1.4 * truth_j
    assert gpu["provenance"]["measured-power"] > 0.6 * truth_j
    [said] = events(view, "disagreement")
    assert "the counter is wrong, and energy is booked from the gauge" in said["detail"]
    for phase in view["phases"]:
        assert phase["low_j"] - 1 <= 420.0 * phase["duration_s"] <= phase["high_j"] + 1


@pytest.mark.parametrize("unit", [0.5, 1.5])
def test_case_63_a_counter_that_could_be_right_leaves_both_in_the_range(watched: World, unit: float) -> None:
    watched.gpu("energy_unit", unit)
    with EnergyTracker(gain_gpu=0.0) as tracker:
        time.sleep(2.5)
    view = tracker.summary().to_dict()
    gpu = device(view, "gpu0")
    truth_j = 420.0 * view["run"]["duration_s"]
    assert gpu["energy_j"] == pytest.approx(unit * truth_j, rel=0.05)
    assert gpu["low_j"] <= min(1.0, unit) * truth_j * 1.01
    assert max(1.0, unit) * truth_j * 0.99 <= gpu["high_j"] < 2 * truth_j
    [said] = events(view, "disagreement")
    assert said["detail"].endswith("both are possible, and the range contains both")


@pytest.mark.parametrize("without", [None, "0.energy_code"], ids=["counter and gauge", "gauge"])
def test_case_64_a_gpu_above_its_stated_limit_counts_in_full(watched: World, without: str | None) -> None:
    """Limited to 100 W, it draws 420."""
    for key in ("0.limit", "0.limit_most"):
        watched.gpu(key, 100_000)
    if without:
        watched.gpu(without, 3)
    with EnergyTracker() as tracker:
        time.sleep(2.2)
    view = tracker.summary().to_dict()
    gpu = device(view, "gpu0")
    truth_j = 420.0 * view["run"]["duration_s"]
    assert gpu["energy_j"] == pytest.approx(truth_j, rel=0.05)
    assert gpu["low_j"] <= truth_j <= gpu["high_j"] < 1.4 * truth_j
    assert {e["kind"] for e in events(view, "limit")} == {"limit"}
    assert events(view, "absurd") == []


def test_case_64_a_package_above_its_stated_limit_counts_in_full(
    make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: object
) -> None:
    world = enter(make_world(package_w=420.0, dram_w=0, gpus_w=()), clean_environ, nvml_library)  # type: ignore[arg-type]
    (world.powercap.sysfs / "class/powercap/intel-rapl:0/constraint_0_power_limit_uw").write_text("100000000\n")
    with EnergyTracker(period_s=0.5) as tracker:
        time.sleep(2.5)
    view = tracker.summary().to_dict()
    package = device(view, "package-0")
    truth_j = 420.0 * view["run"]["duration_s"]
    assert package["energy_j"] == pytest.approx(truth_j, rel=0.05)
    assert package["low_j"] <= truth_j <= package["high_j"] < 1.3 * truth_j
    assert [e["device"] for e in events(view, "limit")] == ["package-0"]


def test_a_memory_counter_that_stands_at_zero_gives_way_to_a_model(
    make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: object
) -> None:
    world = enter(make_world(dram_w=0, gpus_w=()), clean_environ, nvml_library)  # type: ignore[arg-type]
    world.powercap.zone("intel-rapl:0:0", "dram", 0)
    with EnergyTracker() as tracker:
        time.sleep(2.6)
    view = tracker.summary().to_dict()
    dram = device(view, "dram-0")
    [said] = [e for e in events(view, "stale") if e["device"] == "dram-0"]
    words = re.search(r"a model stands in: ([\d,.]+) GB of memory at 0.38 W/GB", said["detail"])
    assert words is not None, said
    power_w = float(words[1].replace(",", "")) * 0.3835
    assert dram["energy_j"] == dram["provenance"]["modelled"] == pytest.approx(power_w * view["run"]["duration_s"], rel=0.02)
    assert dram["low_j"] < dram["energy_j"] < dram["high_j"] < 3 * dram["energy_j"]
    assert device(view, "package-0")["provenance"]["modelled"] == 0
    assert view["energy"]["measured_fraction"] < 1.0
