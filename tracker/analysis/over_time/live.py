"""A run that is read again and again while it goes on: what `trainwatt watch` shows.

A look costs the queries of `show` and those points of the curves that are new since the last look.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.point import Point
from ...energy.mean_power import mean_w
from ..footprint import view_of
from ..view import iso

if TYPE_CHECKING:
    from ...core.contract import PhaseNowJson, ShowJson
    from ...storage.read.records import DeviceRow, StoredRun
    from ...storage.read.store import Store

View = Mapping[str, Any]
Key = tuple[str, str]

WINDOW_S = 300
"""How far back power is drawn."""
NOW_S = 3.0
"""What is drawn now is the mean of so long."""
SILENT_S = 10.0
"""A device, or a run, of which nothing came for so long draws an unknown power."""
DOUBTFUL_S = 5.0
"""A run that wrote nothing for so long may have vanished."""
RATE_S = 30.0
NEWEST = 10
NS = 1e-9


@dataclass(frozen=True, slots=True)
class Look:
    """A run at one moment.

    `view` is what `show --json` prints, with `at`, `written_s` (how long ago it was written), `power_w` in `energy` and in each device
    (None where it is not known), `phases_now` (innermost last) and `rates` (units of work a second). `curves` are the last minutes of
    the devices of `view`, in their order.
    """

    view: View
    curves: Sequence[Sequence[Point]]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.view["run"]["status"] != "running")


class Watcher:
    """Reads one run. `open_store` opens its database with vanished runs marked as such."""

    def __init__(self, open_store: Callable[[], Store], run_id: str) -> None:
        self._open = open_store
        self._store = open_store()
        self._run_id = run_id
        self._doubted_s = time.monotonic()
        self._curves: dict[Key, deque[Point]] = {}
        self._work: deque[tuple[int, Mapping[str, int]]] = deque()

    def look(self) -> Look:
        """The run now. Raises StoreError, and RunNotFoundError where it was deleted."""
        stored = self._store.load(self._run_id)
        silent_s = _ago_s(stored.run.last_seen_utc_ns)
        if not stored.ended and silent_s > DOUBTFUL_S and time.monotonic() - self._doubted_s > DOUBTFUL_S:
            self._store.close()
            self._store, self._doubted_s = self._open(), time.monotonic()
            stored = self._store.load(self._run_id)
        view = view_of(self._store, stored)
        newest = {(d.host, d.name, d.uuid): d for d in stored.devices if d.last is not None}  # of its last segment
        rows = [newest[d["host"], d["device"], d["uuid"]] for d in view["energy"]["devices"]]
        curves = [self._curve(row) for row in rows]
        self._curves = {(row.segment_id, row.name): curve for row, curve in zip(rows, curves, strict=True)}
        ends = {
            row.segment_id: max(c[-1].t_ns for r, c in zip(rows, curves, strict=True) if r.segment_id == row.segment_id) for row in rows
        }
        known = not stored.ended and _ago_s(stored.run.last_seen_utc_ns) <= SILENT_S
        for device, row, curve in zip(view["energy"]["devices"], rows, curves, strict=True):
            device["power_w"] = _power_now_w(curve, ends[row.segment_id]) if known else None
        within = [d for d in view["energy"]["devices"] if d["included_in_total"]]
        powers = [d["power_w"] for d in within if d["power_w"] is not None]
        view["energy"]["power_w"] = sum(powers) if within and len(powers) == len(within) else None
        view["at"] = iso(time.time_ns())
        view["written_s"] = _ago_s(stored.run.last_seen_utc_ns)
        view["phases_now"] = [] if stored.ended else self._phases(view)
        view["rates"] = self._rates(stored, view["work"])
        return Look(view, [list(curve) for curve in curves])

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def _curve(self, row: DeviceRow) -> deque[Point]:
        assert row.last is not None
        since_ns = row.last.t_ns - WINDOW_S * 10**9
        curve = self._curves.get((row.segment_id, row.name), deque([row.last]) if row.first == row.last else deque())
        after_ns = curve[-1].t_ns if curve else since_ns
        curve.extend(self._store.points_after(row.segment_id, row.name, after_ns))
        while curve[0].t_ns < since_ns:
            curve.popleft()
        return curve

    def _phases(self, view: ShowJson) -> list[PhaseNowJson]:
        counts = {p["name"]: p["count"] for p in view["phases"]}
        return [
            {
                "name": p.name,
                "step": p.step,
                "count": counts.get(p.name, 1),
                "elapsed_s": _ago_s(p.start_utc_ns),
                "newest_count": len(p.newest_j),
                "newest_mean_j": sum(p.newest_j) / len(p.newest_j) if p.newest_j else None,
            }
            for p in self._store.open_phases(self._run_id, NEWEST)
        ]

    def _rates(self, stored: StoredRun, work: Mapping[str, int]) -> dict[str, float]:
        """Units a second over the last half minute that was watched; over the run before there is that much."""
        now_ns = stored.run.last_seen_utc_ns
        if not self._work or self._work[-1][0] < now_ns:
            self._work.append((now_ns, dict(work)))
        while len(self._work) > 2 and self._work[1][0] < now_ns - RATE_S / NS:
            self._work.popleft()
        then_ns, before = self._work[0]
        if stored.ended or (now_ns - then_ns) * NS < NOW_S:
            then_ns, before = stored.run.started_utc_ns, {}
        seconds = (now_ns - then_ns) * NS
        return {unit: (amount - before.get(unit, 0)) / seconds for unit, amount in work.items()} if seconds > 0 else {}


def _power_now_w(curve: Sequence[Point], end_ns: int) -> float | None:
    """The mean power of a curve's last seconds; None where it ends well before `end_ns`, or has no two points there."""
    last_ns = curve[-1].t_ns
    return None if (end_ns - last_ns) * NS > SILENT_S else mean_w(curve, last_ns - round(NOW_S / NS), last_ns)


def _ago_s(utc_ns: int) -> float:
    return max(0, time.time_ns() - utc_ns) * NS
