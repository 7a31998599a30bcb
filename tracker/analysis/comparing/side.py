"""PURE: one side of a comparison: a run, or several runs of one set-up, with the parts that their figures are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...energy.intervals import Sensor, Share
from ..view import device_share

if TYPE_CHECKING:
    from ...core.contract import ShowJson
    from ...storage.read.records import DeviceRow, StoredRun

Place = tuple[str, str]
"""The host and the name of a device."""
LEAST_PAIRS = 4
"""Pairs cost degrees of freedom. With three pairs the interval is wider than without, unless most of the variation is in both."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What each sensor measured in one run: in total, by device and by phase."""

    total: list[Share] = field(default_factory=list)
    of_device: dict[Place, list[Share]] = field(default_factory=dict)
    of_phase: dict[str, list[Share]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """A run: what `show --json` prints of it, and its parts."""

    view: ShowJson
    parts: Parts
    started_utc_ns: int


def measured(stored: StoredRun, view: ShowJson) -> Measured:
    """A stored run with the parts that its figures are made of."""
    segments = {s.id: s for s in stored.segments}
    parts = Parts()
    rows: dict[Place, tuple[DeviceRow, Sensor]] = {}
    for d in stored.devices:
        if d.segment_id not in segments or d.damage:  # its energy is not known
            continue
        segment = segments[d.segment_id]
        # Many machines call themselves localhost; their boot ids distinguish them.
        host = segment.boot_id if segment.host.startswith("localhost") else segment.host
        sensor: Sensor = ("uuid", d.uuid) if d.uuid else ("host", host, d.name, d.model or "")
        rows[d.segment_id, d.name] = d, sensor
        if d.first is None or d.last is None:
            continue
        part = device_share(d)._replace(sensor=sensor)
        parts.of_device.setdefault((d.host, d.name), []).append(part)
        if d.included_in_total:
            parts.total.append(part)
    for p in stored.phases:
        for s in p.devices:
            row, sensor = rows.get((s.owner_segment_id, s.device), (None, ("unknown",)))
            if row is not None and row.included_in_total:
                parts.of_phase.setdefault(p.name, []).append(s.share(row, p.duration_s)._replace(sensor=sensor))
    return Measured(view, parts, stored.run.started_utc_ns)


class Side:
    """The runs of one set-up, in order of their start. `name` is what the user called them: a group, or None for a single run."""

    def __init__(self, runs: Iterable[Measured], name: str | None = None) -> None:
        self.runs = tuple(sorted(runs, key=lambda run: run.started_utc_ns))
        self.name = name

    @property
    def views(self) -> tuple[ShowJson, ...]:
        """What `show --json` prints of each run."""
        return tuple(run.view for run in self.runs)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the runs."""
        return tuple(view["run"]["id"] for view in self.views)

    @property
    def seconds(self) -> list[float]:
        """The duration of each run."""
        return [view["run"]["duration_s"] or 0.0 for view in self.views]

    @property
    def is_least(self) -> bool:
        """Whether a run may have used any amount more than is known."""
        return any(view["energy"]["lower_bound"] for view in self.views)

    def parts_of(self, of: Callable[[Parts], list[Share]]) -> list[list[Share]]:
        """The parts of each run."""
        return [of(run.parts) for run in self.runs]


def alternating(base: Side, other: Side) -> bool:
    """Whether run i of both sides were one after the other, so that they make a pair: A B A B or A B B A."""
    if len(base.runs) != len(other.runs) or len(base.runs) < LEAST_PAIRS:
        return False
    order = [number for _, number in sorted((run.started_utc_ns, i) for i, side in enumerate((base, other)) for run in side.runs)]
    return all(order[i] != order[i + 1] for i in range(0, len(order), 2))
