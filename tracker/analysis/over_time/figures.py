"""What a report shows of a run: its figures, and the run over time, with all processes on one axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...carbon.grid import live
from ...carbon.grid.ranged import ranged
from ...carbon.series import Series
from ...carbon.terms import Terms
from ...storage.read.several.lasting import last_t_ns
from ..footprint import DEFAULT, asked_of_a_grid, views_of
from ..view import ORDER, natural
from ..work.instances import instances_part
from . import timeline as series
from .busy import Lane, lanes
from .outlines import PIECES, Key
from .timeline import Clock, Layer, Span, Step

if TYPE_CHECKING:
    from ...core.contract import InstancesPartJson, ShowJson
    from ...core.point import Point
    from ...storage.read.records import FindingRow, SegmentRow, StoredRun
    from ...storage.read.store import Store

MOST_LAYERS = 12
NS = 1e-9


@dataclass(frozen=True, slots=True)
class Drawing:
    """A run over time, on one axis for all its processes.

    `cuts` are the ends of the bins of `layers`, in seconds since the run's start, and `phase_of` is the phase of each bin; all three are
    empty if there is no curve. `steps` are the grid's intensities by time; they are empty if one figure holds for the whole run.
    `busy` says how busy the devices were in the bins. `folded` counts the instances of phases that have no times. `beside` are devices with
    a curve that are not in the total.
    """

    cuts: list[float]
    layers: list[Layer]
    bands: list[Span]
    phase_of: list[str | None]
    folded: int
    steps: list[Step]
    beside: list[str]
    busy: list[Lane]


@dataclass(frozen=True, slots=True)
class Figures:
    """A run as it is shown: `view` is what `show --json` prints, and `drawing` is the run over time. `findings` are the sources of readings
    that could not be used. `instances` are those of its phases, one by one; None if they are not shown."""

    view: ShowJson
    drawing: Drawing
    findings: list[FindingRow]
    instances: InstancesPartJson | None = None


def figures(store: Store, run_id: str, terms: Terms = DEFAULT, per: str | None = None) -> Figures:
    """Read a run and compute its grams on `terms`. `run_id` is a full id; `per` the unit of work that the user asks for.

    Raises StoreError, RunNotFoundError, and ConfigurationError for terms that allow no grams.
    """
    return next(figures_of(store, [run_id], terms, per))


def with_instances(store: Store, found: Figures) -> Figures:
    """The figures with the instances of the phases: they are many, so only a run that is shown alone has them."""
    run_id = found.view["run"]["id"]
    part = instances_part(store.load(run_id), found.view, store.instances([run_id])[run_id], store.metric_points([run_id]))
    return replace(found, instances=part)


def figures_of(store: Store, run_ids: Iterable[str], terms: Terms = DEFAULT, per: str | None = None) -> Iterator[Figures]:
    """The same of several runs, in order."""
    for stored, view in views_of(store, run_ids, terms, per):
        yield Figures(view, drawing_of(store, stored, view, store.outline(stored, PIECES), terms), unused_sources(stored))


def unused_sources(stored: StoredRun) -> list[FindingRow]:
    """The sources of readings that could not be used."""
    return [finding for finding in stored.findings if finding.availability != "ok"]


def drawing_of(store: Store, stored: StoredRun, view: ShowJson, outlines: Mapping[Key, Sequence[Point]], terms: Terms = DEFAULT) -> Drawing:
    """A run over time. `outlines` are its curves in few points. Raises StoreError."""
    clocks = {s.id: _clock(stored, s) for s in stored.segments}
    curves = {key: [(clocks[key[0]].seconds(p.t_ns), p.energy_j) for p in points] for key, points in outlines.items()}
    curves = {key: curve for key, curve in curves.items() if len(curve) > 1}
    cuts = _cuts(stored, curves)
    times = [t for t in store.phase_times(stored.run.id) if t.segment_id in clocks]  # not of a process that joined since
    by_segment: dict[str, list[Span]] = defaultdict(list)
    for t in times:
        clock = clocks[t.segment_id]
        end_s = clock.seconds(t.end_t_ns) if t.end_t_ns is not None else max(clock.end_s, clock.seconds(t.start_t_ns))
        by_segment[t.segment_id].append(Span(t.name, clock.seconds(t.start_t_ns), end_s))
    spans = [span for of in by_segment.values() for span in series.innermost(of)]
    measuring = [clocks[segment_id] for segment_id in dict.fromkeys(segment_id for segment_id, _ in curves)]
    return Drawing(
        cuts=cuts,
        layers=_layers(stored, curves, cuts) if cuts else [],
        bands=series.bands(spans, cuts[0], cuts[-1]) if cuts else [],
        phase_of=series.phase_of(spans, cuts) if cuts else [],
        folded=sum(p.instances for p in stored.phases) - len(times),
        steps=series.intensity(measuring, stored.run.started_utc_ns, _chain(store, stored, terms))
        if cuts and view["carbon"] is not None
        else [],
        beside=sorted({d.name for d in stored.devices if not d.included_in_total and (d.segment_id, d.name) in curves}),
        busy=lanes(store.activity(stored.run.id), clocks, cuts) if cuts and stored.activity else [],
    )


def _clock(stored: StoredRun, segment: SegmentRow) -> Clock:
    """The place of a process on the run's axis.

    Its start is placed by its host's wall clock, but never before the start of the run. Its end is placed by its monotonic clock.
    """
    start_s = max(0, segment.started_utc_ns - stored.run.started_utc_ns) * NS
    anchors = stored.anchors.get(segment.id, ())
    readings = (d.last.t_ns for d in stored.devices if d.segment_id == segment.id and d.last is not None)
    last_ns = last_t_ns(segment.start_t_ns, segment.end_t_ns, readings, anchors[-1] if anchors else None, segment.last_seen_utc_ns)
    return Clock(start_s, start_s + max(0, last_ns - segment.start_t_ns) * NS, segment.start_t_ns, anchors)


def _cuts(stored: StoredRun, curves: Mapping[Key, series.Curve]) -> list[float]:
    """The ends of the bins of the run's time; there are as many bins as the longest curve has pieces. Empty if there is no curve."""
    if not curves:
        return []
    start_s = min(0.0, *(curve[0][0] for curve in curves.values()))
    # A run that has not ended ends where its curves end: the wall clock may have been set meanwhile.
    end_s = max(stored.run.duration_s or 0.0, *(curve[-1][0] for curve in curves.values()))
    return series.edges(start_s, end_s, min(PIECES, max(len(curve) for curve in curves.values()) - 1))


def _layers(stored: StoredRun, curves: Mapping[Key, series.Curve], cuts: list[float]) -> list[Layer]:
    """The devices of the total, in the order of the JSON. If there are too many, all devices of a kind on a host are one layer."""
    several = len({s.host for s in stored.segments}) > 1
    of_device: dict[tuple[str, str, str], list[series.Curve]] = defaultdict(list)
    modelled: dict[tuple[str, str, str], bool] = defaultdict(bool)
    for d in stored.devices:
        if d.included_in_total and d.last is not None and (d.segment_id, d.name) in curves:
            key = d.host, d.kind, d.name
            of_device[key].append(curves[d.segment_id, d.name])
            modelled[key] |= d.last.modelled_j > 0
    found: dict[tuple[str, str], list[Layer]] = defaultdict(list)
    for host, kind, name in sorted(of_device, key=lambda k: (k[0], ORDER[k[1]], natural(k[2]))):
        label = f"{name} on {host}" if several else name
        key = host, kind, name
        found[host, kind].append(Layer(label, kind, modelled[key], series.watts(of_device[key], cuts)))
    every = [layer for layers in found.values() for layer in layers]
    return every if len(every) <= MOST_LAYERS else series.grouped(found)


def _chain(store: Store, stored: StoredRun, terms: Terms) -> list[Series]:
    """The intensities by time that the footprint is computed with."""
    zone, start_utc_ns, end_utc_ns = asked_of_a_grid(stored, terms)
    found, wanted = list(terms.series), terms.over(stored.run.zone, stored.run.settings).wanted_basis
    if not found and zone is not None and end_utc_ns > start_utc_ns:
        found = live.cached(store, zone, start_utc_ns, end_utc_ns, wanted)
    return [ranged(each, wanted) for each in found]
