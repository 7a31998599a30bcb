"""`trainwatt list` beyond its filters: orders, columns, groups, sums and formats."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

import pytest
from rich.cells import cell_len

import trainwatt
from tests.fakes.compared import put
from tests.fakes.world import MakeWorld, World
from trainwatt.energy.intervals import Interval, between, interval
from trainwatt.presentation.words.quantities import format_range
from trainwatt.storage.read.records import DeviceRow
from trainwatt.storage.read.store import Store

HOSTILE = "a\x1b[31m <script>alert(1)</script> [red]x[/red] | 😀 \n" + "n" * 300
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)")


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A machine whose database has five runs, e the newest."""
    made = make_world(package_w=0, gpus_w=())
    put(made.db, "a", {"gpu0": 100.0, "package-0": 40.0}, project="vision", name="beta", group_name="sweep", at_s=0, seconds=10)
    put(made.db, "b", {"gpu0": 900.0}, project="text", name="Alpha", group_name="sweep", at_s=100, seconds=40)
    put(made.db, "c", {}, project="text", at_s=200, seconds=30)
    put(made.db, "d", {"gpu0": 300.0}, project="vision", name="gamma", at_s=300, seconds=20, status="failed")
    put(made.db, "e", {"gpu0": 300.0, "dram-0": 1.0}, project="text", name="delta", at_s=400, seconds=50, slack=0.1)
    return made


def reads(world: World, *arguments: str, **environ: str) -> str:
    ended = world.call("list", *arguments, **environ)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


def order(world: World, *arguments: str) -> str:
    return "".join(entry["run"]["id"] for entry in json.loads(reads(world, "--json", *arguments))["runs"])


def cells(world: World, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reads(world, "--format", "csv", *arguments), newline="")))


@pytest.mark.parametrize("width", [20, 40, 60, 70, 80, 100])
def test_where_there_is_little_room_columns_are_left_out_and_no_figure_is_cut(world: World, width: int) -> None:
    whole, shown = reads(world, COLUMNS="200"), reads(world, COLUMNS=str(width))
    figures = [line.split("  ") for line in whole.splitlines()[1:6]]
    energies = [next(cell.strip() for cell in line if cell.strip().endswith((" J", " Wh", "–"))) for line in figures]
    for energy, line in zip(energies, shown.splitlines()[1:6], strict=True):
        assert energy in line
        assert "…" not in line.partition(energy)[2]
    assert all(cell_len(line) <= width for line in shown.splitlines()[:6])
    assert ("no room for: " in " ".join(shown.split())) is (width < 70)


@pytest.mark.parametrize(
    ("sort", "there", "back"),
    [
        ("started", "edcba", "abcde"),
        ("energy", "bedac", "adebc"),  # what has no energy comes last either way
        ("each", "bedac", "adebc"),
        ("duration", "ebcda", "adcbe"),
        ("project", "cbead", "daebc"),
        ("name", "baedc", "deabc"),
    ],
)
def test_orders(world: World, sort: str, there: str, back: str) -> None:
    assert order(world, "--sort", sort) == there
    assert order(world, "--sort", sort, "--reverse") == back


def test_an_order_is_that_of_all_runs_and_not_of_the_page(world: World) -> None:
    assert order(world, "--sort", "energy", "--limit", "1") == "b"
    assert order(world, "--sort", "energy", "--reverse", "--limit", "2") == "ad"
    assert order(world, "--sort", "energy", "--limit", "2", "--project", "vision") == "da"
    assert order(world, "--sort", "duration", "--limit", "1") == "e"


def test_equal_runs_stay_newest_first(world: World) -> None:
    put(world.db, "f", {"gpu0": 900.0}, project="text", at_s=500)
    assert order(world, "--sort", "energy", "--limit", "2") == "fb"
    assert order(world, "--sort", "energy", "--reverse")[-3:] == "fbc"


@pytest.mark.parametrize("arguments", [[], ["--limit", "2"], ["--project", "text"]])
def test_the_newest_page_reads_its_own_devices_only(world: World, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = Store.devices

    def counted(store: Store, ids: list[str]) -> object:
        asked.append(len(ids))
        return original(store, ids)

    def devices(store: Store, run_ids: Iterable[str]) -> dict[str, list[DeviceRow]]:
        found = original(store, run_ids)
        asked.append(len(found))
        return found

    monkeypatch.setattr(Store, "devices", devices)
    reads(world, *arguments)
    assert asked == [{"--limit": 2, "--project": 3}.get((arguments or [""])[0], 5)]


# ---- columns


def test_columns_are_chosen_and_ordered(world: World) -> None:
    header, first, *_ = reads(world, "--columns", "energy, NAME,run", "--sort", "energy").splitlines()
    assert header.split() == ["energy", "name", "run"]
    assert first.split() == ["900", "J", "Alpha", "b"]
    header, first, *_ = reads(world, "--columns", "project").splitlines()
    assert first.strip() == "text/delta"
    assert reads(world, "--columns", "project,name").splitlines()[1].split() == ["text", "delta"]


def test_every_column_can_be_shown(world: World) -> None:
    every = "run,started,ended,project,name,group,stage,status,time,energy,range,error,measured,work,each,host,commit,command,tags"
    shown = reads(world, "--columns", every, COLUMNS="300")
    assert "300 J (285–315)" in shown
    assert "node-a" in shown


def test_a_sweep_is_ranked_by_what_a_sample_took(world: World) -> None:
    put(world.db, "f", {"gpu0": 600.0}, samples=100_000, at_s=500)
    put(world.db, "g", {"gpu0": 600.0}, samples=0, at_s=600)
    assert order(world, "--sort", "each", "--reverse") == "fadebgc"  # what counted nothing, or has no energy, comes last
    shown = reads(world, "--columns", "run,work,each", "--sort", "each", "--reverse").splitlines()
    assert shown[1].split() == ["f", "100,000", "samples", "0.00600", "J/sample"]
    assert shown[6].split() == ["g"]
    [cheapest, *_] = cells(world, "--columns", "run,work,each", "--sort", "each", "--reverse")
    assert cheapest == {"id": "f", "work": '{"samples": 100000}', "work_partial": "false", "unit": "samples", "energy_each_j": "0.006"}


@pytest.mark.parametrize("column", ["energy", "range", "each"])
@pytest.mark.parametrize("by", [False, True])
def test_a_column_of_energies_has_one_unit(world: World, column: str, by: bool) -> None:
    put(world.db, "f", {"gpu0": 2174.0}, at_s=500, project="f", samples=1)
    put(world.db, "g", {"gpu0": 7236.0}, at_s=600, project="g", samples=1)
    shown = reads(world, "--by", "project") if by else reads(world, "--columns", f"run,{column}")
    rows = shown.splitlines()[1:-1]
    assert {unit for unit in ("mJ", "J", "Wh", "kWh") for row in rows if f" {unit}" in row} == {"Wh"}
    text = reads(world, "--columns", f"run,{column}", "--format", "md")
    assert "2.01 Wh" in text
    assert "0.604 Wh" in text
    assert " J" not in text.partition("\n\n")[0]


def test_what_is_not_all_measured_never_reads_100_percent(world: World) -> None:
    put(world.db, "f", {"gpu0": 9970.0}, at_s=500)
    put(world.db, "g", {"gpu0": 20.0}, at_s=600)
    with sqlite3.connect(world.db) as connection:
        for run_id, counter_j, modelled_j in (("f", 9970.0, 30.0), ("g", 0.02, 9.98)):
            sql = "UPDATE curve_point SET counter_j = ?, modelled_j = ? WHERE segment_id = ? AND t_ns > 0"
            connection.execute(sql, (counter_j, modelled_j, f"seg-{run_id}"))
    rows = {line.split()[0]: line.rstrip() for line in reads(world, "--columns", "run,measured").splitlines()}
    assert rows["f"].endswith(">99 %")
    assert rows["g"].endswith("<1 %")
    assert rows["a"].endswith(" 100 %")
    for command in (["show", "f"], ["watch", "f"], ["compare", "f", "g"]):
        assert ">99 % measured" in world.call(*command).stdout
    assert ">99 % measured" in str(trainwatt.Summary.load(str(world.db), "f"))
    assert "counter >99 % + modelled <1 %" in world.call("show", "f", COLUMNS="140").stdout
    assert "&gt;99 %" in trainwatt.runs(world.db, project="digits")._repr_html_()


def test_one_is_one(world: World) -> None:
    put(world.db, "f", {"gpu0": 900.0}, at_s=500, samples=1)
    assert reads(world, "--columns", "run,work").splitlines()[1].split() == ["f", "1", "sample"]
    assert "\n1 sample, each 900 J" in world.call("show", "f").stdout
    assert "· 1 sample" in world.call("watch", "f").stdout


@pytest.mark.parametrize(
    ("start", "end"), [("resnet-50-imagenet-with-a-long-warm-up-xx/", ""), ("", "/resnet-50-imagenet-with-a-long-warm-up-xx")]
)
def test_the_runs_of_a_sweep_can_be_told_apart_at_80_columns(world: World, start: str, end: str) -> None:
    for n, each in enumerate(itertools.product(("0.1", "0.01", "0.001"), ("0", "1e-2", "1e-3", "1e-4"))):
        put(world.db, f"run{n:02d}", {"gpu0": 9.0}, at_s=500.0 + n, project="sweep", name=f"{start}lr={each[0]}-wd={each[1]}{end}")
    lines = reads(world, "--project", "sweep").splitlines()[1:13]
    shown = [line.split("  ")[2].strip() for line in lines]
    assert len(set(shown)) == 12, shown
    assert all(cell_len(line.rstrip()) <= 80 for line in lines)


@pytest.mark.parametrize("columns", ["watts", "run,,energy", "", "run,run"])
def test_an_unknown_column_names_those_there_are(world: World, columns: str) -> None:
    ended = world.call("list", "--columns", columns)
    assert (ended.returncode, ended.stdout) == (2, "")
    for words in ("--columns", "started", "measured", "tags"):
        assert words in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--columns", "run", "--json"], ["--columns", "run", "--by", "project"], ["--sort", "each", "--by", "project"],
     ["--json", "--format", "md"], ["--sort", "size"],
     ["--format", "xls"], ["--by", "host"]],
)  # fmt: skip
def test_what_does_not_go_together_is_exit_code_2(world: World, arguments: list[str]) -> None:
    ended = world.call("list", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")


# ---- sums


def whole(world: World, *ids: str) -> Interval:
    """Energy and range of runs taken together, worked out from the curves themselves."""
    store = Store.open(str(world.db))
    try:
        devices = [d for found in store.devices(ids).values() for d in found]
    finally:
        store.close()
    return interval(between(d.first, d.last, d.gain, d.gain_class) for d in devices if d.first and d.last)


def test_the_last_line_is_the_sum_of_those_listed(world: World) -> None:
    last = reads(world).splitlines()[-1]
    assert last == f"5 runs · 2m 30s · ≥ {format_range(*whole(world, 'a', 'b', 'd', 'e'))} · 1 without energy"
    last = reads(world, "--limit", "2").splitlines()[-1]
    assert last == f"2 runs · 1m 10s · {format_range(*whole(world, 'd', 'e'))} · more: --limit"
    assert len(reads(world, "--project", "vision", "--limit", "1").splitlines()) == 3
    assert len(reads(world, "--columns", "run", "--status", "failed").splitlines()) == 2  # one run is its own sum


def test_scale_errors_of_one_class_add_up_over_runs_and_classes_do_not(world: World) -> None:
    groups = json.loads(reads(world, "--json", "--by", "project"))["groups"]
    vision = next(g for g in groups if g["project"] == "vision")["energy"]
    half = (vision["high_j"] - vision["low_j"]) / 2
    assert half == pytest.approx(((0.05 * 400) ** 2 + (0.03 * 40) ** 2) ** 0.5)


def test_by_project_has_a_line_each_with_the_sum(world: World) -> None:
    header, *lines, last = reads(world, "--by", "project").splitlines()
    assert header.split()[:4] == ["project", "newest", "runs", "time"]
    assert [line.split()[0] for line in lines] == ["text", "vision"]
    assert f"≥ {format_range(*whole(world, 'b', 'e'))}" in lines[0]
    assert format_range(*whole(world, "a", "d")) in lines[1]
    assert last.startswith("5 runs in 2 projects · 2m 30s · ≥")
    assert [line.split()[0] for line in reads(world, "--by", "project", "--sort", "name", "--reverse").splitlines()[1:3]] == [
        "vision",
        "text",
    ]
    cut = reads(world, "--by", "project", "--limit", "1")
    assert "vision" not in cut
    assert " ".join(cut.split()).endswith("1 without energy · more: --limit")  # the sum is that of all


def test_by_group_counts_those_without_one_apart(world: World) -> None:
    found = json.loads(reads(world, "--json", "--by", "group", "--sort", "energy"))
    assert (found["schema_version"], found["by"]) == (1, "group")
    assert [(g["group"], g["runs"], g["runs_without_energy"], g["duration_s"]) for g in found["groups"]] == [
        ("sweep", 2, 0, 50.0), (None, 3, 1, 100.0),
    ]  # fmt: skip
    assert found["total"]["energy"]["total_j"] == pytest.approx(sum(g["energy"]["total_j"] for g in found["groups"]))
    assert (found["total"]["runs"], found["total"]["energy"]["lower_bound"]) == (5, True)
    assert "(none)" in reads(world, "--by", "group")


def test_by_stage_has_a_line_for_each_stage_of_a_models_life(world: World) -> None:
    put(world.db, "f", {"gpu0": 1.0}, stage="data", at_s=500)
    put(world.db, "g", {"gpu0": 2.0}, stage="training", at_s=600)
    found = json.loads(reads(world, "--by", "stage", "--sort", "name", "--json"))
    assert [(g["stage"], g["runs"]) for g in found["groups"]] == [("data", 1), ("training", 1), (None, 5)]


def test_one_run_alone_has_the_figures_of_the_run(world: World) -> None:
    [group] = json.loads(reads(world, "--json", "--by", "group", "--status", "failed"))["groups"]
    [run] = json.loads(reads(world, "--json", "--status", "failed"))["runs"]
    assert group["energy"] == run["energy"]


# ---- formats


def test_csv_has_figures_in_full(world: World) -> None:
    rows = cells(world)
    assert [row["id"] for row in rows] == list("edcba")
    view = world.show("e")
    e = rows[0]
    assert (float(e["energy_j"]), float(e["low_j"]), float(e["high_j"])) == tuple(view["energy"][k] for k in ("total_j", "low_j", "high_j"))
    assert (e["started_at"], float(e["duration_s"]), e["project"], e["name"]) == (view["run"]["started_at"], 50.0, "text", "delta")
    assert rows[2]["energy_j"] == ""  # not 0
    assert list(cells(world, "--columns", "name,range")[0]) == ["name", "energy_j", "low_j", "high_j"]
    assert [row["project"] for row in cells(world, "--by", "project")] == ["text", "vision"]
    assert reads(world, "--format", "csv", "--project", "none").count("\n") == 1


@pytest.mark.parametrize("formula", FORMULAS)
def test_text_never_becomes_a_formula(world: World, formula: str) -> None:
    put(world.db, "f", {"gpu0": 1.0}, project=formula, name=formula, group_name=formula, command=formula, host=formula, at_s=500)
    row = cells(world)[0]
    for column in ("project", "name", "group", "command", "host"):
        assert row[column] == f"'{formula}"
    assert cells(world, "--by", "group")[0]["group"] == f"'{formula}"


def test_names_are_shown_as_text(world: World) -> None:
    put(
        world.db,
        "f",
        {"gpu0": 1.0},
        project=HOSTILE,
        name="[/red]",
        group_name=HOSTILE,
        command=HOSTILE,
        tags=json.dumps({HOSTILE: HOSTILE}),
        at_s=500,
    )
    every = "run,project,name,group,command,tags,energy"
    shown = reads(world, "--columns", every)
    assert "\x1b" not in shown
    assert "[/red]" in shown
    assert "1.00 J" in shown
    assert [line for line in shown.splitlines() if cell_len(line.rstrip()) > 80] == []
    assert len(shown.splitlines()) == 8
    page = reads(world, "--columns", every, "--format", "md")
    assert "\x1b" not in page
    assert "<script>" not in page.replace("\\<script\\>", "")
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert (len(table), {line.replace("\\|", "").count("|") for line in table}) == (8, {8})
    row = cells(world)[0]
    assert row["name"] == "[/red]"
    assert row["project"].startswith("a [31m <script>alert(1)</script> [red]x[/red] | 😀 nnn")
    for by in ("project", "group"):
        grouped = reads(world, "--by", by)
        assert "\x1b" not in grouped
        assert [line for line in grouped.splitlines() if cell_len(line.rstrip()) > 80] == []


def test_json_is_what_it_was(world: World) -> None:
    assert reads(world, "--format", "json") == reads(world, "--json")
    found: dict[str, Any] = json.loads(reads(world, "--json"))
    assert set(found) == {"schema_version", "runs"}
    assert {key for entry in found["runs"] for key in entry} == {"run", "energy", "work", "unit", "per_unit"}


def test_markdown_is_one_table_with_the_sum_below(world: World) -> None:
    lines = reads(world, "--format", "md").splitlines()
    assert lines[0] == "| run | started | project | status | time | energy | ± | measured |"
    assert lines[2].startswith("| e | ")
    assert lines[-1].startswith("5 runs · ")


def test_nothing_found_says_so_in_every_format(world: World) -> None:
    for arguments in (["--format", "md"], ["--by", "project"], ["--sort", "energy"]):
        ended = world.call("list", "--project", "none", *arguments)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "no runs match\n")
    assert json.loads(reads(world, "--project", "none", "--by", "project", "--json"))["groups"] == []
