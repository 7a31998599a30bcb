"""GPUs that cannot be read at the first look, or for a while: what a run then says of them."""

from __future__ import annotations

import json
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


def test_a_shutdown_by_another_library_takes_no_joule(machine: FakePowercap, gpus: FakeNvml) -> None:
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
def test_a_library_in_the_training_that_shuts_nvml_down_loses_no_gpu(here: World, times: int) -> None:
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


def test_a_gpu_that_nvml_does_not_open_makes_every_total_a_lower_bound(world: World) -> None:
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
def test_a_library_that_cannot_be_loaded_is_not_one_that_is_missing(world: World, tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    make(folder)
    bus_of(world).device()
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


def test_one_of_two_gpus_that_is_dead_is_said_and_the_other_is_measured(make_world: MakeWorld) -> None:
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
