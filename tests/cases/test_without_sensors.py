"""Machines without readings: no permission, no sensor, errors instead of watts (cases 9, 33, 41, 54, 55 and 67)."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.fakes.powercap import FakePowercap, MakeRequest
from tests.fakes.privilege import without_privilege
from tests.fakes.views import device, events, rows
from tests.fakes.world import MakeWorld, World, enter, finished
from trainwatt import EnergyTracker
from trainwatt.sensors.modelled import discovery as modelled


def test_case_09_a_denied_sensor_is_a_finding_and_the_run_goes_on(world: World) -> None:
    for counter in world.powercap.sysfs.rglob("energy_uj"):
        counter.chmod(0)
    code = "import time\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(): time.sleep(0.4)\nprint('trained')"
    ended = finished(world.python(code, preexec_fn=without_privilege))
    assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert [d["device"] for d in view["energy"]["devices"]] == ["gpu0", "cpu", "dram"]
    assert device(view, "gpu0")["energy_j"] > 0
    for name in ("cpu", "dram"):
        assert device(view, name)["provenance"]["modelled"] == device(view, name)["energy_j"] > 0
    denied = rows(world, "SELECT what, remedy FROM finding WHERE availability = 'denied'")
    assert denied
    assert all(remedy for _, remedy in denied)


def test_case_41_no_sensors_at_all_is_a_modelled_range(
    make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path
) -> None:
    world = enter(make_world(package_w=0, gpus_w=()), clean_environ, nvml_library)
    with EnergyTracker() as tracker:
        time.sleep(0.3)
    view = tracker.summary().to_dict()
    assert [d["device"] for d in view["energy"]["devices"]] == ["cpu", "dram"]
    assert 0 < view["energy"]["low_j"] < view["energy"]["total_j"] < view["energy"]["high_j"]
    assert view["energy"]["measured_fraction"] == 0.0
    assert view["energy"]["measured_only_j"] == 0.0
    assert "0 % measured" in tracker.summary().headline
    assert world.show()["run"]["status"] == "completed"


def test_case_67_cpu_time_of_another_control_group_is_not_the_jobs(machine: FakePowercap, request_for: MakeRequest) -> None:
    """A job of 8 of 64 processors, all idle, and the CPU time of the daemon's group, in which the other 56 are busy."""
    root = machine.sysfs.parent
    files = {
        "sys/fs/cgroup/cpuset/cpuset.cpus": "0-63",
        "sys/fs/cgroup/cpuset/job/cpuset.cpus": "8-15",
        "sys/fs/cgroup/cpuacct/daemon/cpuacct.usage": "0",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (machine.procfs / "self").mkdir(exist_ok=True)
    (machine.procfs / "self/cgroup").write_text("2:cpuset:/job\n1:cpuacct:/daemon\n")

    def busy(others_s: float) -> None:
        lines = [f"cpu{n} {round((0 if 8 <= n < 16 else others_s) * 100)} 0 0 900 0 0 0 0 0 0" for n in range(64)]
        (machine.procfs / "stat").write_text("\n".join([f"cpu  {round(56 * others_s * 100)} 0 0 900 0 0 0 0 0 0", *lines]))
        (root / "sys/fs/cgroup/cpuacct/daemon/cpuacct.usage").write_text(str(round(56 * others_s * 1e9)))

    busy(0)
    [cpu] = [s for s in modelled.discover(request_for(), set(), tdp_w=320.0).sensors if s.device.name == "cpu"]
    idle_w = cpu.read()
    time.sleep(0.06)
    busy(900)
    assert cpu.read() == pytest.approx(idle_w)


def test_case_33_a_field_error_is_not_zero_watts(make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path) -> None:
    """There is no energy counter, and the power fields fail within calls that succeed, so the plain gauge is used."""
    world = enter(make_world(gpus_w=(300.0,)), clean_environ, nvml_library)
    for key, value in (("0.energy_code", 3), ("0.185", None), ("0.186", None)):
        world.gpu(key, value)
    with EnergyTracker() as tracker:
        time.sleep(1.2)
    view = tracker.summary().to_dict()
    gpu = device(view, "gpu0")
    truth = 300.0 * view["run"]["duration_s"]
    assert gpu["energy_j"] == pytest.approx(truth, rel=0.05)
    assert gpu["low_j"] <= truth <= gpu["high_j"]
    assert gpu["provenance"]["measured-counter"] == 0.0
    assert gpu["provenance"]["measured-power"] > 0.0


SHARED = """
import pathlib, sys, time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    time.sleep(0.3)
print(tracker.summary().headline)
"""


def test_case_54_somebody_elses_process_on_the_gpu_is_a_shared_event(world: World) -> None:
    """The process of this test is no child of the tracked process, like the process of another user."""
    world.gpu("0.pids", os.getpid())
    ended = world.run_python(SHARED)
    view = world.show()
    said = events(view, "shared")
    assert [(e["device"], str(os.getpid()) in e["detail"]) for e in said] == [("gpu0", True)]
    assert "shared: gpu0" in ended.stdout
    assert "shared: gpu0" in world.cli("show").stdout


def test_case_54_our_own_children_are_not_somebody_else(here: World) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        here.gpu("0.pids", f"{os.getpid()} {child.pid}")
        with EnergyTracker() as tracker:
            time.sleep(0.2)
        child.kill()
    view = tracker.summary().to_dict()
    assert events(view, "shared") == []
    assert "shared" not in tracker.summary().headline
