"""A run that is read repeatedly while it is running: what `trainwatt watch` and the page of a running run show.

A look costs the queries of `show`, and the points of the curves that are new since the last look. The drawing of the whole run is made
again only when it would look different.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.clock import iso
from ...core.point import Point
from ...energy.mean_power import mean_w
from ..activity import busy_now
from ..footprint import view_of
from ..view import describe, run_duration_s
from .ahead import count_grams
from .outlines import Key, Outlines

if TYPE_CHECKING:
    from ...core.contract import CarbonJson, PhaseNowJson, ShowJson, WatchJson
    from ...storage.read.phases.records import OpenPhase
    from ...storage.read.records import DeviceRow, StoredRun
    from ...storage.read.store import Store
    from .figures import Drawing, Figures

WINDOW_S = 300
"""How far back the latest power is shown."""
NOW_S = 3.0
"""The power now is the mean over this time."""
SILENT_S = 10.0
"""The power of a device, or of a run, is unknown after it was silent for this time."""
DOUBTFUL_S = 5.0
"""A run that wrote nothing for this time may have vanished."""
ALMOST = 0.9
"""A share of a bin, because points come at intervals that are not quite equal."""
RATE_S = 30.0
NEWEST = 10
NS = 1e-9


@dataclass(frozen=True, slots=True)
class Look:
    """A run at one moment.

    `view` is what `show --json` prints, with `at`, `written_s` (how long ago it was written), `power_w` in `energy` and in each device
    (None if it is not known), `phases_now` (the innermost is last) and `rates` (units of work per second). `curves` are the last minutes
    of the devices of `view`, in their order.
    """

    view: WatchJson
    curves: Sequence[Sequence[Point]]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.view["run"]["status"] != "running"


class LiveRun:
    """One run, and what is kept of it between two looks. Only one thread at a time may use it."""

    def __init__(self, store: Store, run_id: str, judged: Callable[[], Store]) -> None:
        """`judged` returns the store to continue with, in which vanished runs are marked. It is called if the run has written nothing for
        long."""
        self._store = store
        self._run_id = run_id
        self._judged = judged
        self._doubted_s = time.monotonic()
        self._stored: StoredRun | None = None
        self._recent: dict[Key, deque[Point]] = {}
        self._outlines = Outlines()
        self._drawing: Drawing | None = None
        self._drawn_to_ns: Mapping[Key, int] = {}
        self._carbon: CarbonJson | None = None
        self._work: deque[tuple[float, Mapping[str, int]]] = deque()

    def look(self) -> Look:
        """The run now. Raises StoreError, and RunNotFoundError if it was deleted."""
        return self._look(self._load(), None)

    def figures(self) -> Figures:
        """The run now, as a report shows it.

        The drawing is the same object as before until the run has grown by one bin. The same holds for grams whose intensity is known by
        time, because all points are read to compute them. Raises StoreError, and RunNotFoundError if the run was deleted.
        """
        from .figures import Figures, drawing_of, unused_sources  # brings SQLAlchemy

        stored = self._load()
        ends_ns = {(d.segment_id, d.name): d.last.t_ns for d in stored.devices if d.last is not None}
        drawing, carbon = self._drawing, self._carbon
        if drawing is None or stored.ended or _grew(drawing, self._drawn_to_ns, ends_ns):
            drawing = carbon = None
        look = self._look(stored, carbon)
        self._outlines.grow(self._store, stored, self._recent)
        if drawing is None:
            drawing = drawing_of(self._store, stored, look.view, self._outlines.curves)
            self._drawing, self._drawn_to_ns = drawing, ends_ns
            self._carbon = look.view["carbon"] if drawing.steps else None
        return Figures(look.view, drawing, unused_sources(stored))

    def _load(self) -> StoredRun:
        stored = self._store.load(self._run_id, self._stored)
        if not stored.ended and _ago_s(stored.run.last_seen_utc_ns) > DOUBTFUL_S and time.monotonic() - self._doubted_s > DOUBTFUL_S:
            self._store, self._doubted_s = self._judged(), time.monotonic()
            stored = self._store.load(self._run_id, stored)
        self._stored = stored
        return stored

    def _look(self, stored: StoredRun, carbon: CarbonJson | None) -> Look:
        """A look at the run; `carbon` has its grams, if they need not be computed again."""
        if carbon is None:
            view = view_of(self._store, stored)
        else:
            view = describe(stored)
            count_grams(view, carbon)
        newest = {(d.host, d.name, d.uuid): d for d in stored.devices if d.last is not None}  # of its last segment
        rows = [newest[d["host"], d["device"], d["uuid"]] for d in view["energy"]["devices"]]
        curves = [self._curve(row) for row in rows]
        self._recent = {(row.segment_id, row.name): curve for row, curve in zip(rows, curves, strict=True)}
        ends = {
            row.segment_id: max(c[-1].t_ns for r, c in zip(rows, curves, strict=True) if r.segment_id == row.segment_id) for row in rows
        }
        known = not stored.ended and _ago_s(stored.run.last_seen_utc_ns) <= SILENT_S
        for device, row, curve in zip(view["energy"]["devices"], rows, curves, strict=True):
            device["power_w"] = _power_now_w(curve, ends[row.segment_id]) if known else None
        busy = busy_now(stored, self._store.activity(self._run_id, newest=2)) if known and stored.activity else {}
        for device in view["energy"]["devices"]:
            device["busy_now_fraction"] = busy.get((device["host"], device["device"]))
        for processors in view["processors"]:
            processors["busy_now_fraction"] = busy.get((processors["host"], processors["of"]))
        within = [d for d in view["energy"]["devices"] if d["included_in_total"]]
        powers = [d["power_w"] for d in within if d["power_w"] is not None]
        view["energy"]["power_w"] = sum(powers) if within and len(powers) == len(within) else None
        watched: WatchJson = {
            **view,
            "at": iso(time.time_ns()),
            "written_s": _ago_s(stored.run.last_seen_utc_ns),
            "phases_now": [] if stored.ended else self._phases(stored, view),
            "rates": self._rates(stored, view["work"]),
        }
        return Look(watched, [list(curve) for curve in curves])

    def _curve(self, row: DeviceRow) -> deque[Point]:
        assert row.last is not None
        since_ns = row.last.t_ns - WINDOW_S * 10**9
        curve = self._recent.get((row.segment_id, row.name), deque([row.last]) if row.first == row.last else deque())
        after_ns = curve[-1].t_ns if curve else since_ns
        curve.extend(self._store.points_after(row.segment_id, row.name, after_ns))
        while curve[0].t_ns < since_ns:
            curve.popleft()
        return curve

    def _phases(self, stored: StoredRun, view: ShowJson) -> list[PhaseNowJson]:
        counts = {p["name"]: p["count"] for p in view["phases"]}
        found = self._store.open_phases(self._run_id, NEWEST)
        by_name: dict[str, list[OpenPhase]] = defaultdict(list)
        for p in found:
            by_name[p.name].append(p)
        first = [p for p in found if p.segment_id == by_name[p.name][0].segment_id]
        return [_now(p, by_name[p.name], counts.get(p.name, 1), _elapsed_s(p, stored)) for p in first]

    def _rates(self, stored: StoredRun, work: Mapping[str, int]) -> dict[str, float]:
        """Units per second over the last half minute of looks; before that, over the whole run. The time is that of the run's readings."""
        now_s = run_duration_s(stored.run)
        if not self._work or self._work[-1][0] < now_s:
            self._work.append((now_s, dict(work)))
        while len(self._work) > 2 and self._work[1][0] < now_s - RATE_S:
            self._work.popleft()
        then_s, before = self._work[0]
        if stored.ended or now_s - then_s < NOW_S:
            then_s, before = 0.0, {}
        seconds = now_s - then_s
        return {unit: (amount - before.get(unit, 0)) / seconds for unit, amount in work.items()} if seconds > 0 else {}


class Watcher:
    """One run in a database of its own."""

    def __init__(self, open_store: Callable[[], Store], run_id: str) -> None:
        """`open_store` opens the database with vanished runs marked as such."""
        self._open = open_store
        self._store = open_store()
        self._run = LiveRun(self._store, run_id, self._reopened)

    def look(self) -> Look:
        """The run now. Raises StoreError, and RunNotFoundError if it was deleted."""
        return self._run.look()

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _reopened(self) -> Store:
        self._store.close()
        self._store = self._open()
        return self._store


def _elapsed_s(p: OpenPhase, stored: StoredRun) -> float:
    """How long a phase has been under way: up to the newest reading of its process on the monotonic clock, and on from there."""
    readings = [d.last.t_ns for d in stored.devices if d.segment_id == p.segment_id and d.last is not None]
    readings += [anchor.monotonic_ns for anchor in stored.anchors.get(p.segment_id, ())[-1:]]
    if not readings:
        return _ago_s(p.start_utc_ns)
    return max(0, max(readings) - p.start_t_ns) * NS + min(SILENT_S, _ago_s(stored.run.last_seen_utc_ns))


def _now(p: OpenPhase, of_name: Sequence[OpenPhase], count: int, elapsed_s: float) -> PhaseNowJson:
    """A phase under way. Other processes that are in a phase of the same name share it: an instance has stored what it adds to theirs."""
    others = [o for o in of_name if o.segment_id != p.segment_id]
    newest = max(len(o.newest_j) for o in (p, *others))
    joules = sum(sum(o.newest_j) for o in (p, *others))
    return {
        "name": p.name,
        "step": p.step,
        "count": count,
        "elapsed_s": elapsed_s,
        "newest_count": newest,
        "newest_mean_j": joules / newest if newest else None,
    }


def _power_now_w(curve: Sequence[Point], end_ns: int) -> float | None:
    """The mean power of a curve's last seconds; None if it ends well before `end_ns`, or has no two points there."""
    last_ns = curve[-1].t_ns
    return None if (end_ns - last_ns) * NS > SILENT_S else mean_w(curve, last_ns - round(NOW_S / NS), last_ns)


def _grew(drawing: Drawing, before_ns: Mapping[Key, int], now_ns: Mapping[Key, int]) -> bool:
    """Whether the drawn curves, which ended at `before_ns`, have grown by about one bin, or new ones have begun."""
    if not drawing.cuts or before_ns.keys() != now_ns.keys():
        return True
    bin_ns = (drawing.cuts[1] - drawing.cuts[0]) / NS
    return any(now_ns[key] - before_ns[key] >= ALMOST * bin_ns for key in now_ns)


def _ago_s(utc_ns: int) -> float:
    return max(0, time.time_ns() - utc_ns) * NS
