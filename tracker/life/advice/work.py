"""PURE: runs that were lost, and parts of runs that were: checks that take much, and the work after the best value of a metric."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...analysis.over_time.used import offset_of, used_share
from ...carbon.accounting import Estimate
from ...core.metric import Better, Metric
from ...core.run import Status
from ...core.units import NS_PER_S
from ..figures import figures_of
from .loss import BestMetric, Case, Found, Kind, Looked, error_of

if TYPE_CHECKING:
    from ...core.contract import FootprintJson

MOST_CHECKS = 0.25
"""Validation and checkpoints may take this share of the energy of a run."""
PATIENCE = 1
"""So many values after the best one are usual: only they show that it was the best."""
_CHECKS = re.compile(r"^(val|eval|test|check|save)", re.IGNORECASE)
_LOST = (Status.FAILED, Status.INTERRUPTED)


def of_checks(run: Looked, _: FootprintJson) -> Iterator[Found]:
    """Validation and saving, where they take more than usual. A run that does nothing else, such as a test, is no training."""
    known = [p for p in run.view["phases"] if p["energy_j"] is not None]
    phases = [p for p in known if _CHECKS.match(p["name"])]
    if len(phases) == len(known):
        return
    total_j = run.view["energy"]["total_j"] or 0.0
    central = sum(p["energy_j"] or 0.0 for p in phases)
    if total_j and central > MOST_CHECKS * total_j:
        low, high = sum(p["low_j"] or 0.0 for p in phases), sum(p["high_j"] or 0.0 for p in phases)
        names, seconds = tuple(p["name"] for p in phases), sum(p["duration_s"] for p in phases)
        yield Found(Kind.CHECKS, (run.id,), Estimate(central, low, high), seconds, run.lasted_s, error_of(run.view["energy"]), names=names)


def lost_runs(case: Case) -> Iterator[Found]:
    """Runs that failed or were interrupted, all together."""
    lost = [f for f in case.footprints if f["run"]["status"] in _LOST]
    if any(f["energy"]["total_j"] is not None for f in lost):
        seconds, of_seconds = (3600 * figures_of(some).hours for some in (lost, case.footprints))
        ids = tuple(f["run"]["id"] for f in lost)
        energy = figures_of(lost).energy
        yield Found(Kind.LOST_RUNS, ids, energy, seconds, of_seconds, (energy.high - energy.low) / 2, names=ids)


class _Best(NamedTuple):
    """When a metric had its best value, when it had the next one, and how many came after the best."""

    utc_ns: int
    next_utc_ns: int | None
    of: BestMetric


def after_best(run: Looked, _: FootprintJson) -> Iterator[Found]:
    """What a run has used after its metrics had their best values, if more values than PATIENCE came after. Of several metrics, the one
    with the latest best value decides: until then, something got better. At least what came after that many values could have been
    saved."""
    found = [best for name, kind in run.directions.items() if (best := _best(run, name, kind)) is not None]
    last = max(found, key=lambda best: best.utc_ns, default=None)
    if last is None or last.next_utc_ns is None or last.of.values_after <= PATIENCE or run.view["run"]["status"] in _LOST:
        return
    energy = run.view["energy"]
    used, seen = _after(run, last.utc_ns), _after(run, last.next_utc_ns)
    if used is None or seen is None or energy["total_j"] is None or energy["low_j"] is None or energy["high_j"] is None:
        return
    joules = Estimate(used * energy["total_j"], seen * energy["low_j"], used * energy["high_j"])
    begun_ns = run.stored.run.started_utc_ns
    seconds = max(0.0, run.lasted_s - (last.utc_ns - begun_ns) / NS_PER_S)
    yield Found(Kind.AFTER_BEST, (run.id,), joules, seconds, run.lasted_s, error_of(energy), metric=last.of)


def _best(run: Looked, name: str, kind: Better) -> _Best | None:
    """The best value of a metric over all processes that have logged it. Of another process, such as one that resumed the run, all values
    came after it if the process began after it."""
    logs = [(segment_id, metric) for (segment_id, logged), metric in run.metrics.items() if logged == name]
    begun = {s.id: _utc_ns(run, s.id, s.start_t_ns) for s in run.stored.segments}
    logs = [(segment_id, metric) for segment_id, metric in logs if segment_id in begun]
    if not logs:
        return None
    sign = 1.0 if kind is Better.LOWER else -1.0
    segment_id, metric = min(logs, key=lambda log: (sign * _extreme(log[1], kind)[0], _utc_ns(run, log[0], _extreme(log[1], kind)[2])))
    value, number, t_ns, next_t_ns = _extreme(metric, kind)
    at_ns = _utc_ns(run, segment_id, t_ns)
    later = [log for log in logs if begun[log[0]] > at_ns]
    nexts = [] if next_t_ns is None else [_utc_ns(run, segment_id, next_t_ns)]
    nexts += [_utc_ns(run, id_, min(of.lowest_t_ns, of.highest_t_ns, of.last_t_ns)) for id_, of in later]
    after = metric.values_logged - number + sum(of.values_logged for _, of in later)
    return _Best(at_ns, min(nexts, default=None), BestMetric(name, kind, value, after))


def _extreme(metric: Metric, kind: Better) -> tuple[float, int, int, int | None]:
    """The best value of a metric in a process: the value, its place, its instant, and that of the next value."""
    if kind is Better.LOWER:
        return metric.lowest, metric.lowest_number, metric.lowest_t_ns, metric.lowest_next_t_ns
    return metric.highest, metric.highest_number, metric.highest_t_ns, metric.highest_next_t_ns


def _utc_ns(run: Looked, segment_id: str, t_ns: int) -> int:
    """An instant of the clock of a process of the run."""
    return t_ns + (offset_of(run.stored, segment_id) or 0)


def _after(run: Looked, utc_ns: int) -> float | None:
    """The share of the energy of a run that it has used after an instant; None if it has no energy."""
    share = used_share(run.stored, run.curves, utc_ns)
    return None if share is None else 1.0 - share
