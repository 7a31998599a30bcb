"""PURE: a run whose GPUs are busy for a larger share of the time: the same work in less time.

The time in which the GPUs compute stays. Of the rest, in which they wait, a part is left out, with the power that an idle GPU draws:
E' = E − P_idle · (T − T'), with T' = T · busy share now ÷ busy share then. The shares are means over the GPUs that computed at all: an idle
one beside them gets no work. The work of a GPU stays on it, so T' is at least the time in which the busiest one computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ....carbon.accounting import Estimate
from ...busy import IDLE
from ..change import ChangeKind
from .effect import Effect, Evidence, NotModelledError, Reason, Source, whole, with_time
from .facts import Facts, Gpu, Piece

ROUNDING = 1e-9
"""GPUs that are equally busy have sums that differ by as much."""
SPREAD = 0.05
"""If its busy share varied by less than this (one standard deviation), it is not known how the power follows the busy share."""


def busier(run: Facts, busy: float) -> Effect:
    """The run with its GPUs busy for the share `busy` (0 to 1) of the time, on average. Raises NotModelledError."""
    if not run.gpus:
        raise NotModelledError(Reason.NO_GPU, f"run {run.run_id[:8]}: it has no GPU, so a busier GPU changes nothing")
    if not all(gpu.busy for gpu in run.gpus):
        raise NotModelledError(
            Reason.NO_ACTIVITY,
            f"--gpu-utilization {busy:g}: it is not known how busy the GPUs of run {run.run_id[:8]} were: it is an"
            " estimate, an earlier version recorded it, or the driver does not tell; name a run that this version has recorded",
        )
    working = [gpu for gpu in run.gpus if _share(gpu.busy) >= IDLE]
    if not working:
        raise NotModelledError(
            Reason.NO_WORK,
            f"--gpu-utilization {busy:g}: the GPUs of run {run.run_id[:8]} were idle (busy for less than {100 * IDLE:g} % of the time), so"
            " they have no work that could take less time; name a run that used its GPUs",
        )
    was = _share([piece for gpu in working for piece in gpu.busy])
    busiest = max(working, key=lambda gpu: _share(gpu.busy))
    most = was / _share(busiest.busy)
    if busy <= was:
        raise NotModelledError(
            Reason.NOT_BUSIER,
            f"--gpu-utilization {busy:g}: the GPUs of run {run.run_id[:8]} were busy for {was:.2f} of the time; give more",
        )
    if busy > most * (1.0 + ROUNDING):
        raise NotModelledError(
            Reason.UNEVEN,
            f"--gpu-utilization {busy:g}: the GPUs of run {run.run_id[:8]} that computed were busy for {was:.2f} of the time on average,"
            f" and {busiest.name} for {_share(busiest.busy):.2f}: the others wait for it; give {math.floor(100 * most) / 100:g} at most,"
            " or name a run that shares the work evenly",
        )
    time = Estimate(was / busy, was / busy, was / busy)
    energy = whole([(run.rest_j, with_time(time)), *((gpu.energy_j, _energy(gpu, run.seconds * (1.0 - time.central))) for gpu in run.gpus)])
    return Effect(energy, time, time, (Evidence(ChangeKind.GPU_UTILISATION, Source.ACTIVITY),))


def _share(pieces: Sequence[Piece]) -> float:
    """The mean busy share, 0 to 1."""
    return sum((piece.busy or 0.0) * piece.seconds for piece in pieces) / sum(piece.seconds for piece in pieces)


def _energy(gpu: Gpu, saved_s: float) -> Estimate:
    """The energy of a GPU as a multiple, if it is idle for so much less time. It cannot have been idle for more energy than it took."""
    saved_j = [min(watts * saved_s, gpu.energy_j) for watts in idle_w(gpu.busy)]
    central, low, high = (1.0 - joules / gpu.energy_j if gpu.energy_j else 1.0 for joules in saved_j)
    return Estimate(central, high, low)


def idle_w(pieces: Sequence[Piece]) -> Estimate:
    """The power of a GPU that is idle: what it drew while it was; without such a time, where the line of its power over its busy share
    begins, between nothing and the least that it drew. If its busy share hardly varied, the central value is the middle of these."""
    idle = [piece for piece in pieces if (piece.busy or 0.0) < IDLE]
    if idle:
        return Estimate.exact(sum(p.energy_j for p in idle) / sum(p.seconds for p in idle))
    seconds = sum(p.seconds for p in pieces)
    busy = sum((p.busy or 0.0) * p.seconds for p in pieces) / seconds
    watts = sum(p.energy_j for p in pieces) / seconds
    least_w = min(p.energy_j / p.seconds for p in pieces)
    variance = sum(p.seconds * ((p.busy or 0.0) - busy) ** 2 for p in pieces) / seconds
    if variance < SPREAD**2:
        return Estimate(least_w / 2.0, 0.0, least_w)
    slope = sum(p.seconds * ((p.busy or 0.0) - busy) * (p.energy_j / p.seconds - watts) for p in pieces) / seconds / variance
    return Estimate(min(max(watts - slope * busy, 0.0), least_w), 0.0, least_w)
