"""The share of the machine that a control group may use, in v2 and v1."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwatt.machine.cgroup import Cgroup

GIB = 2**30


class Groups:
    """A cgroup tree: `put` writes a file below <sysfs>/fs/cgroup, `say` writes the process's /proc/self/cgroup."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, text: object) -> None:
        file = self.root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def say(self, *lines: str) -> Cgroup:
        (self.root / "proc/self").mkdir(parents=True, exist_ok=True)
        (self.root / "proc/self/cgroup").write_text("\n".join(lines) + "\n")
        return Cgroup(str(self.root / "sys"), str(self.root / "proc"))


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


@pytest.fixture
def v2(groups: Groups) -> Groups:
    groups.put("cgroup.controllers", "cpuset cpu memory")
    groups.put("cpuset.cpus.effective", "0-63")
    return groups


def test_v2_the_tightest_limit_on_the_way_up_counts(v2: Groups) -> None:
    v2.put("job/cpu.max", "400000 100000")
    v2.put("job/cpuset.cpus.effective", "0-15")
    v2.put("job/memory.max", 16 * GIB)
    v2.put("job/cpu.stat", "usage_usec 5000000\nuser_usec 1")
    v2.put("job/step/cpu.max", "max 100000")
    v2.put("job/step/memory.max", "max")
    v2.put("job/step/cpu.stat", "usage_usec 1000000")
    cgroup = v2.say("0::/job/step")
    share = cgroup.cpu_share()
    assert share is not None
    assert share.cpus == 4.0
    assert share.usage_s() == 5.0  # of the group that sets the limit, not of the step within it
    assert cgroup.memory_limit_bytes() == 16 * GIB


def test_v2_a_cpuset_tighter_than_the_quota(v2: Groups) -> None:
    v2.put("job/cpu.max", "800000 100000")
    v2.put("job/cpuset.cpus.effective", "0-1,8")
    v2.put("job/cpu.stat", "usage_usec 2000000")
    share = v2.say("0::/job").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (3.0, 2.0)


def test_v2_in_a_cgroup_namespace_the_mount_is_the_group(v2: Groups) -> None:
    v2.put("cpu.max", "150000 100000")
    v2.put("memory.max", GIB)
    v2.put("cpu.stat", "usage_usec 1500000")
    for path in ("/", "/system.slice/not-to-be-seen"):
        cgroup = v2.say(f"0::{path}")
        share = cgroup.cpu_share()
        assert share is not None
        assert (share.cpus, share.usage_s()) == (1.5, 1.5)
        assert cgroup.memory_limit_bytes() == GIB


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_v1_quota_cpuset_and_memory(groups: Groups, mount: str) -> None:
    groups.put(f"{mount}/job/cpu.cfs_quota_us", 250000)
    groups.put(f"{mount}/job/cpu.cfs_period_us", 100000)
    groups.put(f"{mount}/cpu.cfs_quota_us", -1)
    groups.put(f"{mount if ',' in mount else 'cpuacct'}/job/cpuacct.usage", 3_000_000_000)
    groups.put("cpuset/job/cpuset.cpus", "0-7")
    groups.put("memory/job/memory.limit_in_bytes", 8 * GIB)
    groups.put("memory/memory.limit_in_bytes", 9223372036854771712)
    cgroup = groups.say("4:cpuset:/job", "3:memory:/job", "2:cpu,cpuacct:/job", "1:name=systemd:/job", "0::/job")
    share = cgroup.cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (2.5, 3.0)
    assert cgroup.memory_limit_bytes() == 8 * GIB


def test_v1_usage_of_a_group_that_a_cpuset_limits(groups: Groups) -> None:
    groups.put("cpuset/job/cpuset.cpus", "0-3")
    groups.put("cpuacct/job/cpuacct.usage", 7_000_000_000)
    share = groups.say("2:cpuset:/job", "1:cpuacct:/job").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (4.0, 7.0)


@pytest.mark.parametrize("unlimited", [2**63 - 4096, 2**63 - 65536, 2**63 - 1, 2**64 - 1, 2**50])
def test_a_limit_above_the_memory_of_any_machine_is_none(groups: Groups, v2: Groups, unlimited: int) -> None:
    groups.put("memory/memory.limit_in_bytes", unlimited)
    assert groups.say("3:memory:/").memory_limit_bytes() is None
    v2.put("memory.max", unlimited)
    v2.put("job/memory.max", 8 * GIB)
    assert v2.say("0::/job").memory_limit_bytes() == 8 * GIB
    v2.put("job/memory.max", unlimited)
    assert v2.say("0::/job").memory_limit_bytes() is None


def test_nothing_limits_where_there_are_no_groups(groups: Groups) -> None:
    cgroup = groups.say("")
    assert cgroup.cpu_share() is None
    assert cgroup.memory_limit_bytes() is None


@pytest.mark.parametrize("cpuacct", ["/", "/system.slice/slurmd.service", "/slurm", "/slurm/uid_7/job_43", "/slurm/uid_7/job_42x"])
def test_v1_the_usage_of_another_group_does_not_count_against_a_limit(groups: Groups, cpuacct: str) -> None:
    """Slurm: the job has a cpuset, and its CPU time is counted for the daemon's group, or for the whole node."""
    groups.put("cpuset/cpuset.cpus", "0-63")
    groups.put("cpuset/slurm/uid_7/job_42/cpuset.cpus", "8-15")
    groups.put(f"cpuacct{cpuacct.rstrip('/')}/cpuacct.usage", 9_000_000_000)
    share = groups.say("3:cpuset:/slurm/uid_7/job_42", f"2:cpu,cpuacct:{cpuacct}").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s(), share.processors) == (8.0, None, [range(8, 16)])


def test_v1_a_deeper_group_of_the_same_name_is_within_the_limit(groups: Groups) -> None:
    """The limit is the job's, and the process is in one of its steps: the CPU time of the whole job counts."""
    groups.put("cpuset/job/cpuset.cpus", "0-3")
    groups.put("cpuacct/job/cpuacct.usage", 7_000_000_000)
    groups.put("cpuacct/job/step/cpuacct.usage", 1_000_000_000)
    share = groups.say("2:cpuset:/job", "1:cpuacct:/job/step").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (4.0, 7.0)


@pytest.mark.parametrize(("path", "used_s"), [("/docker/abc", 3.0), ("/system.slice", None)])
def test_v1_in_a_container_the_mounts_are_the_group_if_their_paths_say_so(groups: Groups, path: str, used_s: float | None) -> None:
    groups.put("cpuset/cpuset.cpus", "0-3")
    groups.put("cpuacct/cpuacct.usage", 3_000_000_000)
    share = groups.say("2:cpuset:/docker/abc", f"1:cpuacct:{path}").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (4.0, used_s)


def test_hybrid_v2_counts_the_cpu_time_of_a_group_that_v1_limits(groups: Groups) -> None:
    groups.put("cpuset/job/cpuset.cpus", "0-3")
    groups.put("cpuacct/cpuacct.usage", 900_000_000_000)
    groups.put("unified/job/step/cpu.stat", "usage_usec 1000000")
    groups.put("unified/job/cpu.stat", "usage_usec 2000000")
    share = groups.say("2:cpuset:/job", "1:cpuacct:/", "0::/job/step").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (4.0, 2.0)


def test_v2_the_usage_is_that_of_the_ancestor_that_sets_the_quota_or_the_cpuset(v2: Groups) -> None:
    v2.put("pod/cpu.max", "200000 100000")
    v2.put("pod/cpu.stat", "usage_usec 8000000")
    v2.put("pod/box/cpu.max", "max 100000")
    v2.put("pod/box/cpuset.cpus.effective", "0-3")
    v2.put("pod/box/cpu.stat", "usage_usec 1000000")
    share = v2.say("0::/pod/box").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s(), share.processors) == (2.0, 8.0, None)
    v2.put("pod/cpu.max", "800000 100000")
    v2.put("pod/cpuset.cpus.effective", "0-3")
    share = v2.say("0::/pod/box").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (4.0, 8.0)


def test_v2_a_limit_without_a_cpu_time_of_its_own_takes_no_other(v2: Groups) -> None:
    v2.put("cpu.stat", "usage_usec 900000000")
    v2.put("job/cpu.max", "200000 100000")
    share = v2.say("0::/job").cpu_share()
    assert share is not None
    assert (share.cpus, share.usage_s()) == (2.0, None)
