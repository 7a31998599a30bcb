"""The hardware of a machine, from its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.powercap import FakePowercap
from tests.fakes.sensor import GPU
from trainwatt.machine.inventory import inventory


@pytest.fixture
def machine(tmp_path: Path) -> FakePowercap:
    return FakePowercap(tmp_path)


def kinds(machine: FakePowercap) -> list[str]:
    return [piece.kind for piece in inventory([GPU], 2, str(machine.sysfs), str(machine.procfs))]


def test_every_piece_of_a_machine(machine: FakePowercap) -> None:
    dmi = machine.sysfs / "class/dmi/id"
    dmi.mkdir(parents=True)
    (dmi / "product_name").write_text("PowerEdge\n")
    (dmi / "sys_vendor").write_text("Dell Inc.\n")
    (dmi / "chassis_type").write_text("23\n")
    cpu, dram, gpu, host = inventory([GPU], 2, str(machine.sysfs), str(machine.procfs))
    sizes = {"sockets": 1, "logical_cpus": 2, "allowed_cpus": None}
    assert cpu == ("cpu", "Intel(R) Xeon(R) Platinum 8480+", sizes | {"vendor": "GenuineIntel", "family": "6", "model": "143"})
    assert dram == ("dram", "memory", {"bytes": 64 * 2**30})
    assert gpu == ("gpu", GPU.name, {"model": GPU.model, "uuid": GPU.uuid})
    assert host == ("host", "PowerEdge", {"vendor": "Dell Inc.", "gpus": 2, "virtual": False, "chassis_type": 23, "board": False})


def test_a_board_without_dmi_tables_has_the_name_in_its_device_tree(machine: FakePowercap) -> None:
    tree = machine.sysfs / "firmware/devicetree/base"
    tree.mkdir(parents=True)
    (tree / "model").write_text("NVIDIA Jetson AGX Orin Developer Kit\0")
    *_, host = inventory([GPU], 1, str(machine.sysfs), str(machine.procfs))
    assert host.name == "NVIDIA Jetson AGX Orin Developer Kit"
    assert (host.detail["board"], host.detail["chassis_type"]) == (True, None)


@pytest.mark.parametrize("text", ["", "many", "-1", "²"])
def test_a_case_of_unknown_type_says_nothing(machine: FakePowercap, text: str) -> None:
    dmi = machine.sysfs / "class/dmi/id"
    dmi.mkdir(parents=True)
    (dmi / "chassis_type").write_text(text)
    *_, host = inventory([GPU], 1, str(machine.sysfs), str(machine.procfs))
    assert host.detail["chassis_type"] is None


@pytest.mark.parametrize("meminfo", ["MemTotal:", "MemTotal: many kB", "MemTotal: kB", "", "MemTotal 5 kB"])
def test_memory_of_unknown_size_is_left_out(machine: FakePowercap, meminfo: str) -> None:
    (machine.procfs / "meminfo").write_text(f"{meminfo}\n")
    assert kinds(machine) == ["cpu", "gpu", "host"]


@pytest.mark.parametrize("cpuinfo", ["", "processor\n", "Hardware : BCM2835\n"])
def test_processors_that_are_not_listed_are_left_out(machine: FakePowercap, cpuinfo: str) -> None:
    (machine.procfs / "cpuinfo").write_text(cpuinfo)
    assert kinds(machine) == ["dram", "gpu", "host"]
