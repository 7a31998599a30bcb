"""Modelled processors and memory: a value with a range, sized by what the run may use."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytest

from tests.fakes.powercap import FakePowercap, MakeRequest
from trainwatt.core.point import Provenance
from trainwatt.core.sensing import Availability, Discovery, Gauge, Sensor
from trainwatt.errors import ReadError
from trainwatt.machine.host import Processor
from trainwatt.sensors.modelled import discovery as modelled
from trainwatt.sensors.modelled import power_model
from trainwatt.sensors.modelled.discovery import Utilisation
from trainwatt.sensors.modelled.microarchitecture import microarchitecture
from trainwatt.sensors.rapl.discovery import package_limit_w

TICKS = os.sysconf("SC_CLK_TCK")


def sensor(found: Discovery, name: str) -> Sensor:
    return next(s for s in found.sensors if s.device.name == name)


def bounds(s: Sensor) -> tuple[float, float]:
    assert isinstance(s.kind, Gauge)
    return s.kind.low_factor, s.kind.high_factor


def test_without_any_sensor_a_labelled_range(machine: FakePowercap, request_for: MakeRequest) -> None:
    found = modelled.discover(request_for(), set())
    assert {s.device.name for s in found.sensors} == {"cpu", "dram"}
    for s in found.sensors:
        assert isinstance(s.kind, Gauge)
        assert (s.kind.shape, s.kind.provenance, s.period_s) == ("interval", Provenance.MODELLED, 0.2)
        assert s.kind.low_factor < 0.7
        assert s.kind.high_factor >= 1.5
        assert (s.device.gain, s.device.gain_class, s.device.included_in_total) == (0.0, "model", True)
        assert 0 < s.read() * s.kind.high_factor <= s.device.max_power_w + 1e-9
    assert all("modelled" in finding.detail for finding in found.findings)


def test_what_is_measured_is_not_modelled(machine: FakePowercap, request_for: MakeRequest) -> None:
    assert [s.device.name for s in modelled.discover(request_for(), {"cpu", "gpu"}).sensors] == ["dram"]
    assert modelled.discover(request_for(), {"cpu", "dram"}).sensors == []


def test_a_known_generation_by_its_threads(machine: FakePowercap, request_for: MakeRequest) -> None:
    cpu = sensor(modelled.discover(request_for(), set()), "cpu")
    assert cpu.device.note is not None
    assert "Sapphire Rapids" in cpu.device.note
    assert cpu.device.max_power_w == pytest.approx(2 * 4.16 * 1.5)
    assert cpu.read() == pytest.approx(2 * 1.036)  # idle since it was made


def test_an_unknown_part_has_a_wider_range(machine: FakePowercap, request_for: MakeRequest) -> None:
    known = bounds(sensor(modelled.discover(request_for(), set()), "cpu"))
    machine.cpuinfo(vendor="AuthenticAMD", name="AMD Ryzen 9 7950X")
    unknown = bounds(sensor(modelled.discover(request_for(), set()), "cpu"))
    assert unknown[0] < known[0]
    assert unknown[1] > known[1]


def test_a_control_group_sizes_it(machine: FakePowercap, request_for: MakeRequest) -> None:
    group = machine.sysfs / "fs/cgroup"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpu memory")
    (group / "cpu.max").write_text("50000 100000")
    (group / "cpu.stat").write_text("usage_usec 0")
    (group / "memory.max").write_text(str(8 * 2**30))
    found = modelled.discover(request_for(), set())
    assert sensor(found, "cpu").device.max_power_w == pytest.approx(0.5 * 4.16 * 1.5)
    assert sensor(found, "dram").read() == pytest.approx(8 * 0.3835)
    by_tdp = sensor(modelled.discover(request_for(), set(), tdp_w=200.0), "cpu")
    assert by_tdp.read() == pytest.approx(0.12 * 200 * 0.5 / 2)


def test_what_a_superchips_module_may_contain_is_not_added(machine: FakePowercap, request_for: MakeRequest) -> None:
    found = modelled.discover(request_for(), set(), contained=True)
    assert [s.device.included_in_total for s in found.sensors] == [False, False]


def test_a_machine_that_tells_nothing_gives_nothing(machine: FakePowercap, request_for: MakeRequest) -> None:
    (machine.procfs / "stat").unlink()
    (machine.procfs / "meminfo").unlink()
    found = modelled.discover(request_for(), set())
    assert found.sensors == []
    assert [f.devices for f in found.findings] == [(), ()]


def test_utilisation_is_the_mean_since_the_last_read() -> None:
    now, busy = [0.0], [100.0]
    utilisation = Utilisation(lambda: busy[0], 4.0, lambda: now[0])
    now[0], busy[0] = 10.0, 120.0
    assert utilisation() == pytest.approx(0.5)
    now[0] += 0.001  # too soon to say anything new
    assert utilisation() == pytest.approx(0.5)
    now[0], busy[0] = 12.0, 128.0
    assert utilisation() == pytest.approx(1.0)
    now[0], busy[0] = 13.0, 5.0  # a counter that fell
    assert utilisation() == 0.0


def test_cpu_time_that_cannot_be_read_is_an_error_and_the_next_read_covers_it() -> None:
    now = [0.0]
    values: list[float | None] = [0.0, None, 4.0]
    utilisation = Utilisation(lambda: values.pop(0), 1.0, lambda: now[0])
    now[0] = 4.0
    with pytest.raises(ReadError):
        utilisation()
    now[0] = 8.0
    assert utilisation() == pytest.approx(0.5)


@pytest.mark.parametrize("cpu_max", ["0 100000", "max garbage", "50000 ²"])
def test_a_quota_that_is_no_number_limits_nothing(machine: FakePowercap, request_for: MakeRequest, cpu_max: str) -> None:
    group = machine.sysfs / "fs/cgroup"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpu")
    (group / "cpu.stat").write_text("usage_usec 0")
    (group / "cpu.max").write_text(cpu_max)
    cpu = sensor(modelled.discover(request_for(), set()), "cpu")
    assert cpu.device.max_power_w == pytest.approx(2 * 4.16 * 1.5)
    time.sleep(0.06)
    assert cpu.read() == pytest.approx(2 * 1.036)


def test_the_machines_busy_time(machine: FakePowercap, request_for: MakeRequest) -> None:
    cpu = sensor(modelled.discover(request_for(), set()), "cpu")
    (machine.procfs / "stat").write_text(f"cpu  {900 * TICKS} 0 0 0 0 0 0\n")
    time.sleep(0.06)
    assert cpu.read() == pytest.approx(2 * 4.16)
    (machine.procfs / "stat").write_text("cpu  12\n")
    with pytest.raises(ReadError):
        cpu.read()


def test_the_tdp_curve_is_linear_between_its_points() -> None:
    model = power_model.cpu_from_tdp(200.0, 1.0)
    assert [round(model.watts(u), 6) for u in (0, 0.05, 0.1, 0.5, 0.75, 1.0)] == [24, 44, 64, 150, 177, 204]


def test_dram_is_bounded_by_five_watts_a_dimm() -> None:
    model = power_model.dram(100.0)
    assert model.watts(0.0) == pytest.approx(38.35)
    assert (model.watts(0) * model.low_factor, model.watts(0) * model.high_factor) == pytest.approx((7.8125, 62.5))


def test_only_trusted_rows_are_in_the_table() -> None:
    with (Path(power_model.__file__).parent / "data/power_model.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} <= {"verified", "cross-checked", "derived"}
    assert all(row["source"] for row in rows)
    assert "EPYC 5th Gen" not in {row["model"] for row in rows}


@pytest.mark.parametrize(
    ("cpu", "name"),
    [
        (Processor("AuthenticAMD", 25, 17, 1, "AMD EPYC 9654"), "EPYC 4th Gen"),
        (Processor("AuthenticAMD", 25, 1, 1, "AMD EPYC 7763"), "EPYC 3rd Gen"),
        (Processor("AuthenticAMD", 23, 49, 0, "AMD EPYC 7742"), "EPYC 2nd Gen"),
        (Processor("AuthenticAMD", 23, 1, 2, "AMD EPYC 7601"), "EPYC 1st Gen"),
        (Processor("AuthenticAMD", 26, 2, 1, "AMD EPYC 9965"), None),
        (Processor("AuthenticAMD", 25, 33, 0, "AMD Ryzen 9 5950X"), None),
        (Processor("GenuineIntel", 6, 85, 4, "Intel(R) Xeon(R) Gold 6148"), "Skylake"),
        (Processor("GenuineIntel", 6, 85, 7, "Intel(R) Xeon(R) Gold 6248"), "Cascade Lake"),
        (Processor("GenuineIntel", 6, 85, 11, "Intel(R) Xeon(R) Gold 6348H"), None),
        (Processor("GenuineIntel", 6, 158, 10, "Intel(R) Xeon(R) E-2176G"), "Coffee Lake"),
        (Processor("GenuineIntel", 6, 158, 9, "Intel(R) Xeon(R) E3-1270 v6"), None),
        (Processor("GenuineIntel", 6, 173, 1, "Intel(R) Xeon(R) 6980P"), "Granite Rapids"),
        (Processor("GenuineIntel", 6, 183, 1, "13th Gen Intel(R) Core(TM) i9-13900K"), None),
        (Processor(), None),
    ],
)
def test_the_generation_of_a_processor(cpu: Processor, name: str | None) -> None:
    assert microarchitecture(cpu) == name


# ---- views of the machine that disagree


def put(root: Path, path: str, text: object) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def stat_of(busy_s: dict[int, float]) -> str:
    """A /proc/stat with these processors, each busy for so long."""
    lines = [f"cpu{n} {round(s * TICKS)} 0 0 900 0 0 0 0 0 0" for n, s in busy_s.items()]
    return "\n".join([f"cpu  {round(sum(busy_s.values()) * TICKS)} 0 0 900 0 0 0 0 0 0", *lines])


@pytest.mark.parametrize("where", ["sys/devices/system/cpu/online", "sys/devices/system/cpu/present", "cpuinfo", "root cpuset"])
def test_a_container_that_lists_its_own_processors_is_billed_for_these(machine: FakePowercap, request_for: MakeRequest, where: str) -> None:
    """LXC with 5 of 80 processors, whose /proc/stat is virtualised: all busy, they draw 19 W of the host's 300 W, not 305."""
    root = machine.sysfs.parent
    put(machine.procfs, "stat", stat_of(dict.fromkeys(range(5), 0.0)))
    if where == "cpuinfo":
        blocks = "\n\n".join(f"processor\t: {n}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon" for n in range(80))
        put(machine.procfs, "cpuinfo", blocks)
    elif where == "root cpuset":
        put(root, "sys/fs/cgroup/cpuset/cpuset.cpus", "0-79")
        put(root, "sys/fs/cgroup/cpuset/lxc/box/cpuset.cpus", "3,11,20-22")
        put(machine.procfs, "self/cgroup", "1:cpuset:/lxc/box")
    else:
        put(root, where, "0-79")
        put(root, "sys/devices/system/cpu/online", "0-4") if where.endswith("present") else None
    if where != "root cpuset":
        put(root, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu")
        put(root, "sys/fs/cgroup/cpuset.cpus.effective", "3,11,20-22")
        put(root, "sys/fs/cgroup/cpu.stat", "usage_usec 0")
    cpu = sensor(modelled.discover(request_for(), set(), tdp_w=300.0), "cpu")
    time.sleep(0.06)
    put(machine.procfs, "stat", stat_of(dict.fromkeys(range(5), 900.0)))
    put(root, "sys/fs/cgroup/cpu.stat", "usage_usec 4500000000")
    assert cpu.read() == pytest.approx(1.02 * 300 * 5 / 80)
    assert "5 of 80 CPUs" in (cpu.device.note or "")
    assert "/proc/stat lists 5" in (cpu.device.note or "")
    assert bounds(cpu)[1] == pytest.approx(3.0)  # their views disagree: it is not known which of the host's processors they are


def test_processors_that_are_offline_are_none_of_the_machine(machine: FakePowercap, request_for: MakeRequest) -> None:
    """A machine that runs without its second threads is no container."""
    root = machine.sysfs.parent
    for name, text in (("online", "0-1"), ("present", "0-3"), ("offline", "2-3")):
        put(root, f"sys/devices/system/cpu/{name}", text)
    cpu = sensor(modelled.discover(request_for(), set(), tdp_w=200.0), "cpu")
    assert cpu.read() == pytest.approx(0.12 * 200)
    assert bounds(cpu) == power_model.TDP_FACTORS
    assert "control group" not in (cpu.device.note or "")


@pytest.mark.parametrize("cpuacct", ["/", "/system.slice/slurmd.service"])
def test_a_job_is_not_billed_for_the_nodes_cpu_time(machine: FakePowercap, request_for: MakeRequest, cpuacct: str) -> None:
    """Slurm: a cpuset of 8 idle processors, and a CPU time of the daemon's group in which 56 others are busy: 5.5 W, not 32.5."""
    root = machine.sysfs.parent
    machine.cpuinfo(name="Intel(R) Xeon(R) Gold 6248")
    mine, others = range(8, 16), [n for n in range(64) if n not in range(8, 16)]
    put(root, "sys/fs/cgroup/cpuset/cpuset.cpus", "0-63")
    put(root, "sys/fs/cgroup/cpuset/slurm/job_42/cpuset.cpus", "8-15")
    put(root, f"sys/fs/cgroup/cpuacct{cpuacct.rstrip('/')}/cpuacct.usage", 0)
    put(machine.procfs, "self/cgroup", f"2:cpuset:/slurm/job_42\n1:cpuacct:{cpuacct}")
    put(machine.procfs, "stat", stat_of(dict.fromkeys(range(64), 0.0)))
    idle_w, full_w = (power_model.cpu_from_tdp(64 * 5.7, 8 / 64).watts(u) for u in (0.0, 1.0))
    cpu = sensor(modelled.discover(request_for(), set(), tdp_w=64 * 5.7), "cpu")
    time.sleep(0.06)
    put(machine.procfs, "stat", stat_of(dict.fromkeys(others, 900.0) | dict.fromkeys(mine, 0.0)))
    put(root, f"sys/fs/cgroup/cpuacct{cpuacct.rstrip('/')}/cpuacct.usage", 56 * 900 * 10**9)
    assert cpu.read() == pytest.approx(idle_w) == pytest.approx(5.5, abs=0.1)
    time.sleep(0.06)
    put(machine.procfs, "stat", stat_of(dict.fromkeys(others, 900.0) | dict.fromkeys(mine, 900.0)))
    assert cpu.read() == pytest.approx(full_w)


def test_where_no_cpu_time_fits_the_limit_the_range_is_from_idle_to_full(machine: FakePowercap, request_for: MakeRequest) -> None:
    """A quota of 4 of 64 processors, and a CPU time that is counted for the whole node only."""
    root = machine.sysfs.parent
    put(machine.procfs, "stat", stat_of(dict.fromkeys(range(64), 0.0)))
    put(root, "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", 400_000)
    put(root, "sys/fs/cgroup/cpu/job/cpu.cfs_period_us", 100_000)
    put(root, "sys/fs/cgroup/cpuacct/cpuacct.usage", 0)
    put(machine.procfs, "self/cgroup", "2:cpu:/job\n1:cpuacct:/")
    cpu = sensor(modelled.discover(request_for(), set(), tdp_w=640.0), "cpu")
    (low, high), power_w = bounds(cpu), cpu.read()
    assert power_w * low == pytest.approx(0.6 * 0.12 * 40)
    assert power_w * high == pytest.approx(1.5 * 1.02 * 40)
    assert "from idle to full" in (cpu.device.note or "")
    assert cpu.device.max_power_w == pytest.approx(1.5 * 1.02 * 40)


# ---- inputs that cannot be true


def unlimited_by_v1(machine: FakePowercap) -> None:
    """A control group of v1 without a limit, whose machine does not tell its memory."""
    put(machine.sysfs, "fs/cgroup/memory/memory.limit_in_bytes", 9223372036854771712)
    (machine.procfs / "meminfo").unlink()


@pytest.mark.parametrize("meminfo", ["", "MemTotal: 18014398509481983 kB", "MemTotal: 999999999999999 kB"])
def test_no_limit_of_cgroup_v1_is_not_the_size_of_the_memory(machine: FakePowercap, request_for: MakeRequest, meminfo: str) -> None:
    """It was taken for 8.6e9 GB: 3.3 GW, and 1,834 kWh in 2 s."""
    unlimited_by_v1(machine)
    put(machine.procfs, "meminfo", meminfo)
    found = modelled.discover(request_for(), {"cpu"})
    assert found.sensors == []
    assert "the size of the memory is unknown" in found.findings[0].detail
    assert modelled.memory_stand_in(request_for(), 2) is None


def refused(found: Discovery, kind: str) -> str:
    """What is said of a modelled device that is left out and missed."""
    assert kind not in {s.device.name for s in found.sensors}
    [missed] = [m for m in found.missed if m.device.kind == kind]
    [finding] = [f for f in found.findings if f.what == kind]
    assert finding.availability is missed.availability is Availability.BROKEN
    assert finding.detail == missed.detail
    assert "TRAINWATT_PROCFS" in finding.remedy
    return finding.detail


def test_a_memory_of_more_than_ten_kilowatts_is_refused_with_its_size(machine: FakePowercap, request_for: MakeRequest) -> None:
    put(machine.procfs, "meminfo", f"MemTotal: {100 * 2**30} kB")
    found = modelled.discover(request_for(), set())
    assert "1.024e+05 GB of memory" in refused(found, "dram")
    assert "39 kW" in refused(found, "dram")
    assert modelled.memory_stand_in(request_for(), 8) is None
    assert [s.device.name for s in found.sensors] == ["cpu"]  # the other one is modelled as before


def test_processors_of_more_than_ten_kilowatts_are_refused_with_their_number(machine: FakePowercap, request_for: MakeRequest) -> None:
    put(machine.procfs, "stat", stat_of(dict.fromkeys(range(20_000), 0.0)))
    assert "20000 CPUs" in refused(modelled.discover(request_for(), set()), "cpu")


def test_a_rated_power_that_no_processor_has_is_refused(machine: FakePowercap, request_for: MakeRequest) -> None:
    assert "TDP" in refused(modelled.discover(request_for(), set(), tdp_w=2e9), "cpu")
    found = modelled.discover(request_for(), set(), tdp_w=2e9, contained=True)
    assert found.missed == []  # it would not be in the total


@pytest.mark.parametrize("limit_uw", [2**64 - 1, 2_147_483_647_000_000, 10**12])
def test_a_limit_that_no_package_has_is_not_its_rated_power(machine: FakePowercap, request_for: MakeRequest, limit_uw: int) -> None:
    put(machine.zone("intel-rapl:0", "package-0", limit_w=250), "constraint_0_power_limit_uw", limit_uw)
    assert package_limit_w(request_for()) is None


@pytest.mark.parametrize("cpus", ["0-4294967295", "0-65536", "0-18446744073709551615"])
def test_a_set_of_more_processors_than_any_machine_has_is_none(machine: FakePowercap, request_for: MakeRequest, cpus: str) -> None:
    """They made the share of the run, and with it its power, almost nothing."""
    put(machine.sysfs, "fs/cgroup/cgroup.controllers", "cpuset")
    put(machine.sysfs, "fs/cgroup/cpuset.cpus.effective", cpus)
    put(machine.sysfs, "devices/system/cpu/present", cpus)
    assert sensor(modelled.discover(request_for(), set(), tdp_w=200.0), "cpu").read() == pytest.approx(0.12 * 200)
