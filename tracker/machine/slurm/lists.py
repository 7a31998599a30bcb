"""PURE: Slurm's short forms of lists: names of nodes, and a number for each node (`man sbatch`, environment variables; `man scontrol`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..proc import whole_number

MOST_NODES = 100_000
"""No cluster has more nodes. A longer list is not expanded."""
_LONGEST = 1_000_000
"""Characters of a list that is expanded."""
_NAME = re.compile(r"(?:[^,\[\]]|\[[^\[\]]*\])+")
_PART = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_NUMBER = re.compile(r"(\d+)(?:\(x(\d+)\))?")


def node_names(text: str) -> list[str]:
    """The nodes of "gpu[01-03,07],login1", in their order. Empty if the text is no such list, or is too long."""
    found: list[str] = []
    if len(text) > _LONGEST or text.count("[") != text.count("]"):
        return []
    for name in _NAME.findall(text.strip()):
        names = [""]
        for ranges, plain in _PART.findall(name):
            parts = [plain] if plain else list(_numbers(ranges, MOST_NODES // len(names)))
            names = [before + part for before in names for part in parts]
            if not names:
                return []
        found += names
        if len(found) > MOST_NODES:
            return []
    return found


def _numbers(ranges: str, most: int) -> Iterator[str]:
    """ "01", "02", "03" and "07" of "01-03,07". Nothing if they are more than `most`."""
    pairs: list[tuple[str, int, int]] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        begin, end = whole_number(first), whole_number(last or first)
        if begin is None or end is None or end < begin:
            return
        most -= end - begin + 1
        if most < 0:
            return
        pairs.append((first.strip(), begin, end))
    for first, begin, end in pairs:
        yield from (str(number).zfill(len(first)) for number in range(begin, end + 1))


def number_of_node(text: str, place: int) -> int | None:
    """The number of the node at `place` (from 0) in "72(x2),36": two nodes with 72, and one with 36. None if it has none."""
    for number, times in _items(text):
        place -= times
        if place < 0:
            return number
    return None


def only_number(text: str) -> int | None:
    """The number in "72(x2)", if all nodes have the same. None otherwise."""
    numbers = {number for number, _ in _items(text)}
    return numbers.pop() if len(numbers) == 1 else None


def _items(text: str) -> Iterator[tuple[int, int]]:
    """(number, how many nodes have it), up to the first item that is none."""
    for item in text[:_LONGEST].split(","):
        match = _NUMBER.fullmatch(item.strip())
        number, times = (None, None) if match is None else (whole_number(match[1]), whole_number(match[2] or "1"))
        if number is None or times is None:
            return
        yield number, times
