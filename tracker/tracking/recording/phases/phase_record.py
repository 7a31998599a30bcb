"""Phases of a run. The training thread stamps them; the process that owns the sensors computes their energy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from ....core.point import Point
from ....energy.intervals import Share, between

if TYPE_CHECKING:
    from ....core.sensing import Device
    from ....energy.curve import Curve

NS = 1e-9
PATIENCE_NS = 10_000_000_000


class Integrated(Protocol):
    """What a phase needs to know of a device: a `DeviceSnapshot`, or a `DeviceIntegrator` that does not change during the call."""

    @property
    def device(self) -> Device: ...
    @property
    def curve(self) -> Curve: ...
    @property
    def lost(self) -> bool: ...
    @property
    def step_s(self) -> float: ...


class Former(Protocol):
    """The curve of a device that another process has read up to `end_ns`, where it has 0 joules."""

    @property
    def curve(self) -> Curve: ...
    @property
    def end_ns(self) -> int: ...


class PhaseRecord:
    """One instance of a phase: its name, the monotonic times of its edges, and the points of the curves at its edges once these are known.

    `brief`: it is added to others of its name, not stored as a row. `added`: what it has added to the energy of its name so far, by device.
    `settled`: its energy is computed and kept elsewhere, and nothing more is added. `work`: the units that were counted in it, by name.
    """

    __slots__ = (
        "added", "brief", "end_t_ns", "only", "ends", "exact", "name", "parent_seq", "segment_id", "seq", "settled", "start_t_ns", "starts",
        "step", "synchronized", "work",
    )  # fmt: skip

    def __init__(
        self,
        segment_id: str,
        seq: int,
        name: str,
        start_t_ns: int,
        *,
        step: int | None = None,
        parent_seq: int | None = None,
        synchronized: bool = False,
        exact: bool = False,
    ) -> None:
        self.segment_id = segment_id
        self.seq = seq
        self.name = name
        self.start_t_ns = start_t_ns
        self.end_t_ns: int | None = None
        self.step = step
        self.parent_seq = parent_seq
        self.synchronized = synchronized
        self.exact = exact
        self.brief = self.settled = False
        self.only: set[str] | None = None  # the devices that are missing, of a phase whose other energies are known
        self.starts: dict[str, Point | None] = {}  # None: the ticks around that edge are gone
        self.ends: dict[str, Point | None] = {}
        self.added: dict[str, Share] = {}
        self.work: dict[str, int] = {}

    def settle(self) -> None:
        """Its energy is kept elsewhere. Give up what was needed to compute it: thousands of settled phases may wait for the database."""
        self.settled = True
        self.starts, self.ends, self.added = {}, {}, {}

    def resolve(
        self, devices: Mapping[str, Integrated], now_ns: int, *, final: bool, former: Mapping[str, Former] = MappingProxyType({})
    ) -> dict[str, Share] | None:
        """The phase's share of the energy of each device. None until all curves have passed its edges.

        Call it at least every few seconds after the phase has begun: ticks around an edge are not kept for long. `final`: no more
        readings will come. A device without a reading for PATIENCE_NS after an edge, or without ticks around an edge, is left out.
        `former`: what other processes have read of a device before this one, by device.
        """
        devices = self._missing(devices)
        _before(self.starts, former, self.start_t_ns)
        _take(self.starts, devices, self.start_t_ns, now_ns, final)
        if self.end_t_ns is None:
            return None
        _before(self.ends, former, self.end_t_ns)
        _take(self.ends, devices, self.end_t_ns, now_ns, final)
        if len(self.starts) < len(devices) or len(self.ends) < len(devices):
            return None
        shares: dict[str, Share] = {}
        for name, seen in devices.items():
            start, end, device = self.starts[name], self.ends[name], seen.device
            if start is not None and end is not None:
                share = between(start, end, device.gain, device.gain_class)
                shares[name] = share._replace(edge_low_j=0.0, edge_high_j=0.0) if self.start_t_ns == self.end_t_ns else share
        return shares

    def _missing(self, devices: Mapping[str, Integrated]) -> Mapping[str, Integrated]:
        return devices if self.only is None else {name: seen for name, seen in devices.items() if name in self.only}

    def resolved(self, devices: Mapping[str, Integrated], shares: Mapping[str, Share]) -> bool:
        """Whether every device in the total has a share, and the phase was long enough for their curves."""
        counted = {name for name, d in self._missing(devices).items() if d.device.included_in_total}
        return bool(counted) and counted <= shares.keys() and self.long_enough(devices)

    def long_enough(self, devices: Mapping[str, Integrated]) -> bool:
        """Whether the phase lasted at least two of the longest step of any device's curve. Shorter phases are `unresolved`."""
        if self.end_t_ns is None:
            return False
        coarsest_s = max((d.step_s for d in devices.values() if d.device.included_in_total), default=0.0)
        return (self.end_t_ns - self.start_t_ns) * NS >= 2 * coarsest_s


def _before(points: dict[str, Point | None], former: Mapping[str, Former], t_ns: int) -> None:
    """Set the points at `t_ns` of the curves that another process had then."""
    for name, read in former.items():
        if name not in points and t_ns < read.end_ns:
            points[name] = read.curve.at(t_ns)


def _take(points: dict[str, Point | None], devices: Mapping[str, Integrated], t_ns: int, now_ns: int, final: bool) -> None:
    """Set the curves' points at `t_ns`, each as soon as its curve has passed that time."""
    for name, seen in devices.items():
        if name not in points:
            if final or seen.lost or seen.curve.reaches(t_ns):
                points[name] = seen.curve.at(t_ns)
            elif now_ns - t_ns > PATIENCE_NS:
                points[name] = None
