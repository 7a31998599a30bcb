"""PURE: runs that read the same devices at the same time, and what each of them adds to a sum in which a device counts once at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..core.run import NO_HOST
from ..core.sensing import whole_name
from ..core.units import NS_PER_S
from ..energy.curve import Curve

if TYPE_CHECKING:
    from ..core.clock import Anchor
    from ..core.point import Point
    from ..storage.read.records import DeviceRow

APART_S = 0.5
"""Runs that follow each other may seem to overlap by this much if the wall clock is set in between."""


class Reading(NamedTuple):
    """A device, as `identity` has it, that a run reads from `start_s` to `end_s`, seconds of the host's wall clock."""

    run_id: str
    device: tuple[str, str]
    start_s: float
    end_s: float


def identity(host: str, uuid: str | None, name: str) -> tuple[str, str]:
    """What a device is known by in all runs: its UUID, because each container on a machine has a host name of its own; without one, the
    host and its name there."""
    return ("", uuid) if uuid else (host, name)


def names_of(machines: Iterable[tuple[str | None, str]]) -> dict[str | None, str]:
    """What each machine is known by in some runs: what identifies it, because containers on it have names of their own, and other machines
    may have the same name; or else the host name, where one of the runs knows only that. `machines`: what identifies a machine, if that is
    known, and a host name there."""
    hosts: dict[str, set[str]] = defaultdict(set)
    without: set[str] = set()
    for machine, host in machines:
        if machine:
            hosts[machine].add(host)
        else:
            without.add(host)
    return {machine: min(names & without, default=machine) for machine, names in hosts.items()}


def at_once(readings: Iterable[Reading]) -> set[str]:
    """The ids of the runs that read a device at the same time as another of them."""
    by_device: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        by_device[reading.device].append(reading)
    found = set[str]()
    for of_device in by_device.values():
        latest: Reading | None = None  # of those that began so far, the one that ends last
        for reading in sorted(of_device, key=lambda r: r.start_s):
            if latest is not None and reading.run_id != latest.run_id and latest.end_s - reading.start_s > APART_S:
                found |= {latest.run_id, reading.run_id}
            if latest is None or reading.end_s > latest.end_s:
                latest = reading
    return found


class Curves(NamedTuple):
    """The energy curves of a run by (segment id, device), and the anchors of its segments."""

    points: Mapping[tuple[str, str], Sequence[Point]]
    anchors: Mapping[str, Sequence[Anchor]]


class Measured(NamedTuple):
    """A run among those that a sum is of. `curves` are None if it read no device at the same time as another."""

    run_id: str
    started_utc_ns: int
    duration_s: float
    devices: Sequence[DeviceRow]
    curves: Curves | None


class Own(NamedTuple):
    """What a run adds to such a sum: its devices with the parts of their curves that no run before it has read.

    `gpu_share` and `host_share` are the shares of the time of its GPUs and of its other devices that are in these parts, and `share` is the
    largest of any device: the hours of the run that count.
    """

    devices: tuple[DeviceRow, ...]
    gpu_share: float
    host_share: float
    share: float


class _Span(NamedTuple):
    start_ns: int
    end_ns: int
    run: Measured
    row: DeviceRow


def own_parts(runs: Sequence[Measured]) -> dict[str, Own]:
    """What each run adds, by its id. A device that several runs read at a time counts in the run that began to read it first, until this
    run ends; from then on it counts in the one of the others that began first. Of a run without curves, all counts."""
    by_device: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    names = names_of((row.boot_id, row.host) for run in runs for row in run.devices)
    for run in runs:
        for span in _spans(run):
            known = whole_name(span.row.name) is None and (span.row.uuid or span.row.host != NO_HOST)  # shares are of different processes
            host = names.get(span.row.boot_id, span.row.host) if known else f"{span.row.host} of {run.run_id}"
            by_device[identity(host, span.row.uuid if known else None, span.row.name)].append(span)
    kept: dict[str, list[tuple[_Span, int]]] = defaultdict(list)
    for spans in by_device.values():
        until_ns, by = -1, ""  # up to when the device is counted, and in which run
        for span in sorted(spans, key=lambda s: (s.start_ns, -s.end_ns)):
            met = by != span.run.run_id and until_ns - span.start_ns > APART_S * NS_PER_S
            kept[span.run.run_id].append((span, max(span.start_ns, until_ns) if met else span.start_ns))
            if span.end_ns > until_ns:
                until_ns, by = span.end_ns, span.run.run_id
    return {run.run_id: _own(run, kept[run.run_id]) for run in runs}


def _spans(run: Measured) -> Iterable[_Span]:
    for row in run.devices:
        if row.included_in_total and row.first is not None and row.last is not None:
            yield _Span(_utc_ns(run, row, row.first.t_ns), _utc_ns(run, row, row.last.t_ns), run, row)


def _utc_ns(run: Measured, row: DeviceRow, t_ns: int) -> int:
    """By the first anchor of the segment; without one, the device is read from the start of the run on."""
    assert row.first is not None
    anchors = () if run.curves is None else run.curves.anchors.get(row.segment_id, ())
    return anchors[0].utc_of(t_ns) if anchors else run.started_utc_ns + t_ns - row.first.t_ns


def _own(run: Measured, kept: Sequence[tuple[_Span, int]]) -> Own:
    cut = {(span.row.segment_id, span.row.name): from_ns - span.start_ns for span, from_ns in kept}
    devices = [_from(run, row, cut.get((row.segment_id, row.name), 0)) for row in run.devices]
    gpu, host = _share(kept, gpus=True), _share(kept, gpus=False)
    shares = [_part(span, from_ns) for span, from_ns in kept]
    whole = max(shares, default=1.0)
    return Own(
        tuple(row for row in devices if row is not None), whole if gpu is None else gpu, whole if host is None else host, whole
    )  # fmt: skip


def _part(span: _Span, from_ns: int) -> float:
    """The share of a span that is left from an instant on; all or nothing of one without length, whose device was read once."""
    if from_ns <= span.start_ns:
        return 1.0
    return (span.end_ns - from_ns) / (span.end_ns - span.start_ns) if span.end_ns > from_ns else 0.0


def _share(kept: Iterable[tuple[_Span, int]], gpus: bool) -> float | None:
    of_kind = [(span, from_ns) for span, from_ns in kept if (span.row.kind == "gpu") is gpus]
    whole = sum(span.end_ns - span.start_ns for span, _ in of_kind)
    if not whole:
        return None
    return sum(_part(span, from_ns) * (span.end_ns - span.start_ns) for span, from_ns in of_kind) / whole


def _from(run: Measured, row: DeviceRow, later_ns: int) -> DeviceRow | None:
    """A device's row whose curve begins `later_ns` later; None if nothing is left."""
    if row.first is None or row.last is None or later_ns <= 0:
        return row
    t_ns = row.first.t_ns + later_ns
    if t_ns >= row.last.t_ns:
        return None
    curve = Curve(row.max_power_w)
    curve.ticks.extend((run.curves and run.curves.points.get((row.segment_id, row.name))) or (row.first, row.last))
    first = curve.at(t_ns)
    covered_ns = round(row.covered_ns * (row.last.t_ns - t_ns) / (row.last.t_ns - row.first.t_ns))
    return row._replace(first=first, covered_ns=covered_ns)
