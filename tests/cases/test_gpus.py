"""Which GPU belongs to which device, and what must not be asked of a GPU: cases 30, 31, 33, 34, 38 and 62."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.nvml import FakeNvml
from tests.fakes.powercap import FakePowercap, MakeRequest
from tests.fakes.recorded import RecordedRun
from tests.fakes.views import device, events
from trainwatt.carbon.embodied import lines
from trainwatt.carbon.tables.hardware import table
from trainwatt.core.sensing import Availability, Discovery
from trainwatt.machine.inventory import gpu_piece
from trainwatt.sensors import discovery as sensors
from trainwatt.sensors.nvidia import discovery as nvml

Discover = Callable[..., Discovery]


@pytest.fixture
def discover(request_for: MakeRequest, closing: list[Discovery]) -> Discover:
    def run(gpus: tuple[int | str, ...] | None = None, **environ: str) -> Discovery:
        closing.append(nvml.discover(request_for(gpus, **environ)))
        return closing[-1]

    return run


def test_case_30_a_mig_uuid_is_the_whole_card_and_says_so(gpus: FakeNvml, machine: FakePowercap) -> None:
    """The card draws 400 W, independent of the instance that the run uses."""
    gpus.gpu()
    gpus.gpu(mig="MIG-1234", f185=400_000, f186=400_000)
    clock, spent_mj = FakeClock(), [0]

    def draw(seconds: float) -> None:
        spent_mj[0] += round(400_000 * seconds)
        gpus.set("1.energy", 5_000_000 + spent_mj[0])

    run = RecordedRun(machine, clock, draw, gpus=None, environ={"CUDA_VISIBLE_DEVICES": "MIG-1234"})
    run.move(10.0, tick_s=0.1)
    run.end()
    stored = {d.name: d.note for d in run.stored.devices}
    assert stored["gpu1"] == "whole card: MIG instances share its power"
    assert "gpu0" not in stored
    assert device(run.view, "gpu1")["energy_j"] == pytest.approx(4000)
    assert [f.detail for f in run.stored.findings if "MIG" in f.detail]


@pytest.mark.parametrize("wanted", [(1,), ("MIG-1234",)])
def test_case_30_asked_for_by_index_or_by_instance_it_is_the_card_too(
    gpus: FakeNvml, discover: Discover, wanted: tuple[int | str, ...]
) -> None:
    gpus.gpu()
    gpus.gpu(mig="MIG-1234")
    assert {(s.device.name, s.device.note) for s in discover(wanted).sensors} == {("gpu1", "whole card: MIG instances share its power")}


@pytest.mark.parametrize("by_uuid", [False, True], ids=["indices", "UUIDs"])
def test_case_31_reordered_visible_devices_have_the_right_uuids(gpus: FakeNvml, discover: Discover, by_uuid: bool) -> None:
    """Each is identified by its UUID, and has its own counter."""
    uuids = [gpus.gpu(energy=1000 * index) for index in range(3)]
    found = discover(CUDA_VISIBLE_DEVICES=f"{uuids[2]},{uuids[0]}" if by_uuid else "2,0")
    assert {s.device.name: s.device.uuid for s in found.sensors} == {"gpu2": uuids[2], "gpu0": uuids[0]}
    assert {s.device.name: s.read() for s in found.sensors if s.name == "energy"} == {"gpu2": 2000, "gpu0": 0}


@pytest.mark.parametrize(
    ("value", "indices"),
    [("1;0", {1}), ("+1", {1}), ("0-3", {0}), ("1 # second card", {1}), ("{1},2", {1}), ("2,{1}", {2}), ("0,0", set())],
)
def test_case_62_visible_devices_are_read_as_the_driver_reads_them(
    gpus: FakeNvml, discover: Discover, value: str, indices: set[int]
) -> None:
    """`{1}` stands for the UUID of GPU 1: after an index, or before one, it ends the list."""
    uuids = [gpus.gpu(energy=1000) for _ in range(3)]
    found = discover(CUDA_VISIBLE_DEVICES=value.replace("{1}", uuids[1]))
    assert {s.device.name for s in found.sensors} == {f"gpu{index}" for index in indices}


def test_case_33_a_field_error_inside_a_successful_call_is_not_zero_watts(gpus: FakeNvml, machine: FakePowercap) -> None:
    """A GPU without a counter draws 400 W. Twice, for half a second, its power fields report an error together with the value 0."""
    gpus.gpu(energy=None, f185=400_000, f186=400_000)
    clock = FakeClock()
    run = RecordedRun(machine, clock, lambda _: None, gpus=None)
    for code in (None, 999, None, 3, None):
        gpus.set("0.185_code", code)
        gpus.set("0.186_code", code)
        run.move(0.5 if code else 3.0, tick_s=0.1)
    run.end()
    view = run.view
    found = device(view, "gpu0")
    assert found["energy_j"] == pytest.approx(400 * 10.0)
    assert found["low_j"] <= 4000 <= found["high_j"]
    assert {e["kind"] for e in events(view, "gap")} == {"gap"}
    assert any("NVML error 999" in e["detail"] for e in view["events"])
    assert found["provenance"]["measured-counter"] == 0.0


def test_case_34_a_superchip_says_that_its_processor_may_be_in_it(gpus: FakeNvml, discover: Discover) -> None:
    gpus.gpu(name="NVIDIA GH200 480GB")
    (device,) = {sensor.device for sensor in discover().sensors}
    assert nvml.is_module_scope(device)


def test_case_34_beside_a_superchip_the_models_are_not_added(
    gpus: FakeNvml, machine: FakePowercap, request_for: MakeRequest, closing: list[Discovery]
) -> None:
    gpus.gpu(name="NVIDIA GH200 480GB")
    found = sensors.discover(request_for())
    closing.append(found)
    assert {s.device.name for s in found.sensors if s.device.included_in_total} == {"gpu0"}


def test_case_38_a_suspended_gpu_is_not_woken(gpus: FakeNvml, discover: Discover, machine: FakePowercap) -> None:
    gpus.gpu()
    card = machine.sysfs / "bus/pci/devices/0000:01:00.0"
    (card / "power").mkdir(parents=True)
    (card / "vendor").write_text("0x10de\n")
    (card / "class").write_text("0x030200\n")
    (card / "power/runtime_status").write_text("suspended\n")
    gpus.set("init", 999)  # would show if it were initialised
    (finding,) = discover().findings
    assert finding.detail == "suspended; not woken"
    assert finding.availability is Availability.ABSENT
    gpus.set("init", 0)
    assert discover((0,)).sensors != []
    (card / "power/runtime_status").write_text("active\n")
    assert discover().sensors != []


@pytest.mark.parametrize(
    ("name", "visible", "slices", "share"),
    [
        ("NVIDIA A100-SXM4-40GB", "MIG-1234", 2, 2 / 7),
        ("NVIDIA A30", "MIG-1234", 1, 1 / 4),
        ("NVIDIA H100 80GB HBM3", "MIG-1234", 7, 1.0),
        ("NVIDIA A100-SXM4-40GB", "MIG-1234", None, 1.0),  # the driver does not say
        ("NVIDIA A100-SXM4-40GB", None, 2, 1.0),
    ],
)
def test_case_30_a_mig_instance_takes_its_share_of_the_making_of_the_card(
    gpus: FakeNvml, discover: Discover, name: str, visible: str | None, slices: int | None, share: float
) -> None:
    gpus.gpu(name=name, mig="MIG-1234")
    if slices is not None:
        gpus.set("0.slices", slices)
    [device] = {s.device for s in discover(None, **({} if visible is None else {"CUDA_VISIBLE_DEVICES": visible})).sensors}
    kind, piece, detail = gpu_piece(device)
    [line] = lines([(kind, piece, detail)], 1.0, table())
    assert line.amount == pytest.approx(share)
