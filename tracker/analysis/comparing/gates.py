"""PURE: gates. A gate says how much more than the baseline a run may use ("energy_per_sample +5%"). This file reads and judges gates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...core.units import J_PER_KWH, J_PER_WH
from ...core.work import singular
from ...errors import ConfigurationError
from .compared import Compared, Figure, Missing, Reason
from .comparison import missing_ranks

ENERGY = {
    **{"pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "mJ": 1e-3, "J": 1.0, "kJ": 1e3, "MJ": 1e6},
    **{"Wh": J_PER_WH, "kWh": J_PER_KWH, "MWh": 1e3 * J_PER_KWH, "GWh": 1e6 * J_PER_KWH},
}
TIME = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
MASS = {"mg": 1e-3, "g": 1.0, "kg": 1e3, "t": 1e6, "kt": 1e9}
UNITS = {"energy": ENERGY, "duration": TIME, "grams": MASS}
ACCEPTED = (
    'a gate is a metric and how much more is allowed, as in "energy_per_sample +5%" or "duration +10s"; the metrics are energy,'
    " energy_per_UNIT (UNIT being epoch, or what the runs counted, as sample or request), duration and grams, and the limit is in %, or"
    " in pJ, nJ, uJ, mJ, J, kJ, MJ, Wh, kWh, MWh, GWh, in s, min, h, d, or in mg, g, kg, t, kt"
)
_GATE = re.compile(
    r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)(?:\s+(?:\+\s*)?|\+\s*)|([A-Za-z_](?:[A-Za-z0-9_]*[A-Za-z_])?))"
    r"(\d+(?:\.\d*)?|\.\d+)\s*(%|[A-Za-z]+)\s*",
    re.ASCII,
)
"""A metric whose name ends with a digit needs a space or a plus behind it."""
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Gate:
    """How much `metric` may exceed the baseline: by `share` of it (0.05), else by `amount` in J, s or g."""

    text: str
    metric: str
    share: float | None
    amount: float | None


class Unjudged(NamedTuple):
    """Why a gate cannot be judged: what is `missing` in the run `label`, or why the two runs cannot be compared (`apart`). Without either,
    no run has counted the metric; `known` lists the metrics that the runs have."""

    missing: Missing | None = None
    label: str = ""
    apart: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A gate and one side. `missing` says why it cannot be judged. `beyond_error`: the whole range of the difference is over the limit.
    `within_error`: the difference is within the limit, but not all of its range. `one_run_each`: how much equal runs differ is not known,
    so neither a crossed nor a held gate is a proof.
    """

    gate: Gate
    label: str
    figure: Figure | None
    crossed: bool
    beyond_error: bool
    within_error: bool
    missing: Unjudged | None
    one_run_each: bool = False

    @property
    def nothing_measured(self) -> bool:
        """Whether one of the two sides has no energy, so that the gate says nothing about the change."""
        return self.missing is not None and self.missing.missing is not None and self.missing.missing.reason is Reason.NO_ENERGY


def parse_gate(text: str) -> Gate:
    """Read a gate. Raises ConfigurationError with what is accepted."""
    match = _GATE.fullmatch(text)
    if not match:
        raise ConfigurationError(f"--gate {text!r} is not a gate: {ACCEPTED}")
    name, number, unit = match[1] or match[2], float(match[3]), match[4]
    metric = name.lower()
    before, per, unit_of_work = metric.partition("_per_")
    if per and unit_of_work:
        metric = f"{before}{per}{singular(unit_of_work)}"
    kind = "energy" if before == "energy" and unit_of_work else metric
    if kind not in UNITS:
        raise ConfigurationError(f"--gate {text!r}: no metric is called {name}: {ACCEPTED}")
    if unit == "%":
        return Gate(text, metric, number / 100, None)
    if unit not in UNITS[kind]:
        raise ConfigurationError(f"--gate {text!r}: {unit} is not a unit of {metric}: {ACCEPTED}")
    return Gate(text, metric, None, number * UNITS[kind][unit])


def judge(gate: Gate, runs: Sequence[Compared]) -> list[Judged]:
    """The result of the gate for every side except the first, the baseline."""
    return [_judged(gate, run, runs) for run in runs[1:]]


def _judged(gate: Gate, run: Compared, runs: Sequence[Compared]) -> Judged:
    figure = next((f for f in run.figures if f.name == gate.metric), None)
    base = next((f for f in runs[0].figures if f.name == gate.metric), None)
    if figure is None or base is None:
        return _unknown(gate, run, None, Unjudged(known=tuple(f.name for f in runs[0].figures if f.name != "power")))
    for of, each in ((runs[0], base), (run, figure)):
        whole = of.views if gate.metric in ("energy", "grams") else ()  # where the joules are not known either
        others = next((missing for view in whole if (missing := missing_ranks(view, None)) is not None), None)
        if (missing := others or each.missing) is not None:
            return _unknown(gate, run, figure, Unjudged(missing, of.label))
    change = figure.change
    if change is None:
        return _unknown(gate, run, figure, Unjudged(apart=figure.apart))
    assert base.value is not None
    if gate.share is not None and change.ratio is not None:
        by, low, high, limit = change.ratio, change.ratio_low, change.ratio_high, 1 + gate.share
    else:
        by, low, high, limit = change.difference, change.low, change.high, (gate.share or 0.0) * base.value + (gate.amount or 0.0)
    room = limit + ROUNDING * max(abs(limit), base.value if gate.share is None else 1.0)
    crossed = by > room
    least = runs[0] if crossed else run  # a run that may have used more than is known: what the result hangs on is not known
    if gate.metric != "duration" and any(view["energy"]["unmeasured"] for view in least.views):
        return _unknown(gate, run, figure, Unjudged(Missing(Reason.DEVICE_UNREAD), least.label))
    return Judged(
        gate,
        run.label,
        figure,
        crossed,
        beyond_error=crossed and low is not None and low > room,
        within_error=not crossed and (high is None or high > room),
        missing=None,
        one_run_each=len(run.views) == len(runs[0].views) == 1,
    )


def _unknown(gate: Gate, run: Compared, figure: Figure | None, why: Unjudged) -> Judged:
    return Judged(gate, run.label, figure, crossed=False, beyond_error=False, within_error=False, missing=why)
