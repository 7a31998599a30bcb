"""What the energy of several runs has bought: the values of a metric over the energy that was used by then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...core.metric import Better, MetricPoint, better, telling
from ..over_time.used import Curves, offset_of, used_share

if TYPE_CHECKING:
    from ...core.contract import EntryJson, ShowJson
    from ...storage.read.records import StoredRun
    from ...storage.read.store import Store

MOST_RUNS = 40
"""More runs have no room in one chart."""
MOST_POINTS = 200
"""Of a run, about so many values are drawn."""


class Value(NamedTuple):
    """A value of a metric, and the joules that the run had used by then."""

    energy_j: float
    value: float


class Line(NamedTuple):
    """A run: its values in order, and the best of them, the first one of equal values. `on_front`: see the function."""

    view: EntryJson | ShowJson
    values: Sequence[Value]
    best: Value
    on_front: bool


class Sweep(NamedTuple):
    """The runs that have logged a metric. `left_out` counts those that have not."""

    metric: str
    better: Better
    lines: Sequence[Line]
    left_out: int


def sweep_of(store: Store, views: Sequence[EntryJson | ShowJson]) -> Sweep | None:
    """What several runs have reached with their energy. None if fewer than two of them, or more than MOST_RUNS, have logged a metric whose
    better values are known by its name. Raises StoreError."""
    ids = [view["run"]["id"] for view in views]
    logged = store.metric_points(ids)
    loaded = [stored for runs in store.load_all(ids, phases=False) for stored in runs]
    metric = _metric(loaded, logged)
    if metric is None:
        return None
    name, kind = metric
    found: list[tuple[EntryJson | ShowJson, list[Value]]] = []
    for view, stored in zip(views, loaded, strict=True):
        mine = {s.id for s in stored.segments}
        points = {segment_id: of for (segment_id, logged_as), of in logged.items() if logged_as == name and segment_id in mine}
        values = _values(stored, view, points, store.points(stored.run.id)) if points else []
        if values:
            found.append((view, values))
    if not 2 <= len(found) <= MOST_RUNS:
        return None
    bests = [_best(values, kind) for _, values in found]
    front = on_front([values for _, values in found], kind)
    lines = [Line(view, values, best, on) for (view, values), best, on in zip(found, bests, front, strict=True)]
    return Sweep(name, kind, lines, len(views) - len(found))


def best_first(sweep: Sweep) -> list[Line]:
    """The runs by their best values, the best one first; of equal ones first that with the least energy until then."""
    sign = 1.0 if sweep.better is Better.HIGHER else -1.0
    return sorted(sweep.lines, key=lambda line: (-sign * line.best.value, line.best.energy_j))


def on_front(lines: Sequence[Sequence[Value]], kind: Better) -> list[bool]:
    """Whether a run got farther than all others at some energy: whether one of its values is better than all that took as little."""
    sign = 1.0 if kind is Better.HIGHER else -1.0
    values = sorted((of.energy_j, -sign * of.value, number) for number, line in enumerate(lines) for of in line)
    found: set[int] = set()
    newest: tuple[float, float] | None = None
    for energy_j, worse, number in values:
        if newest is None or worse < newest[1] or (energy_j, worse) == newest:
            newest = energy_j, worse
            found.add(number)
    return [number in found for number in range(len(lines))]


def _metric(loaded: Sequence[StoredRun], logged: Mapping[tuple[str, str], Sequence[MetricPoint]]) -> tuple[str, Better] | None:
    """The metric that most runs have logged, of those that tell how good a model is and of which it is known which values are better."""
    owners = {s.id: stored.run.id for stored in loaded for s in stored.segments}
    runs: dict[str, set[str]] = defaultdict(set)
    for segment_id, logged_as in logged:
        if segment_id in owners:
            runs[logged_as].add(owners[segment_id])
    counts = Counter({name: len(runs[name]) for name in telling(list(runs)) if better(name) is not None})
    most = max(sorted(counts), key=lambda name: (counts[name], better(name) is Better.HIGHER), default=None)
    kind = None if most is None else better(most)
    return None if most is None or kind is None else (most, kind)


def _values(stored: StoredRun, view: EntryJson | ShowJson, points: Mapping[str, Sequence[MetricPoint]], curves: Curves) -> list[Value]:
    total_j = view["energy"]["total_j"]
    times = sorted(
        (offset_ns + point.t_ns, point.value)
        for segment_id, of in points.items()
        if (offset_ns := offset_of(stored, segment_id)) is not None
        for point in of
    )
    every = max(1, len(times) // MOST_POINTS)
    found: list[Value] = []
    for utc_ns, value in [*times[::every], *times[-1:]]:
        share = used_share(stored, curves, utc_ns)
        if share is not None and total_j:
            found.append(Value(share * total_j, value))
    return found


def _best(values: Sequence[Value], kind: Better) -> Value:
    sign = 1.0 if kind is Better.HIGHER else -1.0
    return max(values, key=lambda of: (sign * of.value, -of.energy_j))
