"""Denied, masked, absent and broken are different findings with different mends."""

from __future__ import annotations

from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.core.sensing import Availability, Finding
from trainwatt.sensors.rapl import discovery as powercap


def only(machine: FakePowercap, request_for: MakeRequest) -> Finding:
    found = powercap.discover(request_for())
    assert found.sensors == []
    (finding,) = found.findings
    return finding


def test_a_virtual_machine_has_none(machine: FakePowercap, request_for: MakeRequest) -> None:
    machine.cpuinfo(flags="fpu hypervisor sse")
    finding = only(machine, request_for)
    assert finding.availability is Availability.ABSENT
    assert "hypervisor" in finding.detail
    assert "host" in finding.remedy
    assert "modprobe" not in finding.remedy


def test_bare_metal_without_the_module_names_it(machine: FakePowercap, request_for: MakeRequest) -> None:
    finding = only(machine, request_for)
    assert finding.availability is Availability.ABSENT
    assert "sudo modprobe intel_rapl_msr" in finding.remedy


def test_another_architecture_has_no_rapl(machine: FakePowercap, request_for: MakeRequest) -> None:
    (machine.procfs / "cpuinfo").write_text("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n")
    finding = only(machine, request_for)
    assert finding.availability is Availability.ABSENT
    assert "not x86" in finding.detail
    assert finding.remedy == ""


def test_zones_nobody_knows_are_broken(machine: FakePowercap, request_for: MakeRequest) -> None:
    machine.zone("intel-rapl:0", "mystery")
    finding = only(machine, request_for)
    assert finding.availability is Availability.BROKEN
    assert "intel-rapl:0 (mystery)" in finding.detail
