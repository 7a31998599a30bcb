"""Denied, masked, absent and broken are different findings with different mends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.model import Availability, Finding
from trainwatt.sensors import powercap

NOBODY = 65534

# Modules first: the interpreter may live where only root can read.
DISCOVER = """
import json, os, sys
sys.path[:0] = {path}
from trainwatt.model import DiscoveryRequest
from trainwatt.sensors import discover, power_model
power_model.dram(1.0)
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
found = discover(DiscoveryRequest({{"cpu": 0.03, "dram": 0.1}}, (), {{}}, {sysfs!r}, {procfs!r}))
said = [[f.source, f.availability.value, f.detail, f.remedy, f.worth, f.devices] for f in found.findings]
print(json.dumps([said, [[s.device.name, s.name, s.read()] for s in found.sensors]]))
"""


def only(machine: FakePowercap, request_for: MakeRequest) -> Finding:
    found = powercap.discover(request_for())
    assert found.sensors == []
    (finding,) = found.findings
    return finding


@pytest.fixture
def reachable(tmp_path: Path) -> None:
    """Let another user into pytest's folders, which are the caller's own."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)


def test_case_9_permission_denied_names_the_remedy_and_a_model_stands_in(machine: FakePowercap, reachable: None) -> None:
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
