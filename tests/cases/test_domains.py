"""Which powercap zones count, each once: cases 25, 26, 27, 45, 56 and 57.

Zones with unusable text, denied and masked zones: cases 9, 10 and 55.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.powercap import FakePowercap, MakeRequest
from tests.fakes.recorded import RecordedRun
from trainwatt.core.sensing import Availability, Device, Discovery, Finding
from trainwatt.errors import ReadError
from trainwatt.sensors.rapl import discovery as powercap
from trainwatt.sensors.rapl.reader import RaplSensor, counter_of


def after_ten_seconds(machine: FakePowercap, watts: dict[str, int]) -> dict[str, float]:
    """The energy of each device, and their "total", after each zone drew its watts for 10 s."""
    clock, spent_s = FakeClock(), [0.0]

    def draw(seconds: float) -> None:
        spent_s[0] += seconds
        for zone_id, power_w in watts.items():
            machine.set_energy(zone_id, round(power_w * spent_s[0] * 1e6))

    run = RecordedRun(machine, clock, draw)
    run.move(10.0, tick_s=0.1)
    run.end()
    energy = run.view["energy"]
    return {d["device"]: d["energy_j"] for d in energy["devices"]} | {"total": energy["total_j"]}


def packages(found: dict[str, float]) -> dict[str, float]:
    """Without the total and without the memory, which is modelled where it has no zone."""
    return {name: energy_j for name, energy_j in found.items() if name.startswith("package")}


def test_case_25_of_psys_package_core_uncore_and_dram_package_and_dram_count(machine: FakePowercap) -> None:
    """psys stands beside the total. Core and uncore are parts of their package; DRAM is no part of it, although it is listed under it."""
    zones = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:0:1": "uncore", "intel-rapl:0:2": "dram"}
    zones["intel-rapl:1"] = "psys"
    for zone_id, label in zones.items():
        machine.zone(zone_id, label)
    watts = dict(zip(zones, (100, 60, 10, 20, 200), strict=True))
    assert after_ten_seconds(machine, watts) == pytest.approx({"package-0": 1000, "dram-0": 200, "psys": 2000, "total": 1200})


def test_case_26_msr_and_mmio_twins_count_once(machine: FakePowercap) -> None:
    machine.zone("intel-rapl-mmio:0", "package-0")
    machine.zone("intel-rapl:0", "package-0")
    machine.zone("intel-rapl:0:0", "dram")
    found = after_ten_seconds(machine, {"intel-rapl-mmio:0": 100, "intel-rapl:0": 100, "intel-rapl:0:0": 20})
    assert found == pytest.approx({"package-0": 1000, "dram-0": 200, "total": 1200})


def test_case_26_the_twin_that_can_be_read_is_taken(machine: FakePowercap) -> None:
    machine.zone("intel-rapl:0", "package-0", "N/A")
    machine.zone("intel-rapl:0:0", "dram")
    machine.zone("intel-rapl-mmio:0", "package-0")
    found = after_ten_seconds(machine, {"intel-rapl-mmio:0": 100, "intel-rapl:0:0": 20})
    assert found == pytest.approx({"package-0": 1000, "dram-0": 200, "total": 1200})


def test_case_27_two_sockets_in_lockstep_count_twice(machine: FakePowercap) -> None:
    """Their counters always show the same number, and still are two counters."""
    for socket in (0, 1):
        machine.zone(f"intel-rapl:{socket}", f"package-{socket}")
        machine.zone(f"intel-rapl:{socket}:0", "dram")
    found = after_ten_seconds(machine, {"intel-rapl:0": 100, "intel-rapl:1": 100, "intel-rapl:0:0": 20, "intel-rapl:1:0": 20})
    assert found == pytest.approx({"package-0": 1000, "package-1": 1000, "dram-0": 200, "dram-1": 200, "total": 2400})


def test_case_45_dies_of_a_package_both_count(machine: FakePowercap) -> None:
    for die in (0, 1):
        machine.zone(f"intel-rapl:{die}", f"package-0-die-{die}")
        machine.zone(f"intel-rapl:{die}:0", "dram")
    found = after_ten_seconds(machine, {"intel-rapl:0": 100, "intel-rapl:1": 70, "intel-rapl:0:0": 20, "intel-rapl:1:0": 20})
    devices = {"package-0-die-0": 1000, "package-0-die-1": 700, "dram-0-die-0": 200, "dram-0-die-1": 200}
    assert found == pytest.approx({**devices, "total": 2100})


def test_case_56_mirrored_dies_count_once(machine: FakePowercap) -> None:
    """Both dies of an AMD package show the one counter of the socket, which draws 68 W."""
    machine.cpuinfo(vendor="AuthenticAMD", name="AMD EPYC 7742")
    for die in (0, 1):
        machine.zone(f"intel-rapl:{die}", f"package-0-die-{die}")
    found = after_ten_seconds(machine, {"intel-rapl:0": 68, "intel-rapl:1": 68})
    assert packages(found) == pytest.approx({"package-0": 680})


def test_case_57_zones_are_numbered_in_hexadecimal(machine: FakePowercap) -> None:
    for number in range(16):
        machine.zone(f"intel-rapl:{number:x}", f"package-{number}")
    found = after_ten_seconds(machine, {f"intel-rapl:{number:x}": 50 for number in range(16)})
    assert packages(found) == pytest.approx({f"package-{n}": 500 for n in range(16)})


def readings(found: Discovery) -> dict[str, int | float]:
    return {sensor.device.name: sensor.read() for sensor in found.sensors}


DEVICE = Device("package-0", "cpu", 350.0, 0.03, "cpu")


def test_case_10_text_that_is_no_number_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "energy_uj"
    file.write_text("5\n")
    sensor = RaplSensor(file, DEVICE, counter_of(None))
    for text in ("", "N/A\n", "nan\n", "-5\n", "+5\n", "1_000\n", "5.0\n", "5 6\n", "٥\n"):
        file.write_text(text)
        with pytest.raises(ReadError, match="is not a number of microjoules") as failure:
            sensor.read()
        assert repr(text.strip()) in str(failure.value) or not text.isascii()
    file.write_text("18446744073709551615\n")
    assert sensor.read() == 2**64 - 1
    sensor.close()


def test_case_10_a_zone_that_answers_nonsense_is_broken_and_the_others_go_on(
    machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    machine.zone("intel-rapl:0", "package-0", "N/A")
    machine.zone("intel-rapl:1", "package-1", 5)
    found = powercap.discover(request_for())
    closing.append(found)
    assert readings(found) == {"package-1": 5}
    broken = found.findings[0]
    assert broken.availability is Availability.BROKEN
    assert "'N/A'" in broken.detail
    assert broken.devices == ("package-0",)


def only(machine: FakePowercap, request_for: MakeRequest) -> Finding:
    found = powercap.discover(request_for())
    assert found.sensors == []
    (finding,) = found.findings
    return finding


def test_case_55_masked_by_dangling_links(machine: FakePowercap, request_for: MakeRequest) -> None:
    machine.zone("intel-rapl:0", "package-0")
    machine.mask()
    finding = only(machine, request_for)
    assert finding.availability is Availability.MASKED
    assert "systempaths=unconfined" in finding.remedy
    assert "/sys/class/powercap:/sys/class/powercap:ro" in finding.remedy


@pytest.mark.parametrize("sign", [".dockerenv", "run/.containerenv", "proc/1/cgroup"])
def test_case_55_masked_by_an_empty_folder_in_a_container(
    machine: FakePowercap, request_for: MakeRequest, tmp_path: Path, sign: str
) -> None:
    (machine.sysfs / "devices/virtual/powercap").mkdir(parents=True)
    mark = tmp_path / sign
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text("0::/kubepods/pod1/abc\n")
    assert only(machine, request_for).availability is Availability.MASKED


NOBODY = 65534


# Modules are imported first, because the interpreter may lie where only root can read.
DISCOVER = """
import json, os, sys
sys.path[:0] = {path}
from trainwatt.core.sensing import DiscoveryRequest
from trainwatt.sensors.discovery import discover
from trainwatt.sensors.modelled import power_model
power_model.dram(1.0)
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
found = discover(DiscoveryRequest({{"cpu": 0.03, "dram": 0.1}}, (), {{}}, {sysfs!r}, {procfs!r}))
said = [[f.source, f.availability.value, f.detail, f.remedy, f.worth, f.devices] for f in found.findings]
print(json.dumps([said, [[s.device.name, s.name, s.read()] for s in found.sensors]]))
"""


@pytest.fixture
def reachable(tmp_path: Path) -> None:
    """Give another user access to pytest's folders, which only the caller may enter."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)


def test_case_09_permission_denied_names_the_remedy_and_a_model_stands_in(machine: FakePowercap, reachable: None) -> None:
    for zone_id, label in (("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "dram"), ("intel-rapl:1", "package-1")):
        (machine.zone(zone_id, label, 5, limit_w=350) / "energy_uj").chmod(0o000 if os.geteuid() else 0o400)
    code = DISCOVER.format(nobody=NOBODY, path=sys.path, sysfs=str(machine.sysfs), procfs=str(machine.procfs))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    findings, sensors = json.loads(run.stdout)
    source, availability, _, remedy, worth, devices = next(f for f in findings if f[0] == "powercap")
    assert (source, availability, devices) == ("powercap", "denied", ["package-0", "dram-0", "package-1"])
    for words in ("groupadd", "usermod", "udevadm trigger", "chmod 0440", "CVE-2020-8694", "administrator"):
        assert words in remedy
    assert "o+r" not in remedy
    assert "0444" not in remedy
    assert "±3 %" in worth
    assert [[device, name] for device, name, _ in sensors] == [["cpu", "model"], ["dram", "model"]]
    assert any("700 W (TDP" in detail for _, _, detail, *_ in findings)
