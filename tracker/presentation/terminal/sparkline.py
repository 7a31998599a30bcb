"""PURE: power over time as a line of blocks. Devices of one kind have one scale, so that their lines can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ...core.point import Point
from ...energy.mean_power import energy_at
from ..words.quantities import format_power

if TYPE_CHECKING:
    from ...core.contract import DeviceJson

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = "▏▎▍▌▋▊▉"
NS = 1e-9

Powers = Sequence[float | None]
"""Mean watts of equal parts of the time; None if nothing is known."""


def bar(share: float, cells: int) -> str:
    """A bar of `share` (0 to 1) of so many cells, in eighths of a cell."""
    eighths = round(8 * cells * min(max(share, 0.0), 1.0))
    return "█" * (eighths // 8) + EIGHTHS[: eighths % 8][-1:]


def outline_w(points: Sequence[Point], most: int) -> list[float]:
    """The mean power of a whole curve in at most `most` equal parts of its time. A curve of fewer than three points has none."""
    if len(points) < 3:
        return []
    start, end = points[0].t_ns, points[-1].t_ns
    count = min(most, len(points) - 1)
    edges_j = [energy_at(points, start + (end - start) * i / count) for i in range(count + 1)]
    seconds = (end - start) * NS / count
    return [max(0.0, b - a) / seconds for a, b in pairwise(edges_j)] if seconds else []


def tops_w(devices: Sequence[DeviceJson], powers: Sequence[Powers]) -> list[float]:
    """The top of each device's scale: the highest power of any device of its kind."""
    tops: dict[str, float] = {}
    for device, of_device in zip(devices, powers, strict=True):
        tops[device["kind"]] = max([tops.get(device["kind"], 0.0), *(p for p in of_device if p is not None)])
    return [tops[device["kind"]] for device in devices]


def blocks(powers: Powers, top_w: float) -> str:
    """A block for each power, from 0 to `top_w`; blank where nothing is known."""
    return "".join(" " if p is None else BLOCKS[min(7, int(p / top_w * 7.999))] if top_w > 0 else BLOCKS[0] for p in powers)


def scale(powers: Powers, top_w: float) -> str:
    """The power of a full block, for the column beside the blocks."""
    return format_power(top_w) if any(p is not None for p in powers) else ""
