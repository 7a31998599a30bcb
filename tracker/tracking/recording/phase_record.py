"""Phases of a run: stamped by the training thread, resolved into energy by whoever owns the sensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.point import Point
from ...energy.intervals import Share, between

if TYPE_CHECKING:
    from ...energy.integrator import DeviceIntegrator

NS = 1e-9
PATIENCE_NS = 10_000_000_000


class PhaseRecord:
    """One instance of a phase: its name, its monotonic edges, and the curves' points at its start once they are known.

    `brief`: it is added to the others of its name, and not stored by itself. `settled`: its energy is worked out, nothing more comes.
    """

    __slots__ = (
        "brief", "end_t_ns", "ends", "exact", "name", "parent_seq", "segment_id", "seq", "settled", "start_t_ns", "starts", "step",
        "synchronized",
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
        self.starts: dict[str, Point | None] = {}  # None: the ticks around that edge are gone
        self.ends: dict[str, Point | None] = {}

    def resolve(self, integrators: Mapping[str, DeviceIntegrator], now_ns: int, *, final: bool) -> dict[str, Share] | None:
        """The phase's share of each device's energy, once their curves have passed its edges; None until then.

        Call it at least every few seconds from the phase's start on: ticks around an edge are not kept for long. `final`: no more
        readings will come. A device that says nothing for PATIENCE_NS after an edge, or has no ticks around one, is left out.
        """
        _take(self.starts, integrators, self.start_t_ns, now_ns, final)
        if self.end_t_ns is None:
            return None
        _take(self.ends, integrators, self.end_t_ns, now_ns, final)
        if len(self.starts) < len(integrators) or len(self.ends) < len(integrators):
            return None
        shares: dict[str, Share] = {}
        for name, integrator in integrators.items():
            start, end, device = self.starts[name], self.ends[name], integrator.device
            if start is not None and end is not None:
                share = between(start, end, device.gain, device.gain_class)
                shares[name] = share._replace(edge_low_j=0.0, edge_high_j=0.0) if self.start_t_ns == self.end_t_ns else share
        return shares

    def resolved(self, integrators: Mapping[str, DeviceIntegrator], shares: Mapping[str, Share]) -> bool:
        """Whether every device that counts has its share, and the phase was long enough for their curves."""
        counted = {name for name, i in integrators.items() if i.device.included_in_total}
        return bool(counted) and counted <= shares.keys() and self.long_enough(integrators)

    def long_enough(self, integrators: Mapping[str, DeviceIntegrator]) -> bool:
        """Whether it lasted two of the coarsest step of any device's curve: shorter ones are `unresolved`."""
        if self.end_t_ns is None:
            return False
        coarsest_s = max((i.step_s for i in integrators.values() if i.device.included_in_total), default=0.0)
        return (self.end_t_ns - self.start_t_ns) * NS >= 2 * coarsest_s


def _take(points: dict[str, Point | None], integrators: Mapping[str, DeviceIntegrator], t_ns: int, now_ns: int, final: bool) -> None:
    """Fill in the curves' points at `t_ns`, each as soon as its curve has passed it."""
    for name, integrator in integrators.items():
        if name not in points:
            if final or integrator.lost or integrator.curve.reaches(t_ns):
                points[name] = integrator.curve.at(t_ns)
            elif now_ns - t_ns > PATIENCE_NS:
                points[name] = None
