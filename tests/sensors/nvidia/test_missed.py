"""GPUs that exist and cannot be read: each is named, with the reason, however the driver fails."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.fakes.bus import FakeBus
from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.core.sensing import Availability, Discovery
from trainwatt.sensors import accelerators
from trainwatt.sensors import discovery as sensors
from trainwatt.sensors.nvidia import discovery as nvml

Discover = Callable[..., Discovery]
UUID = "GPU-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def bus(machine: FakePowercap) -> FakeBus:
    return FakeBus(machine.sysfs, machine.procfs)


@pytest.fixture
def discover(request_for: MakeRequest, closing: list[Discovery]) -> Discover:
    def run(gpus: tuple[int | str, ...] | None = None, **environ: str) -> Discovery:
        closing.append(nvml.discover(request_for(gpus, **environ)))
        return closing[-1]

    return run


def missed(found: Discovery) -> list[str]:
    return [m.device.name for m in found.missed]


def read(found: Discovery) -> set[str]:
    return {sensor.device.name for sensor in found.sensors}


@pytest.mark.parametrize(
    ("code", "availability"),
    [
        (4, Availability.DENIED),
        (9, Availability.ABSENT),
        (12, Availability.MASKED),
        (13, Availability.BROKEN),
        (18, Availability.MISMATCH),
        (999, Availability.BROKEN),
    ],
)
def test_a_gpu_on_the_bus_is_missed_however_nvml_fails_to_start(
    gpus: FakeNvml, discover: Discover, bus: FakeBus, code: int, availability: Availability
) -> None:
    gpus.set("init", code)
    bus.device()
    bus.driver(uuid=UUID)
    found = discover()
    [one] = found.missed
    assert (one.device.name, one.device.model, one.device.uuid) == ("gpu0", "NVIDIA H100 80GB HBM3", UUID)
    assert one.availability is availability
    assert [f.devices for f in found.findings] == [("gpu0",)]
    assert found.again is not None


@pytest.mark.parametrize(("code", "names"), [(4, ["gpu0"]), (18, ["gpu0"]), (999, ["gpu0"]), (9, []), (12, [])])
def test_without_a_bus_the_answer_of_the_driver_tells_that_there_is_a_gpu(
    gpus: FakeNvml, discover: Discover, code: int, names: list[str]
) -> None:
    gpus.set("init", code)
    assert missed(discover()) == names


@pytest.mark.parametrize("code", [4, 15, 27, 28, 999])
def test_one_of_two_gpus_that_cannot_be_opened_is_missed(gpus: FakeNvml, discover: Discover, code: int) -> None:
    gpus.gpu()
    gpus.gpu(handle_code=code)
    found = discover()
    assert (read(found), missed(found)) == ({"gpu0"}, ["gpu1"])
    assert f"NVML error {code}" in found.missed[0].detail


def test_a_gpu_that_answers_nothing_is_missed_and_named(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(name="GRID T4-8Q", energy=None, power=None, f185=None, f186=None)
    found = discover()
    assert [(m.device.model, m.availability) for m in found.missed] == [("GRID T4-8Q", Availability.ABSENT)]


def test_a_gpu_without_a_name_or_a_uuid_is_measured_all_the_same(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    gpus.gpu(name_code=999, uuid_code=3)
    bus.driver(uuid=UUID)
    found = discover()
    assert {(s.device.model, s.device.uuid) for s in found.sensors} == {("NVIDIA H100 80GB HBM3", UUID)}


def test_gpus_that_cannot_be_counted_are_missed(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu()
    gpus.set("count_code", 999)
    found = discover()
    assert missed(found) == ["gpu0"]
    assert gpus.users == 0


def test_a_gpu_that_fell_off_the_bus_is_missed_where_nvml_leaves_it_out(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    alive = gpus.gpu()
    for address, uuid in (("0000:17:00.0", UUID.replace("0", "9")), ("0000:65:00.0", alive)):
        bus.device(address)
        bus.driver(address, uuid=uuid)
    found = discover()
    assert (read(found), missed(found)) == ({"gpu0"}, ["gpu1"])
    assert "0000:17:00.0" in found.missed[0].detail
    assert missed(discover(CUDA_VISIBLE_DEVICES="0")) == []
    assert missed(discover(CUDA_VISIBLE_DEVICES="0,1")) == ["gpu1"]
    assert missed(discover(SLURM_JOB_ID="7")) == []  # the scheduler may give the job one of two


@pytest.mark.parametrize("package", [None, object()])
def test_without_pynvml_the_gpus_of_the_machine_are_missed(
    gpus: FakeNvml, discover: Discover, bus: FakeBus, monkeypatch: pytest.MonkeyPatch, package: object
) -> None:
    """It cannot be imported, or another package has its name."""
    monkeypatch.setitem(sys.modules, "pynvml", package)
    for address in ("0000:17:00.0", "0000:65:00.0"):
        bus.device(address)
    assert missed(discover()) == ["gpu0", "gpu1"]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("1", ["gpu1"]),
        ("", []),
        ("-1", []),
        ("9", []),
        (UUID, ["gpu0"]),
        (UUID[:12], ["gpu0"]),
        ("GPU-ffff", []),
        (f"MIG-{UUID}/1/0", ["gpu0"]),
        ("MIG-5ee0f0bd-1111-2222-3333-444455556666", ["gpu0", "gpu1"]),
    ],
)
def test_a_hidden_gpu_is_not_missed(gpus: FakeNvml, discover: Discover, bus: FakeBus, value: str, names: list[str]) -> None:
    gpus.set("init", 18)
    for number, address in enumerate(("0000:17:00.0", "0000:65:00.0")):
        bus.driver(address, uuid=UUID.replace("00000000", f"{number}" * 8, 1) if number else UUID, minor=number)
    assert missed(discover(CUDA_VISIBLE_DEVICES=value)) == names


def test_which_gpu_a_uuid_hides_is_not_known_without_the_uuids(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    gpus.set("init", 18)
    for address in ("0000:17:00.0", "0000:65:00.0"):
        bus.device(address)
    found = discover(CUDA_VISIBLE_DEVICES=UUID)
    assert missed(found) == ["gpu0", "gpu1"]
    assert "cannot be told" in found.findings[0].detail


def test_in_a_container_its_nodes_tell_which_gpus_it_has(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    gpus.gpu()
    for number in range(4):
        bus.device(f"0000:{number}7:00.0")
        bus.driver(f"0000:{number}7:00.0", uuid=UUID.replace("0", str(number)), minor=number)
    bus.node("nvidia2", "nvidiactl", "nvidia-uvm")
    assert missed(discover()) == []
    gpus.set("init", 999)
    [one] = discover().missed
    assert one.device.uuid == UUID.replace("0", "2")


def test_device_nodes_alone_tell_of_gpus(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    gpus.set("init", 12)
    bus.node("nvidia0", "nvidia1", "nvidiactl", "nvidia-caps")
    assert missed(discover()) == ["gpu0", "gpu1"]


def test_a_gpu_of_a_virtual_machine_is_not_missed(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    gpus.set("init", 12)
    bus.device(driver="vfio-pci")
    bus.device("0000:66:00.0", pci_class="0x040300")  # the card's audio
    assert missed(discover()) == []


@pytest.mark.parametrize("code", [0, 12])
def test_a_jetson_has_words_of_its_own(gpus: FakeNvml, discover: Discover, bus: FakeBus, code: int) -> None:
    """With a library that answers nothing, as in JetPack 6, and without one."""
    gpus.gpu(name="Orin (nvgpu)", energy=None, power=None, f185=None, f186=None)
    gpus.set("init", code)
    bus.jetson()
    found = discover()
    assert missed(found) == ["gpu0"]
    [finding] = found.findings
    assert "Jetson AGX Orin" in finding.detail
    assert "virtual" not in finding.detail + finding.remedy


def test_nothing_is_missed_if_the_user_tracks_no_gpu(gpus: FakeNvml, discover: Discover, bus: FakeBus) -> None:
    gpus.set("init", 18)
    bus.device()
    assert missed(discover(())) == []


@pytest.mark.parametrize(
    ("vendor", "pci_class", "address", "names"),
    [
        ("0x1002", "0x038000", "0000:c1:00.0", ["accelerator0"]),
        ("0x1002", "0x120000", "0000:c1:00.0", ["accelerator0"]),
        ("0x8086", "0x038000", "0000:c1:00.0", ["accelerator0"]),
        ("0x8086", "0x030000", "0000:00:02.0", []),
        ("0x1da3", "0x120000", "0000:c1:00.0", ["accelerator0"]),
        ("0x1a03", "0x030000", "0000:c1:00.0", []),
    ],
)
def test_an_accelerator_of_another_make_is_missed_and_integrated_graphics_are_not(
    request_for: MakeRequest, bus: FakeBus, vendor: str, pci_class: str, address: str, names: list[str]
) -> None:
    bus.device(address, vendor, pci_class)
    assert missed(accelerators.discover(request_for(), 0)) == names
    assert missed(accelerators.discover(request_for(), 1)) == []  # a sensor of the user's own reads it


def test_graphics_of_an_amd_processor_are_known_by_what_shares_their_slot(request_for: MakeRequest, bus: FakeBus) -> None:
    bus.device("0000:c1:00.0", "0x1002", "0x038000")
    bus.device("0000:c1:00.2", "0x1022", "0x108000")
    bus.device("0000:03:00.0", "0x1002", "0x030000")
    bus.device("0000:03:00.1", "0x1002", "0x040300")
    assert [m.detail.split()[3] for m in accelerators.discover(request_for(), 0).missed] == ["0000:03:00.0:"]
    assert missed(accelerators.discover(request_for(ROCR_VISIBLE_DEVICES=""), 0)) == []


def test_one_of_two_packages_that_cannot_be_read_is_missed(
    gpus: FakeNvml, request_for: MakeRequest, machine: FakePowercap, closing: list[Discovery]
) -> None:
    """The model stands in only where no package can be read; then none is missed."""
    machine.zone("intel-rapl:0", "package-0")
    machine.zone("intel-rapl:1", "package-1", energy_uj="N/A")
    closing.append(sensors.discover(request_for()))
    assert missed(closing[-1]) == ["package-1"]
    machine.set_energy("intel-rapl:0", "N/A")
    closing.append(sensors.discover(request_for()))
    assert missed(closing[-1]) == []
