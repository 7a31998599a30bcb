"""How busy the processors are: those of the control group of the run, else those of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainwatt.core.activity import figures
from trainwatt.tracking.activity.processors import Processors

S = 10**9
TICKS_S = os.sysconf("SC_CLK_TCK")


class Box:
    """The files of a machine with four processors below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stat(0)

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def stat(self, busy_s: float) -> None:
        cpus = "\n".join(f"cpu{i} 0 0 0 0 0 0 0 0 0 0" for i in range(4))
        self.put("proc/stat", f"cpu {round(busy_s * TICKS_S)} 0 0 5 0 0 0 0 0 0\n{cpus}")

    def v2(self, path: str, *, within: str | None = None, **files: str) -> None:
        """The process is in the group `path`, which is at `within` below the mount, and has these files."""
        self.put("proc/self/cgroup", f"0::{path}")
        self.put("sys/fs/cgroup/cgroup.controllers", "cpu")
        for name, text in files.items():
            self.put(f"sys/fs/cgroup{path if within is None else within}/{name.replace('_', '.', 1)}", text)

    def processors(self) -> Processors:
        return Processors(os.getpid(), str(self.root / "sys"), str(self.root / "proc"))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def used(processors: Processors, seconds: float = 10.0) -> tuple[str, float | None, float | None]:
    """Whose time, how many processors, and what share of it was used in `seconds` since the first call."""
    found = processors.point(round(seconds * S))
    assert found is not None
    activity = figures(found)
    assert activity is not None
    return processors.of, activity.cpus, activity.busy and round(activity.busy, 4)


def test_the_machine_without_a_control_group(box: Box) -> None:
    box.stat(100)
    processors = box.processors()
    assert processors.point(0) is not None
    box.stat(130)
    assert used(processors) == ("machine", 4.0, 0.75)


def test_a_limited_group(box: Box) -> None:
    box.v2("/job/step", cgroup_type="domain", cpu_max="200000 100000", cpu_stat="usage_usec 5000000")
    processors = box.processors()
    processors.point(0)
    box.v2("/job/step", cpu_stat="usage_usec 15000000")
    assert used(processors) == ("cgroup", 2.0, 0.5)


def test_a_group_without_a_limit_may_use_the_machine(box: Box) -> None:
    box.v2("/user.slice", cgroup_type="domain", cpu_stat="usage_usec 0")
    processors = box.processors()
    processors.point(0)
    box.v2("/user.slice", cpu_stat="usage_usec 10000000")
    assert used(processors) == ("cgroup", 4.0, 0.25)


def test_the_group_that_a_container_sees_as_the_root_is_its_own(box: Box) -> None:
    box.v2("/", within="", cgroup_type="domain", cpu_stat="usage_usec 0")
    assert box.processors().of == "cgroup"


def test_the_root_of_all_groups_is_the_machine(box: Box) -> None:
    box.v2("/", within="", cpu_stat="usage_usec 0")
    assert box.processors().of == "machine"


def test_a_set_of_all_processors_is_no_limit(box: Box) -> None:
    """Every group of v2 names its processors, the root too: then the run's own group is meant, and not the outermost."""
    box.put("sys/fs/cgroup/cpuset.cpus.effective", "0-3")
    box.put("sys/fs/cgroup/cpu.stat", "usage_usec 0")
    box.v2("/user.slice", cgroup_type="domain", cpuset_cpus_effective="0-3", cpu_stat="usage_usec 0")
    box.put("sys/fs/cgroup/user.slice/cpuset.cpus.effective", "0-3")
    processors = box.processors()
    processors.point(0)
    box.put("sys/fs/cgroup/cpu.stat", "usage_usec 40000000")
    box.v2("/user.slice", cpu_stat="usage_usec 10000000")
    assert used(processors) == ("cgroup", 4.0, 0.25)
    box.put("proc/self/cgroup", "0::/")
    assert box.processors().of == "machine"


def test_a_group_of_v1(box: Box) -> None:
    box.put("proc/self/cgroup", "2:cpu,cpuacct:/job\n0::/")
    box.put("sys/fs/cgroup/cpu,cpuacct/job/cpuacct.usage", "0")
    processors = box.processors()
    processors.point(0)
    box.put("sys/fs/cgroup/cpu,cpuacct/job/cpuacct.usage", str(20 * S))
    assert used(processors) == ("cgroup", 4.0, 0.5)
    box.put("proc/self/cgroup", "2:cpu,cpuacct:/\n0::/")
    assert box.processors().of == "machine"


def test_a_read_that_fails_is_made_up_for_by_the_next(box: Box) -> None:
    box.stat(100)
    processors = box.processors()
    processors.point(0)
    box.put("proc/stat", "")
    assert processors.point(5 * S) is None
    box.stat(140)
    assert used(processors) == ("machine", 4.0, 1.0)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert Processors(os.getpid(), str(tmp_path / "sys"), str(tmp_path / "proc")).point(0) is None
