"""Phases of a run: stamped by the training thread, resolved into energy by whoever owns the sensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .model import Point
from .windows import Share, between

if TYPE_CHECKING:
    from .integration import DeviceIntegrator

NS = 1e-9


class PhaseRecord:
    """One instance of a phase: its name, its monotonic edges, and the curves' points at its start once they are known."""

    __slots__ = ("end_t_ns", "exact", "name", "parent_seq", "segment_id", "seq", "start_t_ns", "starts", "step", "synchronized")

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
        self.starts: dict[str, Point | None] | None = None

    def resolve(self, integrators: Mapping[str, DeviceIntegrator], *, final: bool) -> dict[str, Share] | None:
        """The phase's share of each device's energy, once every curve has passed its edges; None until then.

        Call it at least every few seconds from the phase's start on: ticks around an edge are not kept for long. `final`: no more
        readings will come. A device whose ticks around an edge are gone is left out.
        """
        if self.starts is None:
            if not final and not _reached(integrators, self.start_t_ns):
                return None
            self.starts = {name: i.curve.at(self.start_t_ns) for name, i in integrators.items()}
        if self.end_t_ns is None or not (final or _reached(integrators, self.end_t_ns)):
            return None
        shares: dict[str, Share] = {}
        for name, integrator in integrators.items():
            start, end, device = self.starts.get(name), integrator.curve.at(self.end_t_ns), integrator.device
            if start is None or end is None:
                continue
            share = between(start, end, device.gain, device.gain_class)
            shares[name] = share._replace(edge_low_j=0.0, edge_high_j=0.0) if self.start_t_ns == self.end_t_ns else share
        return shares

    def long_enough(self, integrators: Mapping[str, DeviceIntegrator]) -> bool:
        """Whether it lasted two of the coarsest step of any device's curve: shorter ones are `unresolved`."""
        if self.end_t_ns is None:
            return False
        coarsest_s = max((i.step_s for i in integrators.values() if i.device.included_in_total), default=0.0)
        return (self.end_t_ns - self.start_t_ns) * NS >= 2 * coarsest_s


def _reached(integrators: Mapping[str, DeviceIntegrator], t_ns: int) -> bool:
    return all(i.lost or i.curve.reaches(t_ns) for i in integrators.values())
