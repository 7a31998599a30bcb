"""The names of the figures in every logger, for the callbacks and for the sinks."""

from __future__ import annotations

from trainwatt.core import singular

PREFIX = "energy/"
TOTAL, POWER, CARBON = f"{PREFIX}total_j", f"{PREFIX}power_w", f"{PREFIX}carbon_g"
"""The joules of the run so far, its mean power in watts, and its grams of CO2e."""
BUDGET, FORECAST = f"{PREFIX}budget_share", f"{PREFIX}forecast_j"
"""The part of its budget that the run has used, and the joules expected at its end."""


def per(unit: str) -> str:
    """The joules per unit of work: "energy/sample_j" of "samples"."""
    return f"{PREFIX}{singular(unit)}_j"


EACH = per("samples")
"""The energy of a sample."""
