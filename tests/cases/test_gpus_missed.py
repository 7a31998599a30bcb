"""GPUs that cannot be read at the first look, or for a while: what a run then says of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvml
import pytest

from tests.fakes.bus import FakeBus
from tests.fakes.clock import FakeClock
from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap
from tests.fakes.recorded import Package, RecordedRun
from tests.fakes.views import assert_true, device, events
from tests.fakes.world import MakeWorld, World
from trainwatt import EnergyTracker


class Gpu:
    """A GPU of 300 W beside a package of 100 W, which count from the start of the run."""

    def __init__(self, machine: FakePowercap, gpus: FakeNvml, **lines: Any) -> None:
        self.package = Package(machine)
        self.gpus = gpus
        self.mj = 5_000_000
        self.uuid = gpus.gpu(**({"f185": 300_000, "f186": 300_000, "power": 300_000} | lines))

    def draw(self, seconds: float) -> None:
        self.package.draw(seconds)
        self.mj += round(300_000 * seconds)
        self.gpus.set("0.energy", self.mj)


def test_case_61_a_shutdown_by_another_library_takes_no_joule(machine: FakePowercap, gpus: FakeNvml) -> None:
    clock, gpu = FakeClock(), Gpu(machine, gpus)
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    for _ in range(5):
        run.move(2.0, tick_s=0.1)
        gpus.shut_down()
    run.move(2.0, tick_s=0.1)
    run.end()
    found = device(run.view, "gpu0")
    assert found["energy_j"] == pytest.approx(300 * 12)
    assert found["provenance"]["measured-counter"] == pytest.approx(300 * 12)
    assert run.view["events"] == []


@pytest.mark.parametrize("times", [1, 3])
def test_case_61_a_library_in_the_training_that_shuts_nvml_down_loses_no_gpu(here: World, times: int) -> None:
    with EnergyTracker() as tracker:
        for _ in range(times):
            time.sleep(0.4)
            pynvml.nvmlShutdown()
        time.sleep(0.4)
    view = tracker.summary().to_dict()
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])
    assert events(view, "lost") == []
    assert "at least" not in tracker.summary().headline


def bus_of(world: World) -> FakeBus:
    return FakeBus(world.powercap.sysfs, world.powercap.procfs)


TRAIN = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits", zone="FR") as tracker:
    time.sleep(0.3)
print(tracker.summary())
"""


OUTPUTS = {"show": ["show"], "list": ["list"], "footprint": ["footprint", "latest", "--format", "text"]}


def every_output(world: World) -> dict[str, str]:
    """What each output says of the newest run."""
    said = {name: world.call(*arguments).stdout for name, arguments in OUTPUTS.items()}
    for name in ("report.md", "report.html"):
        world.call("report", "latest", "-o", name)
        said[name] = (world.work / name).read_text()
    return said


def test_case_58_a_gpu_that_nvml_does_not_open_makes_every_total_a_lower_bound(world: World) -> None:
    """The library is there and the driver refuses. Nothing says that all was measured, and everything says what was not."""
    world.gpu("init", 18)
    summary = world.run_python(TRAIN).stdout
    view, said = world.show(), every_output(world)
    energy = view["energy"]
    assert energy["lower_bound"]
    assert energy["measured_fraction"] is None
    assert [(d["device"], d["kind"]) for d in energy["unmeasured"]] == [("gpu0", "gpu")]
    assert "NVML error 18" in energy["unmeasured"][0]["reason"]
    assert {d["device"] for d in energy["devices"]} == {"package-0", "dram-0"}
    for text in (summary, said["show"], said["report.md"], said["report.html"]):
        assert "at least " in text
        assert "gpu0 not measured" in text
        assert "NVML error 18" in text
    assert "≥ " in said["list"]
    for name in ("show", "report.md", "report.html"):
        assert len(re.findall(r"≥ [\d.]+ .?g\b", said[name])) >= 3, name
    assert re.search(r"≥ [\d.]+ .?g CO2e .*: ≥ [\d.]+ .?g operational, ≥ ", summary)
    assert re.search(r"emitted at least [\d.]+ .?g CO2e", " ".join(said["footprint"].split()))
    for name, text in (said | {"summary": summary}).items():
        assert "100 % measured" not in " ".join(text.split()), name
        assert "All of the energy was measured" not in " ".join(text.split()), name
    assert "1 × GPU could not be read at all, so the energy is a lower bound" in " ".join(said["footprint"].split())
    listed = json.loads(world.call("list", "--json").stdout)
    grouped = json.loads(world.call("list", "--by", "project", "--json").stdout)
    assert listed["runs"][0]["energy"]["lower_bound"]
    assert listed["runs"][0]["energy"]["unmeasured"] == energy["unmeasured"]
    assert grouped["total"]["energy"]["measured_fraction"] is None
    found = json.loads(world.cli("doctor", "--json").stdout)
    assert found["unmeasured"] == ["gpu0"]


def garbage(folder: Path) -> None:
    """A library for another kind of processor."""
    (folder / "libnvidia-ml.so.1").write_bytes(b"\x7fELF\x01\x01\x01" + bytes(100))


def undefined(folder: Path) -> None:
    """A library of another version than the one it needs."""
    source = folder / "nvml.c"
    source.write_text("extern int nvml_of_another_version(void); int nvmlInitWithFlags(unsigned f) { return nvml_of_another_version(); }")
    cc = shutil.which("cc")
    assert cc is not None
    subprocess.run([cc, "-shared", "-fPIC", "-Wl,-z,now", "-o", folder / "libnvidia-ml.so.1", source], check=True)


@pytest.mark.parametrize("make", [garbage, undefined])
def test_case_58_a_library_that_cannot_be_loaded_is_not_one_that_is_missing(
    world: World, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    make(folder)
    env = world.environ(LD_LIBRARY_PATH=str(folder))
    ended = world.run_python(TRAIN, env=env)
    assert "at least " in ended.stdout, ended.stderr
    [unread] = world.show()["energy"]["unmeasured"]
    assert unread["device"] == "gpu0"
    assert "the library is installed, but cannot be loaded" in unread["reason"]


def test_a_package_that_fails_to_import_costs_the_gpu_only_and_says_so(world: World, tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text("raise RuntimeError('half an installation')\n")
    bus_of(world).device()
    ended = world.run_python(TRAIN, env=world.environ(PYTHONPATH=f"{tmp_path}:{world.environ()['PYTHONPATH']}"))
    assert "gpu0 not measured" in ended.stdout, ended.stderr
    assert "half an installation" in world.show()["energy"]["unmeasured"][0]["reason"]
    assert "not measured: gpu0 (pynvml cannot be imported" in ended.stderr


def test_case_58_one_of_two_gpus_that_is_dead_is_said_and_the_other_is_measured(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    world.gpu("1.handle_code", 15)
    ended = world.run_python(TRAIN)
    view = world.show()
    assert_true(device(view, "gpu0"), 300.0, view["run"]["duration_s"])
    assert [d["device"] for d in view["energy"]["unmeasured"]] == ["gpu1"]
    assert ended.stdout.startswith("at least ")


def test_a_gpu_that_is_not_used_by_the_run_is_not_missed(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=(300.0, 200.0))
    world.gpu("1.handle_code", 15)
    world.run_python(TRAIN, env=world.environ(CUDA_VISIBLE_DEVICES="0"))
    energy = world.show()["energy"]
    assert (energy["unmeasured"], energy["lower_bound"]) == ([], False)
    assert energy["measured_fraction"] == pytest.approx(1.0, abs=0.01)


# ---- a second look


class Sleeper(Gpu):
    """A laptop's GPU that sleeps when the run starts."""

    def __init__(self, machine: FakePowercap, gpus: FakeNvml, **lines: Any) -> None:
        super().__init__(machine, gpus, **lines)
        self.bus = FakeBus(machine.sysfs, machine.procfs)
        self.bus.device(status="suspended")

    def wakes(self) -> None:
        self.bus.sleeps(status="active")


def test_case_59_a_gpu_that_slept_at_the_start_is_found_when_it_wakes(machine: FakePowercap, gpus: FakeNvml) -> None:
    """It is not woken. What it drew before is between nothing and idle power; then it is measured exactly."""
    clock, gpu = FakeClock(), Sleeper(machine, gpus)
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    for _ in range(10):
        run.move(1.0, tick_s=0.1)
    assert gpus.tried == 0
    assert run.view["energy"]["unmeasured"][0]["reason"] == "suspended; not woken"
    gpu.wakes()
    for _ in range(5):
        run.move(1.0, tick_s=0.1)
    run.end()
    found, energy = device(run.view, "gpu0"), run.view["energy"]
    assert (energy["unmeasured"], energy["lower_bound"]) == ([], False)
    assert (found["model"], found["uuid"]) == ("NVIDIA H100 80GB HBM3", gpu.uuid)
    assert found["provenance"]["measured-counter"] == pytest.approx(300 * 4)
    assert found["seen_fraction"] == pytest.approx(1.0)
    assert found["coverage"] == pytest.approx(4 / 15, abs=0.01)
    asleep_j, awake_j = 770 * 0.15 * 10, 300 * 1  # it slept for 10 s; of the second until it was found nothing is known
    assert 0 < found["provenance"]["imputed"] - awake_j <= asleep_j
    assert found["low_j"] <= 300 * 4
    assert found["high_j"] >= asleep_j + 770 + 300 * 4
    [said] = events(run.view, "found")
    assert said["device"] == "gpu0"
    assert "11.0 s before are imputed, 10.0 s of it asleep" in said["detail"]


def test_a_phase_that_began_while_the_gpu_slept_has_its_part_of_what_is_imputed(machine: FakePowercap, gpus: FakeNvml) -> None:
    clock, gpu = FakeClock(), Sleeper(machine, gpus)
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    run.move(2.0, tick_s=0.1)
    start_ns = clock.now_ns
    gpu.wakes()
    run.move(3.0, tick_s=0.1)
    run.phase("train", start_ns, clock.now_ns)
    run.end()
    [train] = run.view["phases"]
    assert train["resolved"]
    assert train["low_j"] <= (100 + 300) * 3 <= train["high_j"]


@pytest.mark.parametrize(("key", "code"), [("init", 999), ("init", 18), ("0.handle_code", 27), ("count_code", 999)])
def test_a_gpu_that_the_driver_refuses_at_first_is_found_later(machine: FakePowercap, gpus: FakeNvml, key: str, code: int) -> None:
    """It may have worked all the time, so its range goes from nothing to full power for that time."""
    clock, gpu = FakeClock(), Gpu(machine, gpus)
    gpus.set(key, code)
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    run.move(1.0, tick_s=0.1)
    gpus.set(key, 0)
    run.move(1.0, tick_s=0.1)
    run.move(3.0, tick_s=0.1)
    run.end()
    found = device(run.view, "gpu0")
    assert found["provenance"]["measured-counter"] == pytest.approx(900)
    assert found["provenance"]["imputed"] == pytest.approx(600)
    assert found["low_j"] <= 900
    assert found["high_j"] >= 900 + 2 * 770
    assert run.view["energy"]["unmeasured"] == []


def test_one_gpu_sleeps_and_the_other_works(machine: FakePowercap, gpus: FakeNvml) -> None:
    clock, gpu = FakeClock(), Gpu(machine, gpus)
    gpus.gpu(f185=50_000, f186=50_000, energy=None)
    bus = FakeBus(machine.sysfs, machine.procfs)
    bus.device("0000:17:00.0")
    bus.device("0000:65:00.0", status="suspended")
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    run.move(2.0, tick_s=0.1)
    assert [d["device"] for d in run.view["energy"]["unmeasured"]] == ["gpu1"]
    assert gpus.asked(1) == 0  # a question would wake it
    bus.sleeps("0000:65:00.0", "active")
    run.move(1.0, tick_s=0.1)
    run.move(2.0, tick_s=0.1)
    run.end()
    assert device(run.view, "gpu0")["energy_j"] == pytest.approx(1500)
    assert device(run.view, "gpu1")["provenance"]["measured-power"] == pytest.approx(50 * 2, rel=0.3)


def test_a_gpu_that_sleeps_all_along_is_never_woken(machine: FakePowercap, gpus: FakeNvml) -> None:
    clock, gpu = FakeClock(), Sleeper(machine, gpus)
    run = RecordedRun(machine, clock, gpu.draw, gpus=None)
    run.move(30.0, tick_s=1.0)
    run.end()
    assert gpus.tried == 0
    assert run.view["energy"]["lower_bound"]
    assert [d["device"] for d in run.view["energy"]["unmeasured"]] == ["gpu0"]


def test_case_59_under_trainwatt_run_a_gpu_that_the_command_wakes_is_found(world: World) -> None:
    bus = bus_of(world)
    bus.device(status="suspended")
    runtime_status = bus.sysfs / "bus/pci/devices/0000:65:00.0/power/runtime_status"
    ended = world.cli("run", "--", "sh", "-c", f"sleep 0.5; echo active > {runtime_status}; sleep 3")
    view = world.show()
    found = device(view, "gpu0")
    assert view["energy"]["unmeasured"] == [], ended.stderr
    assert found["provenance"]["measured-counter"] > 300
    assert found["low_j"] <= 300 * view["run"]["duration_s"] <= found["high_j"]
    assert "GPU+CPU+DRAM" in ended.stderr


def test_a_phase_that_begins_looks_for_the_gpu_at_once(here: World) -> None:
    """The writing thread looks, and the training does not wait for it."""
    bus = bus_of(here)
    bus.device(status="suspended")
    with EnergyTracker() as tracker:
        time.sleep(1.2)  # after a look that took long there is none for a while
        bus.sleeps(status="active")
        with tracker.phase("train"):
            time.sleep(0.4)
    view = tracker.summary().to_dict()
    assert len(events(view, "found")) == 1
    assert device(view, "gpu0")["provenance"]["measured-counter"] > 300 * 0.2


# ---- 0 W in the first second


@pytest.mark.parametrize("counter", [None, 5_000_000])
def test_case_60_a_gauge_that_says_0_w_at_first_is_kept(machine: FakePowercap, gpus: FakeNvml, counter: int | None) -> None:
    clock, gpu = FakeClock(), Gpu(machine, gpus, f185=0, f186=0, power=0, energy=counter)
    run = RecordedRun(machine, clock, gpu.draw if counter else gpu.package.draw, gpus=None)
    run.move(1.0, tick_s=0.1)
    for field in ("0.185", "0.186", "0.power"):
        gpus.set(field, 300_000)
    run.move(4.0, tick_s=0.1)
    run.end()
    found = device(run.view, "gpu0")
    assert found["energy_j"] == pytest.approx(1500, rel=0.05)
    assert found["low_j"] <= 1500 <= found["high_j"]
    assert run.view["energy"]["unmeasured"] == []


def test_a_gauge_that_says_0_w_all_along_is_a_gpu_that_is_not_measured(machine: FakePowercap, gpus: FakeNvml) -> None:
    clock, gpu = FakeClock(), Gpu(machine, gpus, f185=0, f186=0, power=0, energy=None)
    run = RecordedRun(machine, clock, gpu.package.draw, gpus=None)
    run.move(3.0, tick_s=0.1)
    run.end()
    assert [d["device"] for d in run.view["energy"]["unmeasured"]] == ["gpu0"]
    assert run.view["energy"]["lower_bound"]


def test_a_gate_is_not_passed_because_the_gpu_could_not_be_read(world: World) -> None:
    """A run without its GPU looks cheaper. That says nothing, in either direction; the time of a run is judged as before."""
    world.run_python(TRAIN)
    world.gpu("0.handle_code", 999)
    world.run_python(TRAIN)
    whole, without = (run["id"] for run in reversed(world.runs()))
    for runs in ((whole, without), (without, whole)):
        judged = world.call("compare", *runs, "--gate", "energy +5%")
        assert judged.returncode == 1, judged.stdout
        assert "a device was never read" in " ".join((judged.stdout + judged.stderr).split())
    assert world.call("compare", whole, without, "--gate", "duration +1h").returncode == 0
    assert world.call("compare", without, without, "--gate", "duration +1h").returncode == 0
