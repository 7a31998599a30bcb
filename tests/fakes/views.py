"""Parts of a run as it is shown, and whether they are true."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.world import World

STEP_S = 0.12
"""Seconds of power by which a short run's figure may be off: latched counters, and a busy test machine."""

HELD_UP_S = 0.05
"""Counters of real devices stand still for as long too: the stated range has to allow for less."""
View = Mapping[str, Any]


def device(view: View, name: str) -> View:
    """The device of that name."""
    found: View = next(d for d in view["energy"]["devices"] if d["device"] == name)
    return found


def phase_named(view: View, name: str) -> View:
    """The phase of that name."""
    found: View = next(p for p in view["phases"] if p["name"] == name)
    return found


def events(view: View, kind: str) -> list[View]:
    """The events of that kind."""
    return [e for e in view["events"] if e["kind"] == kind]


def happened(view: View) -> list[View]:
    """All events but that ticks came late: a busy test machine makes them so, and no figure depends on it."""
    return [e for e in view["events"] if e["kind"] != "late"]


def rows(world: World, sql: str) -> list[tuple[Any, ...]]:
    """What a SELECT on the machine's database gives."""
    connection = sqlite3.connect(world.db)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def assert_true(part: View, watts: float, seconds: float) -> None:
    """The energy is that of `watts` over `seconds`, and the stated range holds it."""
    assert_within(part, watts, seconds)
    assert part["energy_j"] == pytest.approx(watts * seconds, abs=watts * (STEP_S + held_up_s()))


def assert_within(part: View, watts: float, seconds: float) -> None:
    """The stated range holds the energy of `watts` over `seconds`, give or take what counters that were held up did not show in time."""
    unseen_j = watts * held_up_s()
    assert part["low_j"] - unseen_j <= watts * seconds <= part["high_j"] + unseen_j


def held_up_s() -> float:
    """For how long the counters of a running machine stood still because the test machine was busy; 0 where it was not."""
    longest_s = max((world.stood_still_s() for world in World.running), default=0.0)
    return longest_s if longest_s > HELD_UP_S else 0.0


def tracker_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the tracker itself has logged."""
    return [r.getMessage() for r in caplog.records if r.name.startswith("trainwatt")]
