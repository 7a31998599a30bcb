"""The energy of a run while it goes on, for the loggers and progress bars of the frameworks. Nothing here waits for the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwatt import Summary

TOTAL, POWER, CARBON, EACH = "energy/total_j", "energy/power_w", "energy/carbon_g", "energy/sample_j"
"""The names in the loggers: the energy, the mean power since the last values, the grams, and the energy of a sample."""
OFTEN, SELDOM = 20.0, 300.0
"""So many times as long as the last reading took must pass before the next one: at the end of an epoch, and within one."""
WAIT_S = 5.0
"""How long the end of a run waits for its last values."""


class Live:
    """The values of a run for the loggers. A thread reads them, so that no step of the training waits: ask, and take them later."""

    def __init__(self, read: Callable[[], Summary]) -> None:
        self._read = read
        self._thread: threading.Thread | None = None
        self._ready: dict[str, float] | None = None
        self._before = 0.0, 0.0
        self._not_before = 0.0
        self._took_s = 0.0
        self.latest: dict[str, float] = {}

    def ask(self, times: float) -> None:
        """Begin to read the values, unless the last reading is less than `times` its own duration ago."""
        now = time.monotonic()
        if now >= self._not_before + times * self._took_s and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._work, name="trainwatt-live", daemon=True)
            self._thread.start()

    def take(self) -> dict[str, float] | None:
        """The values that were read since the last call; None if there are none."""
        ready, self._ready = self._ready, None
        if ready is not None:
            self.latest = ready
        return ready

    def last(self) -> dict[str, float] | None:
        """The values of a run that is over. None if they cannot be read soon."""
        until = time.monotonic() + WAIT_S
        self._join(until)
        self._ready = None
        self.ask(0.0)
        self._join(until)
        return self.take()

    def _join(self, until: float) -> None:
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        begun = time.monotonic()
        try:
            self._ready = self._values(self._read())
        except Exception:  # there is nothing to log: the run has no values yet, or its database does not answer
            pass
        self._not_before = time.monotonic()
        self._took_s = self._not_before - begun

    def _values(self, summary: Summary) -> dict[str, float]:
        view = summary.to_dict()
        found = {TOTAL: view["energy"]["total_j"], CARBON: (view["carbon"] or {}).get("total_g")}
        if (total_j := found[TOTAL]) is not None:
            before_j, before_s = self._before
            now_s = view["run"]["duration_s"]
            self._before = total_j, now_s
            if now_s > before_s:
                found[POWER] = (total_j - before_j) / (now_s - before_s)
            if samples := view["work"].get("samples"):
                found[EACH] = total_j / samples
        return {name: float(value) for name, value in found.items() if value is not None}
