"""Bytes that no reader expects: in one run they leave the others as they are, and are named as damage of that run."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.compared import put
from tests.fakes.served import served
from tests.fakes.spoiled import NASTY, SOUND, VICTIM, Cell, Spoiled, cells
from tests.fakes.stored_rows import device, phase, point, run, segment
from tests.golden import WIDE
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.totals import members
from trainwatt.core.point import Point
from trainwatt.errors import ConfigurationError, StoreError
from trainwatt.storage.read.checked import from_json, sound_points
from trainwatt.storage.read.records import Damage
from trainwatt.storage.read.store import Store

SHOWN = (
    *(("list",), ("list", "--by", "day"), ("show", VICTIM), ("compare", WIDE, VICTIM), ("footprint", VICTIM)),
    *(("report", VICTIM, "-o", "-"), ("export", "-o", "-"), ("export", "--what", "phases", "-o", "-")),
    ("export", "--what", "curves", VICTIM, "-o", "-"),
)


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Spoiled:
    return Spoiled(tmp_path_factory.mktemp("spoiled"))


def entries(spoiled: Spoiled) -> dict[str, Any]:
    return {entry["run"]["id"]: entry for entry in spoiled.json("list")["runs"]}


def columns(view: Any) -> set[str]:
    """What is named as damaged."""
    return {f"{d['table']}.{d['column']}" for d in view["run"]["damage"]}


NAMED = [
    ("run", "tags", "cut JSON"),
    ("run", "started_utc_ns", "text"),
    ("run", "last_seen_utc_ns", "largest integer"),
    ("run", "duration_s", "infinity"),
    ("run", "status", "text"),
    ("run", "outcome", "text"),
    ("run", "stage", "text"),
    ("run", "project", "blob"),
    ("run", "host", "not UTF-8"),
    ("run", "settings", "JSON of other types"),
    ("segment", "started_utc_ns", "text"),
    ("segment", "status", "text"),
    ("device", "kind", "text"),
    ("device", "gain", "negative"),
    ("device", "name", "blob"),
    ("curve_point", "counter_j", "huge"),
    ("curve_point", "t_ns", "text"),
    ("phase", "end_t_ns", "text"),
    ("phase_energy", "energy_j", "infinity"),
    ("event", "kind", "blob"),
    ("event", "utc_ns", "largest integer"),
    ("work", "amount", "negative"),
    ("inventory", "detail", "JSON of other types"),
    ("clock_anchor", "utc_ns", "text"),
]
"""A sound run may have no row of a table: those cases add one."""
ADDED = {"event": "INSERT INTO event SELECT id, 99, NULL, 'gap', start_t_ns, started_utc_ns, 'x' FROM segment WHERE run_id = :run"}


@pytest.mark.parametrize(("table", "column", "nasty"), NAMED)
def test_a_value_that_cannot_be_true_is_damage_of_its_run_only(spoiled: Spoiled, table: str, column: str, nasty: str) -> None:
    changed = spoiled.spoil(Cell(table, column, nasty, every=False))
    if not changed:
        with closing(sqlite3.connect(spoiled.db)) as connection, connection:
            connection.execute(ADDED[table], {"run": VICTIM})
            connection.execute(f"UPDATE {table} SET {column} = {NASTY[nasty]} WHERE seq = 99")
    view = spoiled.json("show", VICTIM)
    named = "run.status" if column == "outcome" else f"{table}.{column}"
    named = {"curve_point.counter_j": "curve_point.*", "curve_point.t_ns": "curve_point.*"}.get(named, named)
    assert any(found.startswith(named) for found in columns(view)), columns(view)
    listed = entries(spoiled)
    assert {run_id: entry for run_id, entry in listed.items() if run_id != VICTIM} == {
        entry["run"]["id"]: entry for entry in spoiled.listed if entry["run"]["id"] != VICTIM
    }
    if table not in ("phase", "phase_energy", "inventory", "clock_anchor"):  # a list does not look at these
        assert columns(listed[VICTIM]), listed[VICTIM]
        assert f"{VICTIM[:8]}" in next(line for line in spoiled.call("list").stdout.splitlines() if "damaged" in line)
    shown = spoiled.call("show", VICTIM).stdout
    assert "the record of this run is damaged; these values are not used: " in " ".join(shown.split())


@pytest.mark.parametrize(
    ("table", "column", "nasty"),
    [
        ("device", "gain", "infinity"),
        ("curve_point", "power_j", "negative"),
        ("curve_point", "t_ns", "huge"),
        ("segment", "start_t_ns", "text"),
    ],
)
def test_what_is_not_known_never_becomes_a_number(spoiled: Spoiled, table: str, column: str, nasty: str) -> None:
    """A device whose record is damaged is missing from the total, which is then a lower bound; the others count."""
    spoiled.spoil(Cell(table, column, nasty, every=False))
    energy, before = spoiled.json("show", VICTIM)["energy"], spoiled.before[VICTIM]["energy"]
    assert energy["lower_bound"]
    assert {"what the database has of it is damaged"} == {d["reason"] for d in energy["unmeasured"]}
    known = {d["device"]: d["energy_j"] for d in before["devices"]}
    assert {d["device"]: d["energy_j"] for d in energy["devices"]} == {
        name: joules for name, joules in known.items() if name not in {d["device"] for d in energy["unmeasured"]}
    }


def test_a_duration_that_cannot_be_true_is_that_of_the_readings(spoiled: Spoiled) -> None:
    spoiled.spoil(Cell("run", "duration_s", "infinity", every=True))
    seconds = spoiled.json("show", VICTIM)["run"]["duration_s"]
    assert seconds == pytest.approx(spoiled.before[VICTIM]["run"]["duration_s"], abs=0.01)
    assert entries(spoiled)[VICTIM]["run"]["duration_s"] == seconds


def test_a_time_that_cannot_be_true_does_not_hide_the_newest_run(spoiled: Spoiled) -> None:
    """SQLite sorts text after all numbers: this run would be the latest one for ever."""
    spoiled.spoil(Cell("run", "started_utc_ns", "text", every=True))
    store = Store.open(str(spoiled.db))
    assert store.find("latest") == spoiled.listed[0]["run"]["id"] != VICTIM
    store.close()


@pytest.mark.parametrize("column", ["status", "outcome"])
def test_a_damaged_status_does_not_end_a_comparison(spoiled: Spoiled, column: str) -> None:
    spoiled.spoil(Cell("run", column, "text", every=True))
    result = spoiled.call("compare", WIDE, VICTIM)
    assert (result.exception, result.exit_code) == (None, 0)


@settings(max_examples=25)
@given(st.sampled_from(sorted(cells())), st.sampled_from(SHOWN))
def test_no_single_value_ends_a_command(spoiled: Spoiled, cell: Cell, command: tuple[str, ...]) -> None:
    spoiled.spoil(cell)
    result = spoiled.call(*command)
    assert result.exception is None, (cell, command, result.exception)


def test_the_pages_show_a_damaged_run_and_the_others(spoiled: Spoiled) -> None:
    spoiled.spoil(Cell("run", "tags", "cut JSON", every=True))
    with closing(sqlite3.connect(spoiled.db)) as connection, connection:
        connection.execute("UPDATE device SET kind = x'ff' WHERE segment_id IN (SELECT id FROM segment WHERE run_id = ?)", (VICTIM,))
    with served(spoiled.db) as address:
        for path in (
            "/",
            "/runs",
            f"/runs/{VICTIM}",
            f"/runs/{SOUND[0]}",
            f"/compare?run={VICTIM}&run={WIDE}",
            "/projects",
            f"/runs/{WIDE}",
            "/?sort=-energy",
        ):
            page = requests.get(address + path, timeout=60)
            assert page.status_code == 200, (path, page.text[:300])
            assert ("damaged" in page.text) == (path not in ("/", "/projects", f"/runs/{WIDE}")), path


def test_a_kept_footprint_that_is_damaged_is_said(spoiled: Spoiled) -> None:
    spoiled.spoil(Cell("run", "name", "nothing", every=True))
    kept = spoiled.json("footprint", VICTIM)["footprints"][0]["footprint_id"]
    for result in ("'{\"total_g\": '", "'[]'", "'{}'", '\'{"assumptions": 5, "zone": []}\'', f"'{'[' * 5000}'"):
        with closing(sqlite3.connect(spoiled.db)) as connection, connection:
            connection.execute(f"UPDATE footprint SET result = {result}")
        shown = spoiled.call("show", VICTIM, "--footprint", kept)
        assert isinstance(shown.exception, StoreError)
        assert "that footprint is damaged" in str(shown.exception)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(JSON | st.text(max_size=20) | st.binary(max_size=9))
def test_stored_json_is_an_object_that_can_be_printed_or_damage(value: object) -> None:
    damage: list[Damage] = []
    text = value if isinstance(value, (str, bytes)) else json.dumps(value)
    found = from_json("run", "tags", text, damage)
    json.dumps(found, allow_nan=False, indent=2).encode()
    assert not damage or found == {}
    if isinstance(value, dict) and not damage:
        assert json.dumps(found) == json.dumps(value)


@given(st.lists(st.tuples(st.integers(0, 10**12), *[st.floats(0, 1e9)] * 9), max_size=5), st.data())
def test_only_the_points_that_cannot_be_true_are_left_out(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    assert sound_points(rows) == [Point._make(row) for row in rows]
    if rows:
        at, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 9))
        wrong = data.draw(st.sampled_from((b"x", "abc", math.inf, -math.inf, math.nan, -5.5, None, 2.5e300)))
        spoiled = [tuple(wrong if (i, j) == (at, column) else value for j, value in enumerate(row)) for i, row in enumerate(rows)]
        assert sound_points(spoiled) == [Point._make(row) for i, row in enumerate(rows) if i != at]


def test_a_damaged_id_keeps_no_other_run_from_being_exported(spoiled: Spoiled) -> None:
    spoiled.spoil(Cell("run", "name", "nothing", every=True))
    with closing(sqlite3.connect(spoiled.db)) as connection, connection:
        connection.execute("UPDATE run SET id = x'ff00' WHERE id = ?", (VICTIM,))
    assert len(entries(spoiled)) == len(spoiled.listed)
    exported = spoiled.call("export", "-o", "-")
    assert exported.exception is None
    assert len(exported.stdout.splitlines()) == len(spoiled.listed)  # the head, and a line for each other run


def test_intensities_in_the_cache_that_cannot_be_true_or_overlap_are_left_out(spoiled: Spoiled) -> None:
    spoiled.spoil(Cell("run", "name", "nothing", every=True))
    hour_ns, start_ns = 3600 * 10**9, 1_795_888_800 * 10**9  # the hour of the run
    rows = [
        (start_ns, start_ns + hour_ns, "100"),
        (start_ns + 1, start_ns + hour_ns, "900"),
        (start_ns + 2 * hour_ns, start_ns + hour_ns, "900"),
        (start_ns + 3, "'x'", "900"),
        (start_ns + 4, start_ns + hour_ns, "9e999"),
    ]
    with closing(sqlite3.connect(spoiled.db)) as connection, connection:
        for start, end, g in rows:
            connection.execute(f"INSERT INTO grid_intensity VALUES ('uk', 'GB', 'direct', {start}, {end}, {g}, 0, 0)")
        connection.execute("UPDATE run SET zone = 'GB' WHERE id = ?", (VICTIM,))
    [found] = spoiled.json("footprint", VICTIM, "--basis", "direct")["footprints"]
    assert found["carbon"]["intensity_g_per_kwh"] == pytest.approx(100)


def test_on_a_server_too_only_the_damaged_runs_are_said_to_be_so(place: str, load: Any) -> None:
    """A server refuses what is of another type, but not a number or a word that cannot be true."""
    load(
        {
            "run": [
                run("a", tags='{"x":', settings="[", outcome="bogus", stage="zzz", duration_s=math.inf),
                run("b", status="completed", duration_s=5.0),
                run("c", status="completed", duration_s=1.0),
            ],
            "segment": [segment("s", "a", period_s=math.inf), segment("t", "b"), segment("u", "c")],
            "device": [device("gpu0", "s"), device("gpu0", "t", gain=math.inf), device("gpu0", "u")],
            "curve_point": [
                *(point(0, 0.0, "gpu0", "s"), point(10**9, -math.inf, "gpu0", "s"), point(0, 0.0, "gpu0", "t")),
                *(point(10**9, 5.0, "gpu0", "t"), point(0, 0.0, "gpu0", "u"), point(10**9, 7.0, "gpu0", "u")),
            ],
            "phase": [phase(n, segment_id="t", run_id="b", end_t_ns=2**63 - 1) for n in (1, 2)],
            "event": [{"segment_id": "t", "seq": 1, "device": None, "kind": "x", "t_ns": 0, "utc_ns": -(2**63), "detail": "x"}],
        }
    )
    store = Store.open(place)
    found = {member.run.id: member.entry for member in members(store, store.list_runs())}
    assert {run_id: entry["energy"]["total_j"] for run_id, entry in found.items()} == {"a": None, "b": None, "c": 7.0}
    assert {run_id: bool(entry["run"]["damage"]) for run_id, entry in found.items()} == {"a": True, "b": True, "c": False}
    for run_id, named in (("a", {"run.tags", "run.settings", "run.status", "run.stage", "segment.period_s"}), ("b", {"phase.end_t_ns"})):
        view = view_of(store, store.load(run_id))
        json.dumps(view, allow_nan=False)
        assert named <= columns(view)
        assert view["phases"] == []
    store.close()


def test_a_zone_that_nobody_knows_costs_the_grams_of_its_run_only(spoiled: Spoiled) -> None:
    spoiled.spoil(Cell("run", "zone", "text", every=True))
    alone = spoiled.call("footprint", VICTIM)
    assert isinstance(alone.exception, ConfigurationError)
    result = spoiled.call("footprint", VICTIM, *SOUND, "--json")
    assert f"run {VICTIM[:8]} has no grams: zone='abc' is not known" in result.stderr
    grams = {found["run"]["id"]: found["carbon"] for found in json.loads(result.stdout)["footprints"]}
    assert grams[VICTIM] is None
    assert all(grams[run_id]["total_g"] > 0 for run_id in SOUND)
    assert f"{VICTIM[:8]}  digits, completed: no grams" in spoiled.call("footprint", VICTIM, *SOUND).stdout


def test_what_a_phase_adds_may_have_negative_edges(tmp_path: Path) -> None:
    """It closes a gap between two others of its name."""
    db = tmp_path / "runs.db"
    put(db, "aaa", {"gpu0": 100.0}, phases={"load": 2})
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE phase_energy SET edge_low_j = -0.5, edge_high_j = -0.25 WHERE seq = 1")
    connection.close()
    store = Store.open(str(db))
    view = view_of(store, store.load("aaa"))
    store.close()
    assert (view["run"]["damage"], [phase["count"] for phase in view["phases"]]) == ([], [2])
    assert view["phases"][0]["energy_j"] == 50.0
