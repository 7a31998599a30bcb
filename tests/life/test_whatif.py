"""Runs under other circumstances."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.life.test_life import HOUR_NS, S, stored
from trainwatt.carbon.series import Series, Slot, utc_ns
from trainwatt.cli.main import cli
from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.errors import ConfigurationError
from trainwatt.life.whatif.starting import best_shift_ns, filled, shifted, start_of
from trainwatt.storage.read.store import Store


def call(command: str, db: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [command, *arguments, "--db", str(db)], standalone_mode=False)


def answer(command: str, db: Path, *arguments: str) -> Any:
    result = call(command, db, *arguments, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def csv_of(folder: Path, hours: int, name: str = "grid.csv", first: int = 0, later: int = 0) -> str:
    """Hourly intensities from the epoch on, each another one. `later`: each begins so many hours later."""
    rows = ["start,intensity_g_per_kwh"]
    for hour in range(first, first + hours):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour + later)
        rows.append(f"{at:%Y-%m-%dT%H:%MZ},{100 + (hour * 37 + 50) % 101}")
    file = folder / name
    file.write_text("\n".join(rows))
    return str(file)


@pytest.mark.parametrize(
    "terms",
    [
        ("--zone", "SE"),
        ("--intensity", "33.3"),
        ("--pue", "1.37"),
        ("--lifetime-years", "6"),
        ("--lifetime-utilization", "0.8"),
        ("--host-share", "0.25"),
    ],
)
def test_a_change_is_the_footprint_on_those_terms(tmp_path: Path, terms: tuple[str, str]) -> None:
    """To the digit."""
    db = stored(tmp_path)
    found = answer("whatif", db, "first", "second", *terms)
    total = answer("footprint", db, "first", "second", *terms)["total"]["all"]
    [outcome] = found["alone"]
    assert [outcome[f"total{end}_g"] for end in ("", "_low", "_high")] == [total[f"total{end}_g"] for end in ("", "_low", "_high")]
    assert found["base"]["total_g"] == answer("footprint", db, "first", "second")["total"]["all"]["total_g"]
    assert outcome["difference_g"] == outcome["total_g"] - found["base"]["total_g"]
    assert found["together"] is None


def test_changes_compose(tmp_path: Path) -> None:
    db = stored(tmp_path)
    found = answer("whatif", db, "first", "--zone", "SE", "--pue", "1.3", "--lifetime-years", "6")
    assert [o["changes"] for o in found["alone"]] == [
        [{"kind": "zone", "value": "SE"}], [{"kind": "pue", "value": 1.3}], [{"kind": "lifetime-years", "value": 6.0}],
    ]  # fmt: skip
    total = answer("footprint", db, "first", "--zone", "SE", "--pue", "1.3", "--lifetime-years", "6")["total"]["all"]
    assert found["together"]["total_g"] == total["total_g"]
    shown = call("whatif", db, "first", "--zone", "SE", "--pue", "1.3").stdout
    assert all(words in shown for words in ("as it was", "in SE", "with a PUE of 1.3", "all together", "%"))


def test_another_start_is_the_footprint_with_the_intensities_of_that_time(tmp_path: Path) -> None:
    """To the digit: the run of the first hour, begun five hours later, meets what a series meets that is five hours earlier."""
    db, grid = stored(tmp_path), csv_of(tmp_path, 48)
    earlier = csv_of(tmp_path, 48, "earlier.csv", first=5, later=-5)
    found = answer("whatif", db, "prepare", "--intensity-csv", grid, "--start", "1970-01-01T05:00Z")
    [outcome] = found["alone"]
    assert outcome["total_g"] == answer("footprint", db, "prepare", "--intensity-csv", earlier)["total"]["all"]["total_g"]
    assert found["base"]["total_g"] == answer("footprint", db, "prepare", "--intensity-csv", grid)["total"]["all"]["total_g"]
    assert outcome["starts"] == {"prepare": "1970-01-01T05:00:00Z"}


def test_a_time_of_day_is_that_of_the_day_on_which_each_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    db, grid = stored(tmp_path), csv_of(tmp_path, 48)
    found = answer("whatif", db, "try-1", "try-2", "--intensity-csv", grid, "--start", "20:00+00:00")
    assert set(found["alone"][0]["starts"].values()) == {"1970-01-01T20:00:00Z"}


def test_the_best_start_is_the_hour_with_the_least_grams(tmp_path: Path) -> None:
    db, grid = stored(tmp_path), csv_of(tmp_path, 48)
    found = answer("whatif", db, "prepare", "--intensity-csv", grid, "--within", "24h", "--pue", "1.1")
    best = min(range(25), key=lambda hour: (hour * 37 + 50) % 101)
    assert found["alone"][1]["starts"] == {"prepare": f"1970-01-0{1 + best // 24}T{best % 24:02d}:00:00Z"}
    assert found["together"]["ratio"] < 1.1
    assert (
        f"Best start: run prepare at 1970-01-0{1 + best // 24}T{best % 24:02d}"
        in call("whatif", db, "prepare", "--intensity-csv", grid, "--within", "24h").stdout
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1000), min_size=2, max_size=6),
    st.lists(st.integers(0, 900), min_size=12, max_size=12),
    st.integers(0, HOUR_NS),
    st.booleans(),
)
def test_no_other_hour_is_better_than_the_best_one(joules: list[float], values: list[int], late_ns: int, regular: bool) -> None:
    """Against every start at which the run begins or ends where the intensity changes, each computed by hand. A slot in two halves makes
    the series irregular."""
    points, at_j = [Point(0)], 0.0
    for number, more_j in enumerate(joules, 1):
        at_j += more_j
        points.append(Point(number * HOUR_NS // 2, counter_j=at_j))
    series = Series(tuple(Slot(i * HOUR_NS, (i + 1) * HOUR_NS, float(value), False, "grid") for i, value in enumerate(values)), "grid")
    run = _Run(late_ns, points)
    if not regular:
        halves = [Slot(0, HOUR_NS // 2, float(values[0]), False, "grid"), Slot(HOUR_NS // 2, HOUR_NS, float(values[0]), False, "grid")]
        series = replace(series, slots=(*halves, *series.slots[1:]))
    found_ns = best_shift_ns(run, {("s", "gpu0"): points}, series, 12 * HOUR_NS)  # type: ignore[arg-type]
    assert found_ns is not None
    lasts_ns = points[-1].t_ns
    edges = [i * HOUR_NS for i in range(13)] + ([] if regular else [HOUR_NS // 2])
    starts = {0, *(e - late_ns for e in edges), *(e - late_ns - lasts_ns for e in edges)}
    fitting = [s for s in starts if s >= 0 and late_ns + s + lasts_ns <= 12 * HOUR_NS]
    assert _emitted(points, series, late_ns + found_ns) <= min(_emitted(points, series, late_ns + s) for s in fitting) * (1 + 1e-9) + 1e-6


class _Run:
    """As much of a stored run as is asked for."""

    def __init__(self, begun_ns: int, points: list[Point]) -> None:
        self.run = self
        self.started_utc_ns, self.duration_s = begun_ns, points[-1].t_ns / S
        self.devices = (self,)
        self.segment_id, self.name, self.included_in_total = "s", "gpu0", True
        self.anchors = {"s": (Anchor(0, begun_ns, 0),)}


def _emitted(points: list[Point], series: Series, begun_ns: int) -> float:
    """Joules times intensity, in steps of a minute."""
    step_ns, found, at = 60 * S, 0.0, 0
    for a, b in pairwise(points):
        per_ns = (b.counter_j - a.counter_j) / (b.t_ns - a.t_ns)
        at = a.t_ns
        while at < b.t_ns:
            # A piece ends where the step, the curve or the slot does.
            into_slot = (begun_ns + at) % HOUR_NS
            until = min(at + step_ns, b.t_ns, at + HOUR_NS - into_slot)
            found += (
                per_ns * (until - at) * next(slot.value for slot in series.slots if slot.start_utc_ns <= begun_ns + at < slot.end_utc_ns)
            )
            at = until
    return found


def test_a_shifted_series_has_the_same_values() -> None:
    series = Series((Slot(10, 20, 5.0, False, "grid"), Slot(20, 30, 6.0, True, "grid")), "grid")
    assert [(slot.start_utc_ns, slot.end_utc_ns, slot.value) for slot in shifted(series, 3).slots] == [(7, 17, 5.0), (17, 27, 6.0)]


def test_times_of_day_shift_back_and_forth() -> None:
    noon_ns = 12 * HOUR_NS
    assert start_of("02:00").shift_ns(noon_ns, UTC) == -10 * HOUR_NS
    assert start_of("23:30").shift_ns(noon_ns, UTC) == 11.5 * HOUR_NS
    assert start_of("1970-01-02T00:00+01:00").shift_ns(noon_ns, UTC) == 11 * HOUR_NS


PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("begun", "text", "expected"),
    [
        ("2026-03-29T00:30+01:00", "12:00", "2026-03-29T12:00+02:00"),  # the clock goes forward at 02:00
        ("2026-03-29T12:00+02:00", "01:00", "2026-03-29T01:00+01:00"),
        ("2026-10-25T00:30+02:00", "12:00", "2026-10-25T12:00+01:00"),  # and back at 03:00
        ("2026-10-25T23:00+01:00", "00:15", "2026-10-25T00:15+02:00"),
        ("2026-07-01T00:30+02:00", "20:00+00:00", "2026-06-30T20:00+00:00"),  # the day of the offset that is given
        ("2026-07-01T12:00+02:00", "20:00-05:00", "2026-07-01T20:00-05:00"),
    ],
)
@pytest.mark.parametrize("of_machine", [False, True])
def test_a_time_of_day_is_that_of_the_clock_of_that_day(
    monkeypatch: pytest.MonkeyPatch, begun: str, text: str, expected: str, of_machine: bool
) -> None:
    if of_machine:
        monkeypatch.setenv("TZ", "Europe/Paris")
        time.tzset()
    try:
        begun_ns, expected_ns = (utc_ns(each) for each in (begun, expected))
        assert start_of(text).shift_ns(begun_ns, None if of_machine else PARIS) == expected_ns - begun_ns
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_series_is_filled_by_the_next_ones() -> None:
    def of(source: str, *slots: tuple[int, int, float]) -> Series:
        return Series(tuple(Slot(a, b, value, False, source) for a, b, value in slots), source)

    whole = filled([of("a", (10, 20, 1.0), (40, 50, 1.0)), of("b", (0, 30, 2.0)), of("c", (25, 60, 3.0))], 5, 55)
    assert [(s.start_utc_ns, s.end_utc_ns, s.source) for s in whole.slots] == [
        (5, 10, "b"), (10, 20, "a"), (20, 30, "b"), (30, 40, "c"), (40, 50, "a"), (50, 55, "c"),
    ]  # fmt: skip


def test_the_best_start_is_sought_in_all_cached_series(tmp_path: Path) -> None:
    """The hours of the run are those of one provider, and the best one is that of another. The result is never worse than as it was."""
    db = stored(tmp_path, prepare={"stage": "data", "zone": "FR"})
    with sqlite3.connect(db) as connection:
        for provider, first, values in (("electricitymaps", 2, (300.0, 200.0)), ("uk", 0, (150.0, 250.0, 50.0, 50.0, 20.0))):
            connection.executemany(
                "INSERT INTO grid_intensity VALUES (?, 'FR', 'lifecycle', ?, ?, ?, 0, 0)",
                [(provider, (first + i) * HOUR_NS, (first + i + 1) * HOUR_NS, value) for i, value in enumerate(values)],
            )
    connection.close()
    found = answer("whatif", db, "prepare", "--within", "3h")
    assert found["alone"][0]["difference_g"] <= 0
    found = answer("whatif", db, "prepare", "--within", "10h")
    assert found["alone"][0]["starts"] == {"prepare": "1970-01-01T04:00:00Z"}


def test_estimates_have_no_hours_to_move(tmp_path: Path) -> None:
    db, grid = stored(tmp_path), csv_of(tmp_path, 48)
    made = call(
        "estimate", db, "--gpu-hours", "10", "--device", "H100", "--watts", "500", "--save", "--name", "guess", "--project", "digits"
    )
    assert made.exception is None, made.exception
    found = answer("whatif", db, "guess", "prepare", "--intensity-csv", grid, "--start", "05:00")
    assert found["runs_estimated"] == 1
    assert list(found["alone"][0]["starts"]) == ["prepare"]
    alone = answer("whatif", db, "prepare", "--intensity-csv", grid, "--start", "05:00")
    assert found["alone"][0]["difference_g"] == pytest.approx(alone["alone"][0]["difference_g"])
    assert "nothing for 1 estimate" in " ".join(call("whatif", db, "guess", "--intensity-csv", grid, "--within", "5h").stdout.split())


def test_what_a_pue_adds_is_said_where_none_was_known(tmp_path: Path) -> None:
    db = stored(tmp_path)
    assert "the PUE of the site is not known" in call("whatif", db, "first", "--pue", "1.4").stdout
    assert "the PUE of the site is not known" not in call("whatif", db, "first", "--lifetime-years", "6").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("first", "--start", "0001-01-01T00:00"), ("--start 0001", "it is no time")),
        (("first", "--start", "9999-12-31T23:59"), ("--start 9999", "it is no time")),
        (("first", "--start", "02:00", "--intensity", "50"), ("--intensity 50 with --start", "does not matter")),
        (("first", "--within", "5h", "--intensity", "50"), ("--intensity 50 with --within", "does not matter")),
        (("first",), ("nothing is changed", "--zone")),
        ((), ("no run is named",)),
        (("first", "--start", "teatime"), ("--start teatime", "02:00")),
        (("first", "--start", "02:00", "--within", "4h"), ("--start 02:00", "--within 4h", "one of them")),
        (("first", "--within", "soon"), ("--within", "soon", "6h")),
        (("first", "--within", "0h"), ("--within 0h", "48h")),
        (("first", "--start", "02:00"), ("--intensity-csv", "--refresh")),
        (("first", "second", "--start", "1970-01-01T05:00"), ("2 runs", "time of day")),
        (("first", "--zone", "SE", "--intensity-csv", "grid.csv"), ("--zone SE", "one of them")),
        (("first", "--start", "1970-03-01T00:00Z", "--intensity-csv", "grid.csv"), ("run first", "1970-03-01T00:00:00Z", "no value")),
        (("loose", "--within", "2h", "--intensity-csv", "short.csv"), ("run loose as it was", "no value")),
        (("first", "--pue", "0.5"), ("--pue 0.5",)),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    csv_of(tmp_path, 48)
    csv_of(tmp_path, 2, "short.csv")
    result = call("whatif", stored(tmp_path), *arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception


def test_nothing_is_kept(tmp_path: Path) -> None:
    db = stored(tmp_path)
    answer("whatif", db, "first", "--zone", "SE")
    assert Store.open(str(db)).newest_footprints(["first"]) == {}
