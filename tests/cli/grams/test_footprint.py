"""`trainwatt footprint`, and the footprint in `show`."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer

from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import World
from trainwatt.carbon.grid import providers
from trainwatt.carbon.grid.uk import UKCarbonIntensity
from trainwatt.carbon.series import iso
from trainwatt.carbon.tables.basis import lifecycle_of
from trainwatt.carbon.tables.spread import ESTIMATED, MEASURED
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError, RunNotFoundError
from trainwatt.storage.write.writer import Writer

J_PER_KWH = 3.6e6


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Two runs of one kilowatt-hour each: one completed, one failed."""
    path = tmp_path / "runs.db"
    writer = Writer.open(path)
    for name, status in (("aaa", "completed"), ("bbb", "failed")):
        end = {"status": status, "started_utc_ns": 0, "ended_utc_ns": 3600 * 10**9, "duration_s": 3600.0}
        writer.write(
            {
                "run": [run(name, zone="FR", **end)],
                "segment": [segment(f"s{name}", name)],
                "device": [device("gpu0", f"s{name}", gain=0.0)],
                "clock_anchor": [{"segment_id": f"s{name}", "monotonic_ns": 0, "utc_ns": 0, "boottime_ns": 0}],
                "curve_point": [point(0, 0.0, "gpu0", f"s{name}"), point(3600 * 10**9, J_PER_KWH, "gpu0", f"s{name}")],
            }
        )
    writer.close()
    return str(path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


def answer(*arguments: str) -> Any:
    result = call(*arguments, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


@pytest.mark.slow
def test_where_it_cannot_be_kept_it_is_computed_all_the_same(db: str) -> None:
    with closing(sqlite3.connect(db)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = call("footprint", "aaa", "--intensity", "600", "--json", "--db", db)
    assert result.exception is None
    [found] = json.loads(result.stdout)["footprints"]
    assert (found["footprint_id"], found["carbon"]["operational_g"]) == (None, pytest.approx(600))
    assert result.stderr.startswith("trainwatt: the footprint of aaa is not kept: ")


def test_terms_change_the_grams_and_every_computation_is_kept(db: str) -> None:
    [poland] = answer("footprint", "aaa", "--intensity", "600", "--pue", "1.5", "--db", db)["footprints"]
    [france] = answer("footprint", "aaa", "--intensity", "50", "--db", db)["footprints"]
    assert poland["carbon"]["operational_g"] == pytest.approx(900)
    assert france["carbon"]["operational_g"] == pytest.approx(50)
    kept = answer("show", "aaa", "--footprint", poland["footprint_id"], "--db", db)
    assert kept["carbon"] == poland["carbon"]
    assert answer("show", "aaa", "--db", db)["carbon"]["zone"] == "FR"


def test_failed_runs_are_on_their_own_line_and_in_the_total(db: str) -> None:
    sums = answer("footprint", "--project", "digits", "--intensity", "100", "--db", db)["total"]
    assert sums["completed"]["total_g"] == pytest.approx(100)
    assert sums["failed"]["total_g"] == pytest.approx(100)
    assert sums["all"]["total_g"] == pytest.approx(200)
    text = call("footprint", "--project", "digits", "--intensity", "100", "--db", db).stdout
    assert "failed: ≥ 100 g" in text
    assert "total: ≥ 200 g" in text


def test_one_run_is_shown_with_its_factors_within_80_columns(db: str) -> None:
    text = call("footprint", "aaa", "--db", db).stdout
    assert "grid intensity of France" in text
    assert "Ember" in text
    assert [line for line in text.splitlines() if len(line) > 80 and "://" not in line] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pue", "0.9"), "--pue 0.9: a site uses at least"),
        (("--intensity", "-1"), "--intensity -1"),
        (("--lifetime-years", "0"), "--lifetime-years 0"),
        (("--lifetime-utilization", "1.5"), "--lifetime-utilization 1.5"),
        (("--zone", "Frnace"), "Frnace"),
    ],
)
def test_bad_terms_are_named_with_reason_and_mend(db: str, arguments: tuple[str, ...], said: str) -> None:
    error = call("footprint", "aaa", *arguments, "--db", db).exception
    assert isinstance(error, ConfigurationError)
    assert said in str(error)


def test_no_run_and_no_such_footprint(db: str) -> None:
    assert isinstance(call("footprint", "--db", db).exception, ConfigurationError)
    assert isinstance(call("show", "aaa", "--footprint", "zz", "--db", db).exception, RunNotFoundError)


def test_refresh_asks_once_and_the_cache_answers_after(db: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the hour is known to the provider; the rest falls to the zone's own figure, on the provider's basis."""
    half = {"from": "1970-01-01T00:00Z", "to": "1970-01-01T00:30Z", "intensity": {"forecast": 90, "actual": 80, "index": "low"}}
    httpserver.expect_request(re.compile("/intensity/.*")).respond_with_json({"data": [half]})
    monkeypatch.setattr(providers, "providers", lambda _: [UKCarbonIntensity(base_url=httpserver.url_for(""))])
    [asked] = answer("footprint", "aaa", "--zone", "GB", "--refresh", "--db", db)["footprints"]
    calls = len(httpserver.log)
    [again] = answer("footprint", "aaa", "--zone", "GB", "--db", db)["footprints"]
    assert len(httpserver.log) == calls >= 1
    assert again["carbon"] == asked["carbon"]
    assert asked["carbon"]["intensity_source"].split(", ")[0] == "uk"


def test_a_provider_that_fails_is_said_and_the_zone_stands_in(db: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    httpserver.expect_request(re.compile("/intensity/.*")).respond_with_data("no", status=404)
    monkeypatch.setattr(providers, "providers", lambda _: [UKCarbonIntensity(base_url=httpserver.url_for(""))])
    result = call("footprint", "aaa", "--zone", "GB", "--refresh", "--json", "--db", db)
    assert "404" in result.stderr
    [plain] = answer("footprint", "aaa", "--zone", "GB", "--db", db)["footprints"]
    assert json.loads(result.stdout)["footprints"][0]["carbon"] == plain["carbon"]


def test_money_water_and_what_is_apart_are_printed_and_kept(db: str, tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("start,end,price_per_kwh\n1970-01-01T00:00Z,1970-01-01T01:00Z,0.30\n")
    options = ("--price-csv", str(prices), "--currency", "EUR", "--wue", "0.5", "--market-intensity", "12", "--unmeasured", "typical")
    text = call("footprint", "aaa", "--intensity", "100", *options, "--db", db).stdout
    for line in (
        "cost         ≥ 0.300 EUR at 0.3 a kWh",
        "water        0.500 L",
        "apart: ≥ 12.0 g operational as bought",
        "apart, not measured: fans",
    ):
        assert line in text
    assert text.startswith("≥ 100 g CO2e, basis unknown: operational only")
    [kept] = answer("footprint", "aaa", "--intensity", "100", *options, "--db", db)["footprints"]
    assert kept["carbon"]["cost"]["amount"] == pytest.approx(0.3)
    assert kept["energy"]["total_j"] == J_PER_KWH


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--unmeasured", "lots"), "--unmeasured lots: give a share"),
        (("--price-csv", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("--zone", "TM"), "--allow-suspect"),
        (("--format", "md", "--json"), "give one of them"),
        (("--hardware", "nowhere.csv"), "hardware file nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_read_or_meant_is_named(db: str, arguments: tuple[str, ...], said: str) -> None:
    error = call("footprint", "aaa", *arguments, "--db", db).exception
    assert isinstance(error, ConfigurationError)
    assert said in str(error)


def test_a_suspect_zone_can_be_asked_for(db: str) -> None:
    [found] = answer("footprint", "aaa", "--zone", "TM", "--allow-suspect", "--db", db)["footprints"]
    assert found["carbon"]["operational_g"] == pytest.approx(1306.3)
    assert "suspect" in [a["status"] for a in found["carbon"]["assumptions"]]


def test_show_uses_what_refresh_has_cached(db: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hour = [
        {"from": f"1970-01-01T00:{a}Z", "to": f"1970-01-01T{b}Z", "intensity": {"forecast": 1, "actual": 80, "index": "low"}}
        for a, b in (("00", "00:30"), ("30", "01:00"))
    ]
    httpserver.expect_request(re.compile("/intensity/.*")).respond_with_json({"data": hour})
    monkeypatch.setattr(providers, "providers", lambda _: [UKCarbonIntensity(base_url=httpserver.url_for(""))])
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE run SET zone = 'GB' WHERE id = 'aaa'")
        connection.commit()
    before = answer("show", "aaa", "--db", db)["carbon"]
    answer("footprint", "aaa", "--refresh", "--db", db)
    after = answer("show", "aaa", "--db", db)["carbon"]
    raised = lifecycle_of(80)  # the provider's values are direct
    assert before["operational_g"] != pytest.approx(raised.central)
    assert (after["operational_g"], after["intensity_source"]) == (pytest.approx(raised.central), "uk")
    assert after["operational_low_g"] == pytest.approx(raised.low / MEASURED.below)
    assert after["operational_high_g"] == pytest.approx(raised.high * MEASURED.above)
    assert (after["intensity_basis"], after["assumptions"][0]["grid"]["derived_from"]) == ("lifecycle", "direct")
    direct = answer("footprint", "aaa", "--basis", "direct", "--db", db)["footprints"][0]["carbon"]
    assert (direct["operational_g"], direct["assumptions"][0]["grid"]["derived_from"]) == (pytest.approx(80), None)


def test_refresh_without_a_zone_says_that_there_is_nothing_to_ask_for(db: str) -> None:
    assert "nothing to ask for" in call("footprint", "aaa", "--intensity", "5", "--refresh", "--db", db).stderr


def test_runs_whose_grids_are_published_on_different_bases_are_added_on_one(db: str) -> None:
    """France has a life-cycle figure only, and California a direct one only."""
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE run SET zone = 'US-CA' WHERE id = 'bbb'")
        connection.commit()
    for basis in ("lifecycle", "direct"):
        found = answer("footprint", "aaa", "bbb", "--basis", basis, "--db", db)
        grids = [each["carbon"]["assumptions"][0]["grid"] for each in found["footprints"]]
        assert [each["carbon"]["intensity_basis"] for each in found["footprints"]] == [basis, basis]
        assert grids[1]["derived_from"] == ("direct" if basis == "lifecycle" else None)
        assert found["total"]["all"]["total_g"] == pytest.approx(sum(each["carbon"]["total_g"] for each in found["footprints"]))
    text = call("footprint", "aaa", "bbb", "--db", db).stdout
    assert text.count(", life-cycle") == 5  # both runs, both sums by status, and the total


def test_zones_are_put_side_by_side_on_one_basis(db: str) -> None:
    """France and Quebec; and the clouds in Stockholm, of which one publishes a direct figure and the others none."""
    zones = ("--zone", "fr", "--zone", "Québec", "--zone", "gcp:europe-north2", "--zone", "Sweden", "--zone", "FR")
    found = answer("footprint", "aaa", "bbb", *zones, "--db", db)
    assert set(found) == {"schema_version", "zones"}
    assert [each["zone"] for each in found["zones"]] == ["FR", "CA-QC", "gcp:europe-north2", "SE"]
    carbons = [each["footprints"][0]["carbon"] for each in found["zones"]]
    assert {carbon["intensity_basis"] for carbon in carbons} == {"lifecycle"}
    france, quebec, cloud, sweden = [(c["operational_low_g"], c["operational_high_g"]) for c in carbons]
    assert cloud[0] < sweden[1]
    assert sweden[0] < cloud[1]
    assert quebec[1] > france[0]
    for each in found["zones"]:
        assert each["total"]["all"]["total_g"] == pytest.approx(sum(f["carbon"]["total_g"] for f in each["footprints"]))
        assert all(f["footprint_id"] for f in each["footprints"])
    text = call("footprint", "aaa", "bbb", *zones, "--db", db).stdout
    assert text.startswith("CO2e of 2 runs in 4 zones, life-cycle\n")
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["FR", "CA-QC", "gcp:europe-north2", "SE"]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--basis", "mixed"), "--basis mixed: there are two bases, which cannot be mixed"),
        (("--basis", "direct", "--basis", "life-cycle"), "--basis direct and --basis life-cycle: grams on different bases cannot be added"),
        (("--basis", "direct", "--intensity-csv", "grid.csv"), "--basis direct and grid.csv, whose values are lifecycle"),
        (("--zone", "FR", "--zone", "DE", "--intensity", "50"), "--intensity with 2 zones"),
        (("--zone", "FR", "--zone", "DE", "--format", "md"), "--format md with 2 zones"),
        (("--zone", "FR", "--zone", "Frnace"), "--zone Frnace is not known"),
        (("--zone", "XX"), "--zone XX is not known"),
        (("--zone", "Georgia"), "--zone Georgia is the name of 2 zones"),
        (("--zone", "aws"), "--zone aws is not known"),
        (("--zone", "TM"), "--zone TM: the only figure of Turkmenistan"),
    ],
)
def test_what_would_mix_bases_or_grids_is_refused_by_name(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("grid.csv").write_text("start,end,intensity_g_per_kwh,basis\n1970-01-01T00:00Z,1970-01-01T01:00Z,80,life-cycle\n")
    error = call("footprint", "aaa", *arguments, "--db", db).exception
    assert isinstance(error, ConfigurationError)
    assert said in str(error)


@pytest.mark.parametrize("command", [("compare", "aaa", "bbb"), ("report", "aaa", "-o", "r.md")])
def test_elsewhere_a_second_zone_is_not_dropped_silently(db: str, command: tuple[str, ...]) -> None:
    error = call(*command, "--zone", "FR", "--zone", "DE", "--db", db).exception
    assert isinstance(error, ConfigurationError)
    assert "--zone FR and --zone DE" in str(error)


def test_a_series_of_the_user_has_a_range_and_is_converted(db: str, tmp_path: Path) -> None:
    """No value over time is exact; an estimated one is less so."""
    file = tmp_path / "grid.csv"
    rows = ("1970-01-01T00:00Z,1970-01-01T00:30Z,100,no,direct", "1970-01-01T00:30Z,1970-01-01T01:00Z,100,yes,direct")
    file.write_text("\n".join(("start,end,intensity_g_per_kwh,estimated,basis", *rows)))
    [direct] = answer("footprint", "aaa", "--intensity-csv", str(file), "--basis", "direct", "--db", db)["footprints"]
    got = [direct["carbon"][f"operational{end}_g"] for end in ("", "_low", "_high")]
    lows, highs = 50 / MEASURED.below + 50 / ESTIMATED.below, 50 * MEASURED.above + 50 * ESTIMATED.above
    assert got == pytest.approx([100, lows, highs])
    [raised] = answer("footprint", "aaa", "--intensity-csv", str(file), "--db", db)["footprints"]
    assert raised["carbon"]["operational_g"] == pytest.approx(lifecycle_of(100).central)
    assert raised["carbon"]["operational_low_g"] < lifecycle_of(100).low
    assert raised["carbon"]["operational_high_g"] > lifecycle_of(100).high
    assert raised["carbon"]["assumptions"][0]["name"].endswith(", lifecycle derived from direct")


@pytest.mark.parametrize(("form", "has"), [("text", "References"), ("md", "```bibtex"), ("tex", r"\\begin{tabular}")])
def test_a_project_as_what_a_paper_needs(db: str, form: str, has: str) -> None:
    text = call("footprint", "--project", "digits", "--format", form, "--db", db).stdout
    assert has in text.replace("\\", "\\\\")
    for word in ("completed", "failed", "France"):
        assert word in text


def test_what_is_given_is_named_and_what_does_not_apply_is_said(db: str, tmp_path: Path) -> None:
    """A series of another year is not cited; an intensity of one's own is not called the world's."""
    old = tmp_path / "old.csv"
    old.write_text("start,end,intensity_g_per_kwh\n2020-01-01T00:00Z,2020-01-02T00:00Z,1\n")
    prices = tmp_path / "prices.csv"
    prices.write_text("start,end,price_per_kwh\n2020-01-01T00:00Z,2020-01-02T00:00Z,1\n")
    result = call("footprint", "aaa", "--intensity-csv", str(old), "--price-csv", str(prices), "--json", "--db", db)
    for path in (old, prices):
        assert f"{path} has no value for the time of run aaa" in result.stderr
    [found] = json.loads(result.stdout)["footprints"]
    assert found["carbon"]["cost"] is None
    assert "old.csv" not in json.dumps(found["carbon"])
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE run SET zone = NULL, settings = '{\"intensity_g_per_kwh\": 50}' WHERE id = 'aaa'")
        connection.commit()
    assert "at 50 g/kWh, as given" in call("show", "aaa", "--db", db).stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (("--project", "nope"), RunNotFoundError, "no run of project 'nope'"),
        (("aaa", "--pue", "120"), ConfigurationError, "--pue 120: no site uses ten times"),
        (("aaa", "--zone", "auto"), ConfigurationError, "only a run that is being tracked"),
        (("aaa", "--currency", "EUR"), ConfigurationError, "there is no price"),
    ],
)
def test_more_that_cannot_be(db: str, arguments: tuple[str, ...], kind: type[Exception], said: str) -> None:
    error = call("footprint", *arguments, "--db", db).exception
    assert isinstance(error, kind)
    assert said in str(error)


# ---- files of series that are no plain files


HOURLY = ["start,intensity_g_per_kwh", *(f"1970-01-01T{hour:02d}:00Z,{100 + hour}" for hour in range(3))]


def with_csv(world: World, path: str) -> Any:
    ended = world.call("footprint", "aaa", "--intensity-csv", path, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["footprints"][0]["carbon"]


@pytest.fixture
def stored(db: str, world: World) -> World:
    """A machine whose database has the two runs."""
    world.db.parent.mkdir()
    Path(db).rename(world.db)
    return world


def test_a_series_may_come_through_a_pipe(stored: World, tmp_path: Path) -> None:
    """As from `--intensity-csv <(zcat grid.csv.gz)`. It is read once, so its rows must be in order."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for lines, message in ((HOURLY, None), ([HOURLY[0], *reversed(HOURLY[1:])], "its rows are not in order of time")):
        writer = threading.Thread(target=pipe.write_text, args=("\n".join(lines) + "\n",))
        writer.start()
        if message is None:
            assert with_csv(stored, str(pipe))["operational_g"] == pytest.approx(100)
        else:
            ended = stored.call("footprint", "aaa", "--intensity-csv", str(pipe))
            assert (ended.returncode, message in ended.stderr) == (2, True)
        writer.join()


def test_a_file_in_any_order_gives_the_same_grams(stored: World, tmp_path: Path) -> None:
    for lines in (HOURLY, [HOURLY[0], *reversed(HOURLY[1:])]):
        (tmp_path / "grid.csv").write_text("\ufeff" + "\r\n".join(lines))
        assert with_csv(stored, str(tmp_path / "grid.csv"))["operational_g"] == pytest.approx(100)


def test_a_file_without_an_end_is_refused(stored: World, tmp_path: Path) -> None:
    (tmp_path / "cell.csv").write_text(HOURLY[0] + ",price_per_kwh" + '\n"' + "1" * 200_000)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    for path, message in (
        ("/dev/zero", "line 1 has more than"),
        (tmp_path / "cell.csv", "line 2 has more"),
        (tmp_path / "binary.csv", "UTF-8"),
    ):
        for option in ("--intensity-csv", "--price-csv"):
            ended = stored.call("footprint", "aaa", option, str(path))
            assert (ended.returncode, message in ended.stderr) == (2, True), ended.stderr
            assert "Traceback" not in ended.stderr
            assert len(ended.stderr) < 400


def test_the_times_of_several_runs_are_kept_and_no_other(stored: World, tmp_path: Path) -> None:
    """Two runs a year apart: each has its own hour, of a file that has every hour."""
    year_ns = 365 * 86_400 * 10**9
    with closing(sqlite3.connect(stored.db)) as connection, connection:
        connection.execute(f"UPDATE run SET started_utc_ns = {year_ns}, ended_utc_ns = {year_ns + 3600 * 10**9} WHERE id = 'bbb'")
        connection.execute(f"UPDATE clock_anchor SET utc_ns = {year_ns} WHERE segment_id = 'sbbb'")
    rows = "".join(f"{iso(hour * 3600 * 10**9)},{100 + hour // 24}\n" for hour in range(366 * 24))
    (tmp_path / "grid.csv").write_text(f"{HOURLY[0]}\n{rows}")
    ended = stored.call("footprint", "aaa", "bbb", "--intensity-csv", str(tmp_path / "grid.csv"), "--json")
    grams = [f["carbon"]["operational_g"] for f in json.loads(ended.stdout)["footprints"]]
    assert grams == pytest.approx([100, 465])


# ---- a footprint that is computed again


def test_a_footprint_computed_again_says_which_factors_changed_and_by_how_much(db: str) -> None:
    first = answer("footprint", "aaa", "--intensity", "386", "--pue", "1.2", "--db", db)["footprints"][0]
    assert first["previous"] is None
    text = call("footprint", "aaa", "--intensity", "375", "--pue", "1.2", "--db", db).stdout
    assert re.search(r"^kept on \d{4}-\d\d-\d\d: 463 g; now 450 g$", text, re.MULTILINE)
    assert "  grid intensity: 386 → 375 g/kWh\n" in text
    assert "PUE: " not in text.partition("kept on")[2]
    [again] = answer("footprint", "aaa", "--zone", "FR", "--db", db)["footprints"]
    changed = {c["kind"]: (c["was"], c["now"], c["was_year"]) for c in again["previous"]["changes"]}
    assert changed == {"grid-intensity": (375.0, again["carbon"]["intensity_g_per_kwh"], None), "pue": (1.2, 1.0, None)}
    assert "the same now" in call("footprint", "aaa", "--zone", "FR", "--db", db).stdout


def test_a_kept_footprint_of_an_earlier_version_is_compared_with(db: str) -> None:
    """It has factors in words only, and the intensity of another year."""
    [new] = answer("footprint", "aaa", "--zone", "FR", "--db", db)["footprints"]
    carbon = new["carbon"]
    for factor in carbon["assumptions"]:
        for name in ("kind", "evidence", "grid", "pue_kind", "host"):
            del factor[name]
        if factor["name"].startswith("grid"):
            factor |= {"value": 386.0, "year": 2019}
    del carbon["ranges"], carbon["left_out_codes"]
    carbon["total_g"] = 386.0
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE footprint SET result = ?", (json.dumps(carbon),))
    text = call("footprint", "aaa", "--zone", "FR", "--db", db).stdout.partition("kept on")[2]
    assert ": 386 g; now " in text
    assert re.search(r"grid intensity of France, lifecycle: 386 → [\d.]+ g/kWh \(2019 → \d{4}\)", text)
    assert len(text.partition("\n\n")[0].splitlines()) == 2


def test_a_damaged_footprint_does_not_end_the_computation_of_another(db: str) -> None:
    answer("footprint", "aaa", "--zone", "FR", "--db", db)
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE footprint SET result = '[1'")
    result = call("footprint", "aaa", "--zone", "FR", "--db", db)
    assert result.exception is None
    assert "that footprint is damaged" in result.stderr


def recorded(db: str, run_id: str, **settings: Any) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE run SET settings = ? WHERE id = ?", (json.dumps(settings), run_id))
        connection.commit()


def test_the_basis_in_the_settings_of_a_run_is_that_of_its_grams(db: str) -> None:
    recorded(db, "aaa", basis="direct")
    carbon = answer("show", "aaa", "--db", db)["carbon"]
    asked = answer("footprint", "aaa", "--basis", "direct", "--db", db)["footprints"][0]["carbon"]
    assert (carbon["intensity_basis"], carbon["operational_g"]) == ("direct", asked["operational_g"])
    [other] = answer("footprint", "aaa", "--basis", "lifecycle", "--db", db)["footprints"]
    assert (other["carbon"]["intensity_basis"], other["carbon"]["operational_g"]) == ("lifecycle", pytest.approx(44.2))
    text = call("footprint", "aaa", "--zone", "FR", "--zone", "NO", "--db", db).stdout
    assert text.startswith("CO2e of aaa in 2 zones, direct\n")


def test_runs_that_recorded_different_bases_are_never_added(db: str) -> None:
    recorded(db, "bbb", basis="direct")
    error = call("footprint", "aaa", "bbb", "--db", db).exception
    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        "the settings of these runs have different bases, direct (bbb) and lifecycle (aaa): such grams cannot be added; put all runs on"
        " one, with --basis lifecycle or --basis direct"
    )
    for basis in ("lifecycle", "direct"):
        found = answer("footprint", "aaa", "bbb", "--basis", basis, "--db", db)["footprints"]
        assert [each["carbon"]["intensity_basis"] for each in found] == [basis, basis]
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT count(*) FROM footprint").fetchone() == (4,)  # the refused ones are not kept


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_report_adds_no_grams_on_different_bases(db: str, form: str, tmp_path: Path) -> None:
    recorded(db, "bbb", basis="direct")
    written = ("report", "aaa", "bbb", "-o", str(tmp_path / f"report.{form}"), "--db", db)
    error = call(*written).exception
    assert isinstance(error, ConfigurationError)
    assert "different bases, direct (bbb) and lifecycle (aaa)" in str(error)
    assert not (tmp_path / f"report.{form}").exists()
    assert call(*written, "--basis", "direct").exception is None
    assert [
        each["carbon"]["intensity_basis"]
        for each in json.loads(call("report", "aaa", "bbb", "--format", "json", "-o", "-", "--db", db).stdout)["runs"]
    ] == [
        "lifecycle",
        "direct",
    ]


def test_an_intensity_in_the_settings_of_a_run_has_the_basis_beside_it(db: str) -> None:
    """The other basis is derived from it, with a range; without a stated basis it stays as it is, and unknown."""
    recorded(db, "aaa", basis="direct", intensity_g_per_kwh=80)
    carbon = answer("show", "aaa", "--db", db)["carbon"]
    assert (carbon["intensity_basis"], carbon["operational_g"]) == ("direct", pytest.approx(80))
    raised, derived = lifecycle_of(80), answer("show", "aaa", "--basis", "lifecycle", "--db", db)["carbon"]
    assert derived["intensity_basis"] == "lifecycle"
    assert [derived[f"operational{end}_g"] for end in ("", "_low", "_high")] == pytest.approx(list(raised))
    assert (derived["assumptions"][0]["evidence"], derived["assumptions"][0]["grid"]["derived_from"]) == ("derived", "direct")
    recorded(db, "aaa", intensity_g_per_kwh=80)
    unknown = answer("show", "aaa", "--basis", "lifecycle", "--db", db)["carbon"]
    assert (unknown["intensity_basis"], unknown["operational_g"]) == (None, pytest.approx(80))


@pytest.mark.parametrize("basis", ["market", 3, None, "life cycle"])
def test_a_damaged_basis_in_the_settings_of_a_run_does_not_count(db: str, basis: object) -> None:
    recorded(db, "aaa", basis=basis)
    assert answer("show", "aaa", "--db", db)["carbon"]["intensity_basis"] == "lifecycle"
