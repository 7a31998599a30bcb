"""PURE: what a run may use, and what it is expected to have used at its end, in `show --json` and `watch --json`."""

from __future__ import annotations

from typing import TypedDict

from .life.whole import RangeJson


class BudgetJson(TypedDict):
    """The budget of a run. `text`: how the user wrote it. `measure`: "energy", "grams" or "money". `amount` and `used` are in `unit`: "J",
    "g" of CO2e, or the code of a currency.

    `used` is that of the figures beside it: the energy, the grams of the footprint, or its cost; None if that is not known. `share` is its
    part of the amount. `over_at`: when the run was seen to have used it, None if it was not. `action`: "warn", "stop" or "raise"."""

    text: str
    measure: str
    amount: float
    unit: str
    used: float | None
    share: float | None
    over_at: str | None
    action: str


class ForecastJson(TypedDict):
    """What a run under way is expected to have used at its end, as its tracker has stored it, a few seconds ago.

    `epoch` epochs of `epochs` are complete; `epochs` is None where one pass over a loader is taken to be all. `from_epochs`: how many
    epochs it comes from; 0 if it comes from the batches of the first. `done`: the share of the training that it comes from, or that is
    behind it. Energy and grams are None if they are not known. `ends_at`: when the run is expected to end; None where no
    calendar has that day."""

    epoch: int
    epochs: int | None
    from_epochs: int
    done: float
    energy_j: RangeJson | None
    grams: RangeJson | None
    seconds: RangeJson
    ends_at: str | None


class AheadJson(TypedDict):
    """`budget`: None without one. `forecast`: None without one, and after the end of the run."""

    budget: BudgetJson | None
    forecast: ForecastJson | None
