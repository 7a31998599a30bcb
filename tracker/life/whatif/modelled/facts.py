"""PURE: what the models need to know of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ....analysis.footprint_totals import counted
from ....carbon.accounting import Estimate
from ....core.activity import ActivityPoint
from ....core.point import Point
from ....core.run import Status
from ....energy.mean_power import energy_at
from ...busy import between

if TYPE_CHECKING:
    from ....core.contract import DeviceJson, FootprintJson
    from ....storage.read.records import StoredRun

NS = 1e-9
Curves = Mapping[tuple[str, str], Sequence[Point]]
Activities = Mapping[tuple[str, str], Sequence[ActivityPoint]]


class Piece(NamedTuple):
    """A time of a GPU: how busy it was (None if that is not known), its joules, and its seconds."""

    busy: float | None
    energy_j: float
    seconds: float


class Gpu(NamedTuple):
    """A GPU over a whole run. `limit_w` is the mean of the power limits in force, None if it was not recorded. `drawn` are the pieces
    between stored points of energy, and `busy` those between points of activity."""

    name: str
    model: str | None
    energy_j: float
    limit_w: float | None
    drawn: tuple[Piece, ...]
    busy: tuple[Piece, ...]


class Facts(NamedTuple):
    """A run: its energy, of which `rest_j` is not of GPUs, its time and its work. `whole_work`: whether the work of all ranks is known."""

    footprint: FootprintJson
    command: str | None
    energy: Estimate
    seconds: float
    rest_j: float
    gpus: tuple[Gpu, ...]
    processors: tuple[str, ...]

    @property
    def run_id(self) -> str:
        """The id."""
        return self.footprint["run"]["id"]

    @property
    def completed(self) -> bool:
        """Whether the run did all that it was to do."""
        return bool(self.footprint["run"]["status"] == Status.COMPLETED)

    @property
    def work(self) -> Mapping[str, int]:
        """The units that were counted; none if those of some ranks are not known."""
        ranks = self.footprint["run"]["ranks"]
        return {} if ranks is not None and ranks["recorded"] < ranks["of"] else self.footprint["work"]

    @property
    def models(self) -> tuple[str, ...]:
        """The models of the GPUs, in order; those of the processors if there is no GPU."""
        return tuple(sorted(gpu.model or gpu.name for gpu in self.gpus)) or self.processors


def facts_of(stored: StoredRun, footprint: FootprintJson, curves: Curves, activities: Activities) -> Facts | None:
    """The facts of a run; None if it has no energy, or nothing is known of its time. `curves` and `activities` may be empty: the pieces are
    then missing."""
    energy, devices = footprint["energy"], counted(footprint)
    seconds = footprint["run"]["duration_s"] or 3600 * (footprint["run"]["device_hours"] or 0.0) / max(1, len(devices))  # of an estimate
    if not energy["total_j"] or energy["low_j"] is None or energy["high_j"] is None or not seconds:
        return None
    return Facts(
        footprint=footprint,
        command=stored.run.command,
        energy=Estimate(energy["total_j"], energy["low_j"], energy["high_j"]),
        seconds=seconds,
        rest_j=sum(device["energy_j"] for device in devices if device["kind"] != "gpu"),
        gpus=tuple(_gpu(stored, device, curves, activities) for device in devices if device["kind"] == "gpu"),
        processors=tuple(sorted(piece.name for piece in stored.inventory if piece.kind == "cpu")),
    )


def _gpu(stored: StoredRun, device: DeviceJson, curves: Curves, activities: Activities) -> Gpu:
    mine = [
        (row.segment_id, row.name)
        for row in stored.devices
        if (row.host, row.name) == (device["host"], device["device"]) and row.included_in_total
    ]
    drawn = [piece for key in mine for piece in _drawn(curves.get(key, ()))]
    busy = [piece for key in mine for piece in _busy(activities.get(key, ()), curves.get(key, ()))]
    limit_w = None if device["activity"] is None else device["activity"]["power_limit_w"]
    return Gpu(device["device"], device["model"], device["energy_j"], limit_w, tuple(drawn), tuple(busy))


def _drawn(curve: Sequence[Point]) -> Iterable[Piece]:
    for a, b in pairwise(curve):
        if b.t_ns > a.t_ns:
            yield Piece(None, b.energy_j - a.energy_j, (b.t_ns - a.t_ns) * NS)


def _busy(activity: Sequence[ActivityPoint], curve: Sequence[Point]) -> Iterable[Piece]:
    for start_ns, end_ns, busy in between(activity, curve):
        yield Piece(min(1.0, busy), energy_at(curve, end_ns) - energy_at(curve, start_ns), (end_ns - start_ns) * NS)
