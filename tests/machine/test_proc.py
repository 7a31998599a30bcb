"""The text of /proc and of control groups: what it says, and that odd content never raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainwatt.machine import proc
from trainwatt.machine.cgroup import Cgroup
from trainwatt.machine.files import read_int, read_strings, read_text
from trainwatt.machine.git import git_commit
from trainwatt.machine.host import in_container, processor
from trainwatt.machine.inventory import inventory
from trainwatt.machine.process import alive_ticks, command_of, environment_of, parent, this_process

quick = settings(derandomize=True, max_examples=200)
HUGE = "9" * 5000  # Python converts no more than 4300 digits

PARSERS: tuple[Callable[[str], object], ...] = (
    proc.whole_number,
    proc.processors,
    proc.memory_total_bytes,
    proc.busy_ticks,
    proc.online_cpus,
    proc.process_stat,
    lambda text: list(proc.mounts(text)),
    proc.control_groups,
    proc.listed_cpus,
    proc.cpu_max,
    proc.usage_usec,
)
PIECES = st.sampled_from(
    (
        *("MemTotal:", " ", "\t", "\n", "\n\n", ":", "kB", "many", "24", "-1", "²", "٣", HUGE, "processor", "model name", "cpu ", "cpu0"),
        *("max", "100000", "0", "0-3", ",", "-", "1 (a b) S", ")", "(", " - ", "\\040", "\\777", "0::/", "usage_usec", "\0", "\ufffd"),
    )
)
TEXT = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join))


@pytest.mark.parametrize("parser", PARSERS)
@quick
@given(text=TEXT)
@example("")
def test_no_parser_raises(parser: Callable[[str], object], text: str) -> None:
    parser(text)


@quick
@given(text=TEXT)
@example("MemTotal: ² kB")
@example(f"MemTotal: {HUGE} kB")
def test_a_size_is_known_or_not(text: str) -> None:
    assert (size := proc.memory_total_bytes(text)) is None or size >= 0
    assert (cpus := proc.cpu_max(text)) is None or cpus > 0
    assert (count := proc.listed_cpus(text)) is None or count > 0


def test_numbers() -> None:
    assert [proc.whole_number(text) for text in ("0", " 24\n", "18446744073709551615")] == [0, 24, 2**64 - 1]
    assert {proc.whole_number(text) for text in ("", "-1", "+1", "1.0", "1_0", "²", "٣", "18446744073709551616", HUGE)} == {None}


def test_processors() -> None:
    text = "processor\t: 0\nmodel name\t: A: B\nmodel name\t: C\n\nprocessor\t: 1\nflags\t\t: fpu hypervisor\nprocessor\n\nHardware\t: X\n"
    assert proc.processors(text) == [{"processor": "0", "model name": "A: B"}, {"processor": "1", "flags": "fpu hypervisor"}]


def test_a_line_without_a_colon_is_no_processor() -> None:
    assert proc.processors("processor\n\nprocessor 1\n\nprocessor: 2\n") == [{"processor": "2"}]


def test_memory() -> None:
    assert proc.memory_total_bytes("MemFree: 1 kB\nMemTotal:       24 kB\n") == 24 * 1024
    for text in ("", "MemTotal:", "MemTotal: many kB", "MemTotal: kB", "MemTotal 24 kB", "MemTotal: -1 kB"):
        assert proc.memory_total_bytes(text) is None


def test_busy_time_and_processors_online() -> None:
    stat = "cpu  1 2 4 500 900 8 16 700 32 0\ncpu0 1\ncpu1 1\ncpux 1\ncpu² 1\ncpu"
    assert proc.busy_ticks(stat) == 1 + 2 + 4 + 8 + 16
    assert proc.online_cpus(stat) == 2
    assert {proc.busy_ticks(text) for text in ("", "cpu  1 2 4 500 900 8", "cpu  1 2 ² 500 900 8 16", "cpu0 1 2 3 4 5 6 7 8")} == {None}


def test_a_process() -> None:
    rest = " ".join("0" for _ in range(17))
    assert proc.process_stat(f"7 (a) S 1 (b) R 3 {rest} 4242 0 0") == ("R", 3, 4242)
    assert proc.process_stat(f"7 (python) S 3 {rest}") == ("S", 3, None)
    assert proc.process_stat("7 (python) S x") == ("S", None, None)
    assert {proc.process_stat(text) for text in ("", "7 (python", "7 (python)", "7 python S 3", ")")} == {None}


def test_mounts() -> None:
    good = r"33 22 0:42 / /my\040data rw,relatime shared:1 - fuse.sshfs host: rw"
    assert list(proc.mounts(f"22 1 8:1 /\n{good}\n22 1 8:1 / / rw ext4 /dev/sda1 rw\n - nfs\n")) == [("/my data", "fuse.sshfs")]


def test_control_groups() -> None:
    text = "4:cpu,cpuacct:/job:1\n0::/user\ngarbage\n:\n"
    assert proc.control_groups(text) == {"cpu": "/job:1", "cpuacct": "/job:1", "": "/user"}


def test_limits_of_a_control_group() -> None:
    assert [proc.listed_cpus(text) for text in ("0", "0-3", "0-3,8,10-11", "0-1,")] == [1, 4, 7, 2]
    assert {proc.listed_cpus(text) for text in ("0-4294967295", "0-65536", "99999999")} == {None}  # no machine has as many
    assert {proc.listed_cpus(text) for text in ("", ",", "8-3", "a-b", "0-", "-1", "²", "0-3:1/2")} == {None}
    assert [proc.cpu_max(text) for text in ("150000 100000", "50000 100000\n")] == [1.5, 0.5]
    assert {proc.cpu_max(t) for t in ("", "max", "max 100000", "max garbage", "1 0", "0 100000", "1", "² 3", f"{HUGE} 1")} == {None}
    assert proc.usage_usec("nr_periods 1\nusage_usec 5000000\nuser_usec 1") == 5_000_000
    assert {proc.usage_usec(text) for text in ("", "usage_usec", "usage_usec ²", "user_usec 1")} == {None}


# ---- the same through the file system

FILES = (
    *("cpuinfo", "meminfo", "stat", "self/cgroup", "1/cgroup", "7/stat", "7/cmdline", "7/environ", "sys/kernel/random/boot_id"),
    *("cgroup/cgroup.controllers", "cgroup/cpu.max", "cgroup/cpu.stat", "cgroup/memory.max", "cgroup/cpuset.cpus.effective"),
    *("cgroup/cpu/cpu.cfs_quota_us", "cgroup/cpu/cpu.cfs_period_us", "cgroup/cpuacct/cpuacct.usage", "cgroup/cpuset/cpuset.cpus"),
    *(".git/HEAD", ".git/commondir", ".git/packed-refs"),
)
CONTENTS = {
    "empty": b"",
    "no UTF-8": b"\xff\xfe: \x80 kB\n\n\xc0",
    "null bytes": b"0::/\0a\0\nMemTotal:\0 1 kB\0",
    "cut short": b"7 (python) S",
    "no numbers": b"7 (python) S x\nMemTotal: many kB\nprocessor: a\ncpu  a b c d e f g h\nmax garbage\n",
    "other digits": "²\nMemTotal: ² kB\nusage_usec ²\n".encode(),
    "too many digits": f"{HUGE} {HUGE}\nMemTotal: {HUGE} kB\nusage_usec {HUGE}\n".encode(),
    "a long path": b"0::/" + b"a" * 5000 + b"\nref: refs/heads/" + b"a" * 5000,
}


@pytest.mark.parametrize("content", CONTENTS)
def test_odd_files_raise_nothing(content: str, tmp_path: Path) -> None:
    procfs, sysfs = tmp_path / "proc", tmp_path / "sys"
    (sysfs / "fs").mkdir(parents=True)
    for name in FILES:
        (procfs / name).parent.mkdir(parents=True, exist_ok=True)
        (procfs / name).write_bytes(CONTENTS[content])
    (procfs / "cgroup").rename(sysfs / "fs/cgroup")
    for v2 in (True, False):
        cgroup = Cgroup(str(sysfs), str(procfs))
        share = cgroup.cpu_share()
        assert share is None or share.usage_s() is None
        assert cgroup.memory_limit_bytes() is None
        assert [piece.kind for piece in inventory((), sysfs=str(sysfs), procfs=str(procfs))][-1] == "host"
        if v2:
            (sysfs / "fs/cgroup/cgroup.controllers").unlink()
    assert not processor(str(procfs)).is_x86
    assert not in_container(str(procfs))
    assert alive_ticks(7, str(procfs)) is None
    assert parent(7, str(procfs)) is None
    assert this_process(str(procfs), 7).start_ticks == 0
    assert isinstance(command_of(7, str(procfs)), str)
    assert isinstance(environment_of(7, str(procfs)), dict)
    git_commit(procfs)


def test_a_file_that_cannot_be_read_is_an_answer(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, tmp_path / ("a" * 5000), Path("a\0b")):
        assert (read_text(path), read_int(path), read_strings(path)) == ("", None, None)


def test_the_environment_of_a_process(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/environ").write_bytes(b"A=1\0B=x=y\0C=\0nothing\0\0")
    assert environment_of(7, str(tmp_path)) == {"A": "1", "B": "x=y", "C": ""}
    assert environment_of(8, str(tmp_path)) is None
