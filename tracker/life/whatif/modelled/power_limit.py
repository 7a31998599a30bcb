"""PURE: a run with a lower power limit on its GPUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ....carbon.accounting import Estimate
from ....carbon.tables.hardware import HardwareTable
from ....carbon.tables.power_caps import UNCHANGED, PowerCap, between, lowest_share, published
from ..change import ChangeKind
from .compared import Compared, likely, mean
from .effect import Effect, Evidence, NotModelledError, Reason, Source, whole, with_time
from .facts import Facts, Gpu

SAME_LIMIT = 0.005
"""Limits that differ by at most this share are one."""
KIND = ChangeKind.POWER_CAP


def limited(run: Facts, cap_w: float, others: Sequence[Compared], rows: HardwareTable) -> Effect:
    """The run with `cap_w` as the limit of each of its GPUs. `others` are runs that did the same work: the result lies between those whose
    limits are next to it, of which this run may be one. Otherwise it follows published figures. Raises NotModelledError."""
    if not run.gpus:
        raise NotModelledError(Reason.NO_GPU, f"run {run.run_id[:8]}: it has no GPU, so a power limit of GPUs changes nothing")
    return _by_own_runs(run, cap_w, others) or _as_published(run, cap_w, rows)


# ---- the user's own runs


class _At(NamedTuple):
    """What was measured at a limit."""

    limit_w: float
    energy: Estimate
    time: Estimate
    evidence: tuple[Compared, ...] = ()


def _by_own_runs(run: Facts, cap_w: float, others: Sequence[Compared]) -> Effect | None:
    """Linear between the two limits next to `cap_w`; None if it does not lie between limits that were measured."""
    own_w = limit_of(run)
    if own_w is None:
        return None
    at: dict[float, list[Compared]] = defaultdict(list)
    for of in likely(run, [of for of in others if of.other.models == run.models and not _same(limit_of(of.other) or own_w, own_w)]):
        limit_w = limit_of(of.other) or own_w
        at[next((known for known in at if _same(known, limit_w)), limit_w)].append(of)
    points = sorted([_At(own_w, UNCHANGED, UNCHANGED), *(_At(limit_w, *mean(found), tuple(found)) for limit_w, found in at.items())])
    hit = [point for point in points if _same(point.limit_w, cap_w)]
    for a, b in [(point, point) for point in hit] or pairwise(points):
        if a is b or a.limit_w <= cap_w <= b.limit_w:
            way = 0.0 if a is b else (cap_w - a.limit_w) / (b.limit_w - a.limit_w)
            evidence = a.evidence if a is b else a.evidence + b.evidence
            if not evidence:
                return None  # the run's own limit
            time = between(a.time, b.time, way)
            said = Evidence(KIND, Source.OWN_RUNS, tuple(of.other.run_id for of in evidence), evidence[0].unit)
            return Effect(between(a.energy, b.energy, way), time, time, (said,))
    return None


def limit_of(run: Facts) -> float | None:
    """The power limit of the GPUs; None if it was not recorded, or differs among them."""
    limits = [gpu.limit_w for gpu in run.gpus if gpu.limit_w]
    return limits[0] if limits and len(limits) == len(run.gpus) and all(_same(limit, limits[0]) for limit in limits) else None


def _same(a_w: float, b_w: float) -> bool:
    return abs(a_w - b_w) <= SAME_LIMIT * max(a_w, b_w)


# ---- published figures


def _as_published(run: Facts, cap_w: float, rows: HardwareTable) -> Effect:
    caps = [_cap(run, gpu, cap_w, rows) for gpu in run.gpus]
    lowered = [(gpu, cap) for gpu, cap in zip(run.gpus, caps, strict=True) if cap is not None]
    if not lowered:
        limits = sorted({_limit_w(run, gpu, rows) for gpu in run.gpus})
        said = " to ".join(f"{limit:g}" for limit in dict.fromkeys((limits[0], limits[-1])))
        raise NotModelledError(
            Reason.NOT_LOWER, f"--power-cap {cap_w:g}: the limit of the GPUs of run {run.run_id[:8]} was {said} W; give a lower one"
        )
    times = [_time(gpu, cap, cap_w) for gpu, cap in lowered]
    time = Estimate(*(max(of[bound] for of in times) for bound in range(3)))  # the GPUs of a job wait for the slowest one
    rest = run.rest_j + sum(gpu.energy_j for gpu, cap in zip(run.gpus, caps, strict=True) if cap is None)
    energy = whole([(rest, with_time(time)), *((gpu.energy_j, _energy(gpu, cap, cap_w)) for gpu, cap in lowered)])
    return Effect(energy, time, time, (Evidence(KIND, Source.PUBLISHED, published=lowered[0][1].source),))


def _cap(run: Facts, gpu: Gpu, cap_w: float, rows: HardwareTable) -> PowerCap | None:
    """What is published of this limit; None if the GPU had no higher one. Raises NotModelledError."""
    limit_w = _limit_w(run, gpu, rows)
    if cap_w >= limit_w or _same(cap_w, limit_w):
        return None
    found = published(cap_w / limit_w)
    if found is None:
        raise NotModelledError(
            Reason.NOT_PUBLISHED,
            f"--power-cap {cap_w:g}: that is {100 * cap_w / limit_w:.0f} % of the limit of {gpu.name} of run {run.run_id[:8]}"
            f" ({limit_w:g} W), and published figures end at {100 * lowest_share():.0f} %; give {lowest_share() * limit_w:g} W or more, or"
            " measure a run of the same work at such a limit: it is then used",
        )
    return found


def _limit_w(run: Facts, gpu: Gpu, rows: HardwareTable) -> float:
    """The recorded limit; else the rated power of the model. Raises NotModelledError."""
    if gpu.limit_w:
        return gpu.limit_w
    row = rows.match("gpu", gpu.model or gpu.name)
    if row is None or row.tdp_w is None or row.scope != "model":
        raise NotModelledError(
            Reason.NO_LIMIT,
            f"--power-cap: the power limit of {gpu.name} ({gpu.model or 'unknown model'}) of run {run.run_id[:8]} was not recorded, and its"
            " rated power is not known; give it in a table of your own (--hardware, column tdp_w)",
        )
    return row.tdp_w


def _energy(gpu: Gpu, cap: PowerCap, cap_w: float) -> Estimate:
    """As published for the energy drawn above the limit; the lowest value is that of all its energy, because the power between two stored
    points is a mean, and may have been above the limit at times."""
    affected = _above(gpu, cap_w)[0]
    return Estimate(1.0 - affected * (1.0 - cap.energy.central), cap.energy.low, 1.0 - affected * (1.0 - cap.energy.high))


def _time(gpu: Gpu, cap: PowerCap, cap_w: float) -> Estimate:
    affected = _above(gpu, cap_w)[1]
    return Estimate(1.0 + affected * (cap.time.central - 1.0), 1.0 + affected * (cap.time.low - 1.0), cap.time.high)


def _above(gpu: Gpu, cap_w: float) -> tuple[float, float]:
    """The shares of the energy and of the time of a GPU in which it drew more than the limit. All, if its power over time is not known."""
    energy_j, seconds = sum(p.energy_j for p in gpu.drawn), sum(p.seconds for p in gpu.drawn)
    if energy_j <= 0.0:
        return 1.0, 1.0
    above = [p for p in gpu.drawn if p.energy_j > cap_w * p.seconds]
    return sum(p.energy_j for p in above) / energy_j, sum(p.seconds for p in above) / seconds
