"""Parts of a run as it is shown, and whether they are true."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.world import World

STEP_S = 0.12
"""Seconds of power by which a short run's figure may be off: latched counters, and a busy test machine."""

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
    truth = watts * seconds
    assert part["low_j"] <= truth <= part["high_j"]
    assert part["energy_j"] == pytest.approx(truth, abs=watts * STEP_S)


def tracker_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the tracker itself has logged."""
    return [r.getMessage() for r in caplog.records if r.name.startswith("trainwatt")]
