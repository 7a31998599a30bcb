"""The runs that are training now, and what is kept of each between two looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...core.run import Status
from ...core.units import NS_PER_S
from ...energy.mean_power import mean_w, powers_w
from ...errors import RunNotFoundError
from ..over_time.live import LiveRun, Look
from ..selection import Filters, fitting

if TYPE_CHECKING:
    from ...core.contract import WatchJson
    from ...core.point import Point
    from ...storage.read.records import RunRow
    from ...storage.read.store import Store

MOST_SHOWN = 8
"""So many runs are looked at: those that began last."""
SILENT_S = 300.0
"""A run that wrote nothing for so long is not taken to train now. On a server, the news of a run are 20 s old."""
PIECES, PIECE_S = 50, 6
"""The power over the last minutes has so many pieces, each the mean of so many seconds."""
LATEST_S = 30.0
"""Where the power of this moment is not known, that of so many seconds before the newest reading is told."""


class Now(NamedTuple):
    """A run that trains: what `watch --json` prints of it, and the power of all its devices over the last minutes, in watts.

    `latest_w` is its mean power in the last seconds that are known; None if nothing is known.
    """

    view: WatchJson
    powers_w: Sequence[float | None]
    latest_w: float | None


class Training(NamedTuple):
    """What trains now: the runs that are shown, how many others there are, and how many say that they run and have been silent for long."""

    runs: Sequence[Now]
    others: int
    silent: int


class RunningNow:
    """Looks at the runs that train, as often as it is asked. Its method may be called from any thread; one at a time looks."""

    def __init__(self, store: Store, judged: Callable[[], Store]) -> None:
        """`judged` marks the runs that vanished in `store`, and returns it."""
        self._store = store
        self._judged = judged
        self._lock = threading.Lock()
        self._runs: dict[str, LiveRun] = {}

    def look(self) -> Training:
        """Raises StoreError."""
        with self._lock:
            found = fitting(self._judged(), Filters(status=Status.RUNNING))
            heard = [run for run in found if _silent_s(run) <= SILENT_S]
            self._runs = {run.id: self._runs.get(run.id) or LiveRun(self._store, run.id, self._judged) for run in heard[:MOST_SHOWN]}
            looks = [look for run in self._runs.values() if (look := _look(run)) is not None]
            return Training([_now(look) for look in looks], len(heard) - len(self._runs), len(found) - len(heard))


def _look(run: LiveRun) -> Look | None:
    """A look at a run; None if it has ended or was deleted since the list was read."""
    try:
        found = run.look()
    except RunNotFoundError:
        return None
    return None if found.ended else found


def _now(look: Look) -> Now:
    within = [
        curve
        for device, curve in zip(look.view["energy"]["devices"], look.curves, strict=True)
        if device["included_in_total"] and len(curve) > 1
    ]
    return Now(look.view, _sum(within), _latest_w(look.view, within))


def _sum(curves: Sequence[Sequence[Point]]) -> list[float | None]:
    """The power of all devices, each up to its own newest reading; None where one of them is not known."""
    step_ns = PIECE_S * NS_PER_S
    each = [powers_w(curve, step_ns, PIECES, curve[-1].t_ns - 1) for curve in curves]
    return [sum(known) if len(known := [w for w in piece if w is not None]) == len(piece) else None for piece in zip(*each, strict=True)]


def _latest_w(view: WatchJson, curves: Sequence[Sequence[Point]]) -> float | None:
    if view["energy"]["power_w"] is not None:
        return view["energy"]["power_w"]
    powers = [mean_w(curve, curve[-1].t_ns - round(LATEST_S * NS_PER_S), curve[-1].t_ns) for curve in curves]
    known = [watts for watts in powers if watts is not None]
    return sum(known) if known and len(known) == len(powers) else None


def _silent_s(run: RunRow) -> float:
    return (time.time_ns() - run.last_seen_utc_ns) / NS_PER_S
