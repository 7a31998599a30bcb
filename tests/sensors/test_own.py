"""Sensors of the user's own: found by name, held to the same rules, and counted beside the others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.powercap import FakePowercap
from tests.fakes.trusted import trust
from tests.fakes.views import happened
from tests.fakes.world import ROOT, MakeWorld, World
from trainwatt import EnergyTracker
from trainwatt.config import resolve
from trainwatt.core.sensing import Availability, Counter, Device, Discovery, DiscoveryRequest, Gauge
from trainwatt.errors import ConfigurationError
from trainwatt.sensors import discovery as sensors

WATTS = 240.0
INSTANT = Gauge("instant")
METER = Device("meter", "gpu", max_power_w=100.0, gain=0.02, gain_class="meter")


class Meter:
    """A sensor that says 40 W."""

    period_s = None

    def __init__(self, device: Device = METER, kind: Counter | Gauge = INSTANT, name: str = "power") -> None:
        self.device, self.kind, self.name = device, kind, name

    def read(self) -> float:
        return 40.0

    def holder_pids(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module `my_meter` that can be imported."""
    found = ModuleType("my_meter")
    monkeypatch.setitem(sys.modules, "my_meter", found)
    return found


def asked(machine: FakePowercap, *providers: str) -> DiscoveryRequest:
    return DiscoveryRequest({"cpu": 0.03, "dram": 0.1}, sysfs=str(machine.sysfs), procfs=str(machine.procfs), gpus=(), providers=providers)


def test_a_sensor_of_ones_own_stands_beside_the_others(machine: FakePowercap, module: Any) -> None:
    machine.zone("intel-rapl:0", "package-0")
    module.discover = lambda request: Discovery([Meter()])
    found = sensors.discover(asked(machine, "my_meter:discover"))
    assert [s.device.name for s in found.sensors] == ["package-0", "meter", "dram"]


def test_a_measured_processor_is_not_modelled_as_well(machine: FakePowercap, module: Any) -> None:
    device = Device("socket", "cpu", max_power_w=100.0, gain=0.02, gain_class="meter")
    module.discover = lambda request: Discovery([Meter(device)])
    assert [s.device.name for s in sensors.discover(asked(machine, "my_meter:discover")).sensors] == ["socket", "dram"]


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "returned None: return a Discovery"),
        (Discovery([object()]), "has no name, device, kind"),  # type: ignore[list-item]
        (Discovery([Meter("gpu0")]), "has the device 'gpu0'"),  # type: ignore[arg-type]
        (Discovery([Meter(Device("x", "gpu", 0.0, 0.1, "x"))]), "max_power_w must be more than 0 W"),
        (Discovery([Meter(Device("x", "gpu", float("inf"), 0.1, "x"))]), "both finite"),
        (Discovery([Meter(Device("x", "fan", 9.0, 0.1, "x"))]), "of kind gpu, cpu, dram, platform"),  # type: ignore[arg-type]
        (Discovery([Meter(kind="watts")]), "give a Counter or a Gauge"),  # type: ignore[arg-type]
        (Discovery([Meter(kind=Counter(1.0))]), "a counter must be named energy"),
        (Discovery([Meter(name="energy")]), "a counter must be named energy"),
        (Discovery([Meter(Device("package-0", "cpu", 9.0, 0.1, "x"))]), "another device has the name package-0 already"),
    ],
)
def test_what_cannot_be_read_as_a_sensor_is_refused(machine: FakePowercap, module: Any, returned: object, words: str) -> None:
    machine.zone("intel-rapl:0", "package-0")
    module.discover = lambda request: returned
    with pytest.raises(ConfigurationError, match=words) as raised:
        sensors.discover(asked(machine, "my_meter:discover"))
    assert "'my_meter:discover'" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:discover", "No module named 'no_such_module'"),
        ("my_meter:discovery", "has no attribute 'discovery'"),
        ("my_meter:WATTS", "name a function"),
    ],
)
def test_a_provider_that_is_not_there_is_refused_with_the_reason(machine: FakePowercap, module: Any, name: str, words: str) -> None:
    module.WATTS = 40.0
    with pytest.raises(ConfigurationError, match=words):
        sensors.discover(asked(machine, name))


FILE = """
from dataclasses import dataclass
from trainwatt.core.sensing import Discovery
@dataclass
class Found:
    what: "Discovery"
def discover(request):
    return Found(Discovery()).what
"""


@pytest.mark.parametrize("name", ["my_meters:discover", "my_meters.py:discover", "sub/other.py:discover", "sub.other:discover"])
def test_a_module_beside_the_settings_is_found_wherever_one_stands(
    tmp_path: Path, own_state: Path, machine: FakePowercap, name: str
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    for path in (tmp_path / "my_meters.py", tmp_path / "sub" / "other.py"):
        path.write_text(FILE)
    (tmp_path / "trainwatt.toml").write_text(f"sensors = ['{name}']")
    trust(tmp_path / "trainwatt.toml")
    [provider] = resolve({}, {}, tmp_path / "sub").sensors
    assert provider.startswith(str(tmp_path))
    assert sensors.discover(asked(machine, provider)).sensors


def test_a_file_that_is_not_there_is_refused_with_its_name(tmp_path: Path, own_state: Path, machine: FakePowercap) -> None:
    (tmp_path / "trainwatt.toml").write_text("sensors = ['meter.py:discover']")
    trust(tmp_path / "trainwatt.toml")
    [provider] = resolve({}, {}, tmp_path).sensors
    with pytest.raises(ConfigurationError, match=r"meter\.py"):
        sensors.discover(asked(machine, provider))


def test_code_that_ends_the_program_does_not_end_the_training(tmp_path: Path, machine: FakePowercap, module: Any) -> None:
    (tmp_path / "meter.py").write_text("raise SystemExit(3)")
    with pytest.raises(ConfigurationError, match=r"cannot be imported \(SystemExit: 3\)"):
        sensors.discover(asked(machine, f"{tmp_path / 'meter.py'}:discover"))
    module.discover = lambda request: sys.exit("no meter")
    [finding] = [f for f in sensors.discover(asked(machine, "my_meter:discover")).findings if f.source == "my_meter:discover"]
    assert (finding.availability, finding.detail) == (Availability.BROKEN, "the search for sensors failed: SystemExit: no meter")


@pytest.mark.parametrize("value", ["my_meter", ["my meter:discover"], [len], 7])
def test_a_setting_that_names_no_function_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="sensors="):
        EnergyTracker(sensors=value)  # type: ignore[arg-type]


def test_a_provider_that_fails_is_a_finding_that_names_it(machine: FakePowercap, module: Any) -> None:
    def discover(request: DiscoveryRequest) -> Discovery:
        raise OSError("the meter is unplugged")

    module.discover = discover
    found = sensors.discover(asked(machine, "my_meter:discover"))
    [finding] = [f for f in found.findings if f.source == "my_meter:discover"]
    assert finding.availability is Availability.BROKEN
    assert "OSError: the meter is unplugged" in finding.detail
    assert finding.remedy == "Correct my_meter:discover, which the settings name."


def card(world: World, *power_files: str) -> Path:
    """An AMD card, as the kernel shows it."""
    monitor = world.powercap.sysfs / "class" / "drm" / "card1" / "device" / "hwmon" / "hwmon3"
    monitor.mkdir(parents=True)
    (monitor / "name").write_text("amdgpu\n")
    for name in power_files or ("power1_average",):
        (monitor / name).write_text(f"{WATTS * 1e6:.0f}\n")
    (monitor / "power1_cap_max").write_text("300000000\n")
    (monitor.parent.parent / "product_name").write_text("AMD Instinct MI210\n")
    return monitor


@pytest.mark.slow
def test_the_example_measures_an_amd_card(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    card(world)
    env = world.environ(TRAINWATT_SENSORS="amdgpu:discover", PYTHONPATH=f"{ROOT}:{ROOT / 'examples'}")
    ended = world.cli("run", "--", sys.executable, "-c", "import time; time.sleep(2)", env=env)
    assert ended.returncode == 0, ended.stderr
    view = world.show()
    devices = {d["device"]: d for d in view["energy"]["devices"]}
    assert list(devices) == ["card1", "package-0", "dram-0"]
    found, truth_j = devices["card1"], WATTS * view["run"]["duration_s"]
    assert found["model"] == "AMD Instinct MI210"
    assert found["low_j"] <= truth_j <= found["high_j"] < 1.5 * truth_j
    assert found["provenance"]["measured-power"] > 0
    assert "card1" in world.cli("doctor", env=env).stdout


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (("power1_input",), ["power-instant"]),
        (("power1_average", "power1_input"), ["power-average", "power-instant"]),
        (("power1_average",), ["power-average"]),
    ],
)
def test_the_example_reads_whichever_power_a_card_has(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], names: list[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    world = make_world(gpus_w=())
    card(world, *files)
    found = [s for s in sensors.discover(asked(world.powercap, "amdgpu:discover")).sensors if s.device.kind == "gpu"]
    assert [(s.name, s.read()) for s in found] == [(name, WATTS) for name in names]
    shapes = {"power-average": "window", "power-instant": "instant"}
    assert all(isinstance(s.kind, Gauge) and s.kind.shape == shapes[s.name] for s in found)


def test_a_card_whose_mean_power_does_not_answer_is_read_by_its_power_now(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    world = make_world(gpus_w=())
    monitor = card(world, "power1_average", "power1_input")
    request = asked(world.powercap, "amdgpu:discover")
    for text, names in (("", ["power-instant"]), ("N/A", ["power-instant"])):
        (monitor / "power1_average").write_text(text)
        assert [s.name for s in sensors.discover(request).sensors if s.device.kind == "gpu"] == names
    (monitor / "power1_input").unlink()
    found = sensors.discover(request)
    assert [s for s in found.sensors if s.device.kind == "gpu"] == []
    [finding] = [f for f in found.findings if f.source == "amdgpu"]
    assert (finding.availability, finding.devices) == (Availability.BROKEN, ("card1",))


def test_a_card_that_goes_away_is_lost_and_harms_nothing(make_world: MakeWorld) -> None:
    world = make_world(gpus_w=())
    code = """
import sys, time, pathlib
from trainwatt import EnergyTracker
with EnergyTracker(sensors=["amdgpu:discover"]):
    time.sleep(0.5)
    pathlib.Path(sys.argv[1]).unlink()
    time.sleep(0.5)
print("trained")
"""
    monitor = card(world)
    env = world.environ(PYTHONPATH=f"{ROOT}:{ROOT / 'examples'}")
    ended = world.run_python(code, str(monitor / "power1_average"), env=env)
    assert ended.stdout == "trained\n", ended.stderr
    view = world.show()
    assert [(e["device"], e["kind"]) for e in happened(view)] == [("card1", "lost")]
    assert view["energy"]["lower_bound"]
