"""PURE: the meaning of the text in /proc (proc(5)) and in the files of a control group (Linux, Documentation/admin-guide/cgroup-v2.rst).

No parser raises. A container, a mask or an unusual kernel may leave a file empty, cut short or without its numbers; then the answer
is "not known" (None, or nothing in the list).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_LARGEST = 2**64 - 1  # the kernel's numbers have at most 64 bits
_BUSY = (0, 1, 2, 5, 6)
"""User, nice, system, irq and softirq in the first line of /proc/stat. Steal belongs to other guests; guest time is part of user."""
_BYTES_PER_KIB = 1024
LARGEST_MEMORY_BYTES = 2**47
"""No machine has more memory: the largest that was sold in 2025 has 64 TiB, and this is twice that. A greater number is no size; cgroup v1
writes one near 2^63 where nothing is limited."""
_MOST_CPUS = 2**16
"""No machine has more processors: Linux can be built for at most 8,192 (Kconfig, NR_CPUS)."""


class ProcessStat(NamedTuple):
    """A process as in /proc/PID/stat: state letter, parent, and start time in clock ticks since boot. None means not known."""

    state: str
    parent: int | None
    start_ticks: int | None


class Mount(NamedTuple):
    """A line of /proc/PID/mountinfo: where something is mounted, and the type of its filesystem."""

    folder: str
    filesystem: str


def whole_number(text: str) -> int | None:
    """The number, if `text` has only ASCII digits and the number fits 64 bits; else None."""
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(_LARGEST)):
        return None
    return number if (number := int(text)) <= _LARGEST else None


def processors(cpuinfo: str) -> list[dict[str, str]]:
    """The fields of each logical processor in /proc/cpuinfo, by name."""
    blocks = (fields_of(block) for block in re.split(r"\n[ \t]*\n", cpuinfo))
    return [block for block in blocks if "processor" in block]


def memory_total_bytes(meminfo: str) -> int | None:
    """MemTotal of /proc/meminfo, in bytes. None if it is more than any machine has."""
    kib = whole_number(fields_of(meminfo).get("MemTotal", "").removesuffix("kB"))
    return None if kib is None or kib * _BYTES_PER_KIB > LARGEST_MEMORY_BYTES else kib * _BYTES_PER_KIB


def busy_ticks(stat: str) -> int | None:
    """How long all processors were busy since boot, in clock ticks, according to /proc/stat."""
    return _busy(next((line for line in stat.splitlines() if line.startswith("cpu ")), ""))


def busy_ticks_of(stat: str, cpus: Sequence[range]) -> int | None:
    """The same for some processors. None if /proc/stat does not list each of them."""
    lines = (line for line in stat.splitlines() if re.match(r"cpu[0-9]", line))
    ticks = [_busy(line) for line in lines if any((n := whole_number(line.split()[0][3:])) is not None and n in r for r in cpus)]
    known = [t for t in ticks if t is not None]
    return sum(known) if len(known) == len(ticks) == count_of(cpus) else None


def _busy(line: str) -> int | None:
    numbers = [whole_number(field) for field in line.split()[1:]]
    busy = [number for i in _BUSY if i < len(numbers) and (number := numbers[i]) is not None]
    return sum(busy) if len(busy) == len(_BUSY) else None


def online_cpus(stat: str) -> int:
    """How many processors are online according to /proc/stat; 0 if it does not say."""
    return sum(re.match(r"cpu[0-9]", line) is not None for line in stat.splitlines())


def process_stat(text: str) -> ProcessStat | None:
    """A process from its /proc/PID/stat; None if the text names no state."""
    # The second field is the command's name in brackets, which may contain blanks and brackets.
    before, bracket, after = text.rpartition(")")
    fields = after.split()
    if not before or not bracket or not fields:
        return None
    return ProcessStat(fields[0], *(whole_number(fields[i]) if i < len(fields) else None for i in (1, 19)))


def mounts(mountinfo: str) -> Iterator[Mount]:
    """The mounts of /proc/PID/mountinfo, in its order."""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) >= 5:
            yield Mount(_unescaped(fields[4]), after.split(" ")[0])


def control_groups(text: str) -> dict[str, str]:
    """The paths of the control groups in /proc/PID/cgroup, by controller; "" is the one of cgroup v2."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3:
            paths.update(dict.fromkeys(fields[1].split(","), fields[2]))
    return paths


def cpu_ranges(text: str) -> list[range] | None:
    """The processors that a list such as "0-3,8" names. None for an empty list, for other text, and for numbers that no processor has."""
    found: list[range] = []
    for part in filter(None, text.strip().split(",")):
        first_text, dash, last_text = part.partition("-")
        first = whole_number(first_text)
        last = whole_number(last_text) if dash else first
        if first is None or last is None or not first <= last < _MOST_CPUS:
            return None
        found.append(range(first, last + 1))
    return found or None


def count_of(ranges: Iterable[range]) -> int:
    """How many processors these are."""
    return sum(r.stop - r.start for r in ranges)


def listed_cpus(text: str) -> int | None:
    """How many processors a list such as "0-3,8" names: 5. None for an empty list and for other text."""
    ranges = cpu_ranges(text)
    return None if ranges is None else count_of(ranges)


def cpu_max(text: str) -> float | None:
    """The processors that a group may use according to its cpu.max, "QUOTA PERIOD"; None for "max PERIOD" and for other text."""
    quota, _, period = text.strip().partition(" ")
    return quota_cpus(whole_number(quota), whole_number(period))


def quota_cpus(quota_us: int | None, period_us: int | None) -> float | None:
    """The processors that a CPU time quota allows; None without a quota."""
    return quota_us / period_us if quota_us and period_us else None


def usage_usec(cpu_stat: str) -> int | None:
    """The CPU time that a group has used, in microseconds, according to its cpu.stat."""
    values = (line.partition(" ") for line in cpu_stat.splitlines())
    return next((whole_number(value) for key, _, value in values if key == "usage_usec"), None)


def fields_of(text: str) -> dict[str, str]:
    """The "key: value" lines. If a key is repeated, its first value counts. Lines without a colon are left out."""
    found: dict[str, str] = {}
    for key, colon, value in (line.partition(":") for line in text.splitlines()):
        if colon:
            found.setdefault(key.strip(), value.strip())
    return found


def _unescaped(field: str) -> str:
    r"""A mountinfo writes blanks and similar characters as \040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
