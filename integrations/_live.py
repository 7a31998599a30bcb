"""The energy of a run while it goes on, for the loggers and progress bars of the frameworks. Nothing here waits for the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwatt import EnergyTracker

TOTAL, POWER, CARBON, EACH = "energy/total_j", "energy/power_w", "energy/carbon_g", "energy/sample_j"
"""The names in the loggers: the energy, the mean power since the last values, the grams, and the energy of a sample."""
OFTEN, SELDOM = 20.0, 300.0
"""So many times as long as the last reading took must pass before the next one: at the end of an epoch, and within one."""
WAIT_S = 5.0
"""How long the end of a run waits for its last values."""


class Live:
    """The values of a run for the loggers. Energy and power are known at once. Grams and the energy of a sample are read by a thread, so
    that no step of the training waits: ask, and take them later."""

    def __init__(self, tracker: Callable[[], EnergyTracker]) -> None:
        self._tracker = tracker
        self._thread: threading.Thread | None = None
        self._ready: dict[str, float] = {}
        self._before: tuple[float, float] | None = None
        self._not_before = 0.0
        self._took_s = 0.0

    def begin(self) -> None:
        """The run begins, or goes on."""
        self._before = self._tracker().energy_j or 0.0, time.monotonic()

    def ask(self, times: float) -> None:
        """Begin to read the values, unless the last reading is less than `times` its own duration ago."""
        now = time.monotonic()
        if now >= self._not_before + times * self._took_s and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._read, name="trainwatt-live", daemon=True)
            self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether values have been read that nobody has taken."""
        return bool(self._ready)

    def take(self) -> dict[str, float]:
        """Energy and power, and the values that were read since the last call."""
        ready, self._ready = self._ready, {}
        total_j = self._tracker().energy_j
        return ready if total_j is None else {**ready, TOTAL: total_j, **self._power(total_j)}

    def last(self) -> dict[str, float]:
        """The values of a run that is over. Without grams and the energy of a sample if they cannot be read soon."""
        until = time.monotonic() + WAIT_S
        self._join(until)
        self.ask(0.0)
        self._join(until)
        return self.take()

    def _power(self, total_j: float) -> dict[str, float]:
        before, now_s = self._before, time.monotonic()
        self._before = total_j, now_s
        return {} if before is None or now_s <= before[1] else {POWER: (total_j - before[0]) / (now_s - before[1])}

    def _join(self, until: float) -> None:
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def _read(self) -> None:
        begun = time.monotonic()
        try:
            self._ready = _slow_values(self._tracker().summary().to_dict())
        except Exception:  # there is nothing to log: the run has no values yet, or its database does not answer
            pass
        self._not_before = time.monotonic()
        self._took_s = self._not_before - begun


def _slow_values(view: dict[str, Any]) -> dict[str, float]:
    total_j, samples = view["energy"]["total_j"], view["work"].get("samples")
    grams = None if view["carbon"] is None else view["carbon"]["total_g"]
    found = {CARBON: grams, EACH: total_j / samples if total_j is not None and samples else None}
    return {name: float(value) for name, value in found.items() if value is not None}
