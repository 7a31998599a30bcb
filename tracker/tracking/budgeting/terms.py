"""The terms of a run: what is asked about them before it begins, and what a joule and a second of it cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...config import Config
from ...core.run import FORECAST_KEY, Event, EventKind
from ...core.units import J_PER_KWH
from ...log import warn
from ...storage.write.writer import Writer

NS = 1e-9
RUN = "SELECT zone, settings FROM run WHERE id = ?"
HARDWARE = "SELECT host, kind, name, detail FROM inventory WHERE run_id = ?"
DEVICES = "SELECT s.host, d.name, d.included_in_total FROM device d JOIN segment s ON s.id = d.segment_id WHERE s.run_id = ?"
BEFORE = (
    "SELECT SUM(COALESCE(s.end_t_ns - s.start_t_ns, s.last_seen_utc_ns - s.started_utc_ns))"
    " FROM segment s JOIN segment mine ON mine.id = ?"
    " WHERE s.run_id = ? AND s.id <> mine.id AND s.role = 'owner'"
    " AND (s.end_t_ns IS NOT NULL OR s.last_seen_utc_ns <= mine.started_utc_ns)"
    " AND COALESCE(s.rank, -1) = COALESCE(mine.rank, -1)"
)
"""The time of the processes that recorded in a run before this one, in its place. One that was killed was there until it was last seen."""


class Rates(NamedTuple):
    """What a budget is used up by: so much for each joule, and so much for each second of the run."""

    per_j: float
    per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of hardware of a run."""

    host: str
    kind: str
    name: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """A device of a run, and whether its energy counts."""

    host: str
    name: str
    included_in_total: bool


def question(config: Config) -> None:
    """Log a question about an intensity that is hard to believe."""
    if config.intensity_g_per_kwh is None:
        return
    from ...carbon.terms import intensity_question  # seldom needed

    if (text := intensity_question("intensity_g_per_kwh", config.intensity_g_per_kwh)) is not None:
        warn("%s", text)


def never_used(config: Config, t_ns: int) -> list[Event]:
    """Log that a run which measures nothing never uses its budget. The event of the run."""
    if config.budget is None:
        return []
    text = f"nothing is measured here, so the budget of {config.budget.text} is never used"
    warn("%s", text)
    return [Event(EventKind.UNMEASURED, t_ns, None, text)]


def seconds_before(writer: Writer, run: tuple[str, str]) -> float:
    """The seconds that a run had before this process: `run` is its id and that of this process's segment. Raises StoreError."""
    [(before_ns,)] = writer.query(BEFORE, (run[1], run[0]))
    return (before_ns or 0) * NS


class Facts(NamedTuple):
    """What is stored of a run, its hardware and its devices: its zone, its settings as text and as values, and rows."""

    zone: str | None
    text: str
    settings: dict[str, Any]
    hardware: Sequence[Any]
    devices: Sequence[Any]

    @classmethod
    def of(cls, writer: Writer, run_id: str) -> Facts:
        """Raises StoreError."""
        [(zone, settings)] = writer.query(RUN, (run_id,))
        hardware, devices = (sorted(writer.query(question, (run_id,)), key=repr) for question in (HARDWARE, DEVICES))
        return cls(zone, settings, json.loads(settings or "{}"), hardware, devices)

    @property
    def terms(self) -> tuple[object, ...]:
        """What a joule and a second cost depends on this only."""
        return self.zone, {name: value for name, value in self.settings.items() if name != FORECAST_KEY}, self.hardware, self.devices


def rates_of(facts: Facts, price_per_kwh: float | None) -> Rates:
    """What a joule and a second of a run cost: money with a price, else grams, on the terms of the run, with the central value of each
    factor. The intensity is that of the run or of its zone: an hourly one is not looked up. Raises ConfigurationError."""
    from ...carbon.accounting import amortisations
    from ...carbon.assessing import hardware_of
    from ...carbon.embodied import total_g
    from ...carbon.factors import place_of
    from ...carbon.terms import Terms

    terms = Terms().over(facts.zone, facts.settings)
    place = place_of(terms)
    site_kwh_per_j = (place.pue.value or 1.0) / J_PER_KWH
    if price_per_kwh is not None:
        return Rates(site_kwh_per_j * price_per_kwh)
    parts = [Part(host, kind, name, json.loads(detail or "{}")) for host, kind, name, detail in facts.hardware]
    devices = [Counted(host, name, bool(counts)) for host, name, counts in facts.devices]
    made = total_g(hardware_of(parts, devices, 1.0, terms, amortisations(terms.lifetime_years, terms.lifetime_utilization))[0])
    return Rates(site_kwh_per_j * place.intensity_g_per_kwh.central, 0.0 if made is None else made.central / 3600)
