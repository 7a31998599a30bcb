"""RAPL zones: what counts, what it is called, and what a read says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.powercap import AMD_RANGE_UJ, INTEL_RANGE_UJ, FakePowercap, MakeRequest
from trainwatt.core.sensing import Counter, Device, Discovery
from trainwatt.errors import ReadError, SensorLostError
from trainwatt.sensors.rapl import discovery as powercap
from trainwatt.sensors.rapl import reader as rapl
from trainwatt.sensors.rapl.reader import RaplSensor, counter_of

DEVICE = Device("package-0", "cpu", 350.0, 0.03, "cpu")


def readings(found: Discovery) -> dict[str, int | float]:
    return {sensor.device.name: sensor.read() for sensor in found.sensors}


def test_zones_are_known_by_name_not_number(machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]) -> None:
    machine.zone("intel-rapl:0", "psys", 9)
    machine.zone("intel-rapl:1", "package-1", 5)
    machine.zone("intel-rapl:2", "package-0", 4)
    machine.zone("intel-rapl:2:0", "dram", 3)
    found = powercap.discover(request_for())
    closing.append(found)
    assert readings(found) == {"psys": 9, "package-1": 5, "package-0": 4, "dram-0": 3}


@pytest.mark.parametrize("nested", [True, False])
def test_plain_folders_do_as_well_as_links(tmp_path: Path, request_for: MakeRequest, closing: list[Discovery], nested: bool) -> None:
    top = tmp_path / "sys/class/powercap"
    package = top / "intel-rapl:0"
    for folder, name, energy in ((package, "package-0", 5), ((package if nested else top) / "intel-rapl:0:0", "dram", 3)):
        folder.mkdir(parents=True)
        (folder / "name").write_text(name)
        (folder / "energy_uj").write_text(str(energy))
    found = powercap.discover(request_for())
    closing.append(found)
    assert readings(found) == {"package-0": 5, "dram-0": 3}
    assert all(s.kind == Counter(1e-6, None, quantum=61) for s in found.sensors)


def cpu_counters(machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]) -> dict[str, int | float]:
    found = powercap.discover(request_for())
    closing.append(found)
    assert [f.availability for f in found.findings] == ["ok"] * len(found.sensors)
    return {name: value for name, value in readings(found).items() if name.startswith("package")}


@pytest.mark.parametrize("vendor", ["AuthenticAMD", "HygonGenuine"])
@pytest.mark.parametrize(("sockets", "dies"), [(1, 2), (1, 4), (2, 8), (2, 1), (1, 1)])
def test_dies_of_amd_and_hygon_mirror_the_counter_of_their_socket(
    machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery], vendor: str, sockets: int, dies: int
) -> None:
    """Read one after the other, mirrors differ by some microjoules."""
    machine.cpuinfo(vendor=vendor, name="AMD EPYC 7742")
    for i in range(sockets * dies):
        socket, die = divmod(i, dies)
        label = f"package-{socket}-die-{die}" if dies > 1 else f"package-{socket}"
        machine.zone(f"intel-rapl:{i:x}", label, 1_000_000 * (socket + 1) + 17 * die, AMD_RANGE_UJ)
        machine.zone(f"intel-rapl:{i:x}:0", "core", 5)
    assert cpu_counters(machine, request_for, closing) == {f"package-{s}": 1_000_000 * (s + 1) for s in range(sockets)}
    said = [f.detail for f in closing[0].findings]
    assert all((f"its {dies} dies all show this counter" in text) == (dies > 1) for text in said)


@pytest.mark.parametrize("dies", [2, 3])
def test_dies_of_intel_are_real(machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery], dies: int) -> None:
    """They count each, even if they happen to show the same value; each has its own memory."""
    for i in range(2 * dies):
        machine.zone(f"intel-rapl:{i:x}", f"package-{i // dies}-die-{i % dies}", 7)
        machine.zone(f"intel-rapl:{i:x}:0", "dram", 3)
    names = [f"{socket}-die-{die}" for socket in range(2) for die in range(dies)]
    found = powercap.discover(request_for())
    closing.append(found)
    assert readings(found) == {f"package-{n}": 7 for n in names} | {f"dram-{n}": 3 for n in names}


def test_a_mirror_that_cannot_be_read_is_replaced_by_another(
    machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    machine.cpuinfo(vendor="AuthenticAMD")
    machine.zone("intel-rapl:0", "package-0-die-0", "N/A", AMD_RANGE_UJ)
    machine.zone("intel-rapl:1", "package-0-die-1", 42, AMD_RANGE_UJ)
    assert cpu_counters(machine, request_for, closing) == {"package-0": 42}


def test_zones_are_numbered_in_hexadecimal(machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]) -> None:
    """Seventeen packages: intel-rapl:0 to :f, then :10."""
    for number in range(17):
        machine.zone(f"intel-rapl:{number:x}", f"package-{number}", number + 1)
        machine.zone(f"intel-rapl:{number:x}:a", "dram", 100 + number)
        machine.zone(f"intel-rapl-mmio:{number:x}", f"package-{number}", number + 1)
    found = powercap.discover(request_for())
    closing.append(found)
    expected = {f"package-{n}": n + 1 for n in range(17)} | {f"dram-{n}": 100 + n for n in range(17)}
    assert readings(found) == expected
    assert [s.device.name for s in found.sensors][:2] == ["package-0", "dram-0"]
    assert [s.device.name for s in found.sensors if s.device.kind == "cpu"] == [f"package-{n}" for n in range(17)]


def test_names_that_only_look_like_zones_are_none(machine: FakePowercap, request_for: MakeRequest) -> None:
    for name in ("intel-rapl:x", "intel-rapl", "intel-rapl:0g", "dtpm:0"):
        folder = machine.sysfs / "class/powercap" / name
        folder.mkdir(parents=True)
        (folder / "name").write_text("package-0")
        (folder / "energy_uj").write_text("5")
    assert powercap.find_zones(request_for().sysfs) == ([], [])


def test_two_zones_of_one_name_count_once_and_are_reported(
    machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    machine.zone("intel-rapl:0", "package-0", 5)
    machine.zone("intel-rapl:1", "package-0", 6)
    found = powercap.discover(request_for())
    closing.append(found)
    assert readings(found) == {"package-0": 5}
    assert "intel-rapl:1 and intel-rapl:0 are both named package-0" in found.findings[0].detail


def test_the_counter_wraps_one_unit_after_its_range() -> None:
    intel, amd = counter_of(INTEL_RANGE_UJ), counter_of(AMD_RANGE_UJ)
    assert intel == Counter(unit_j=1e-6, modulus=INTEL_RANGE_UJ + 61, restarts_at_zero=False, quantum=61)
    assert amd.modulus == AMD_RANGE_UJ + 15
    assert counter_of(None).modulus is None
    assert counter_of(0).modulus is None


def test_the_greatest_power_is_above_the_limits_and_plausible(
    machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    package = machine.zone("intel-rapl:0", "package-0", 0, limit_w=350)
    (package / "constraint_1_power_limit_uw").write_text("420000000")
    (package / "constraint_1_max_power_uw").write_text("0")
    machine.zone("intel-rapl:0:0", "dram", 0)
    machine.zone("intel-rapl:1", "package-1", 0, limit_w=15)  # a laptop's, or set low by hand
    machine.zone("intel-rapl:2", "package-2", 0, limit_w=4_000_000)  # firmware that means "no limit"
    machine.zone("intel-rapl:3", "package-3", 0, limit_w=350)  # the short-term limit is not told
    found = powercap.discover(request_for())
    closing.append(found)
    most = {s.device.name: s.device.max_power_w for s in found.sensors}
    assert most == {"package-0": 504.0, "dram-0": 200.0, "package-1": 150.0, "package-2": 1000.0, "package-3": 525.0}


def test_a_failed_read_is_an_error_with_the_systems_words(tmp_path: Path) -> None:
    file = tmp_path / "energy_uj"
    file.write_text("5")
    sensor = RaplSensor(file, DEVICE, counter_of(None))
    sensor.close()
    sensor.close()
    with pytest.raises(ReadError, match="Bad file descriptor"):
        sensor.read()


def test_a_vanished_zone_is_lost(machine: FakePowercap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "energy_uj"
    file.write_text("5")
    sensor = RaplSensor(file, DEVICE, counter_of(None))

    def gone() -> bytes:
        raise OSError(19, "No such device")  # what sysfs answers on a file left open over an unplug

    monkeypatch.setattr(sensor, "_read_bytes", gone)
    with pytest.raises(SensorLostError, match="No such device"):
        sensor.read()
    sensor.close()


def test_a_fork_shares_the_file_without_moving_it(machine: FakePowercap, tmp_path: Path) -> None:
    file = tmp_path / "energy_uj"
    file.write_text("12345")
    sensor = RaplSensor(file, DEVICE, counter_of(None))
    child = os.fork()
    if child == 0:
        os._exit(0 if sensor.read() == 12345 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sensor.read() == 12345
    assert not sensor.releases_gil
    assert os.get_inheritable(sensor._fd) is False
    sensor.close()


def test_a_file_slow_to_read_is_read_without_the_gil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "energy_uj"
    file.write_text("12345")
    monkeypatch.setattr(rapl, "_SLOW_READ_S", -1.0)  # every file is slow
    sensor = RaplSensor(file, DEVICE, counter_of(None))
    assert sensor.releases_gil
    assert sensor.read() == 12345
    sensor.close()


def test_one_failed_trial_read_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "energy_uj"
    file.write_text("12345")
    answers = [b"", b"12345", b"12345", b"12346"]
    monkeypatch.setattr(RaplSensor, "_read_holding_gil", lambda _: answers.pop(0))
    sensor = RaplSensor(file, DEVICE, counter_of(None))
    assert sensor.read() == 12346
    sensor.close()


def test_the_rated_power_is_the_sum_of_the_packages_long_term_limits(machine: FakePowercap, request_for: MakeRequest) -> None:
    machine.zone("intel-rapl:0", "package-0", 0, limit_w=350)
    machine.zone("intel-rapl-mmio:0", "package-0", 0, limit_w=350)
    assert powercap.package_limit_w(request_for()) == 350
    machine.zone("intel-rapl:1", "package-1", 0, limit_w=350)
    assert powercap.package_limit_w(request_for()) == 700
    machine.zone("intel-rapl:2", "package-2", 0)
    assert powercap.package_limit_w(request_for()) is None


def test_the_rated_power_counts_the_dies_of_one_counter_once(machine: FakePowercap, request_for: MakeRequest) -> None:
    for die in range(4):
        machine.zone(f"intel-rapl:{die}", f"package-0-die-{die}", 0, limit_w=280)
    assert powercap.package_limit_w(request_for()) == 4 * 280
    machine.cpuinfo(vendor="AuthenticAMD")
    assert powercap.package_limit_w(request_for()) == 280
