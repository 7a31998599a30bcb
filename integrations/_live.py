"""The energy of a run while it goes on, for the loggers and progress bars of the frameworks. Nothing here waits for the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._names import BUDGET, CARBON, EACH, FORECAST, POWER, TOTAL

if TYPE_CHECKING:
    from trainwatt import EnergyTracker

WAIT_S = 5.0
"""How long the end of a run waits for its last values."""
WITHIN_S = 10.0
"""How far apart in time values within an epoch are."""


class Live:
    """The values of a run for the loggers."""

    def __init__(self, tracker: Callable[[], EnergyTracker]) -> None:
        self._tracker = tracker
        self._before: tuple[float, float] | None = None

    def begin(self) -> None:
        """The run begins, or goes on."""
        tracker = self._tracker()
        self._before = tracker.energy_j or 0.0, time.monotonic()
        _ = tracker.carbon_g  # from the first question on they are known

    @property
    def due(self) -> bool:
        """Whether it is some time since values were taken."""
        return self._before is None or time.monotonic() >= self._before[1] + WITHIN_S

    def take(self) -> dict[str, float]:
        """What is known now."""
        tracker = self._tracker()
        total_j, grams, samples = tracker.energy_j, tracker.carbon_g, tracker.work.get("samples")
        if total_j is None:
            return {}
        forecast = tracker.forecast
        expected = None if forecast is None or forecast.energy_j is None else forecast.energy_j.value
        each = total_j / samples if samples else None
        of_limits = {BUDGET: tracker.budget_share, FORECAST: expected}
        found = {TOTAL: total_j, **self._power(total_j), CARBON: grams, EACH: each, **of_limits}
        return {name: value for name, value in found.items() if value is not None}

    def last(self) -> dict[str, float]:
        """The values of a run that is over, as they are stored; as far as they are known now, if they cannot be read soon."""
        stored: dict[str, float] = {}
        thread = threading.Thread(target=self._read, args=(stored,), name="trainwatt-live", daemon=True)
        thread.start()
        thread.join(WAIT_S)
        return self.take() | stored.copy()

    def _read(self, stored: dict[str, float]) -> None:
        try:
            view = self._tracker().summary().to_dict()
        except Exception:  # the run has no values, or its database does not answer
            return
        total_j, samples = view["energy"]["total_j"], view["work"].get("samples")
        grams = None if view["carbon"] is None else view["carbon"]["total_g"]
        found = {CARBON: grams, EACH: total_j / samples if total_j is not None and samples else None}
        stored.update((name, float(value)) for name, value in found.items() if value is not None)

    def _power(self, total_j: float) -> dict[str, float]:
        before, now_s = self._before, time.monotonic()
        self._before = total_j, now_s
        return {} if before is None or now_s <= before[1] else {POWER: (total_j - before[0]) / (now_s - before[1])}
