"""Figures of one unit of work, of any name: in `show`, `list`, `compare`, `export`, `footprint` and `report`."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.fakes.compared import put
from tests.fakes.world import MakeWorld, World

NODE = {"gpu0": 12_000.0, "package-0": 6_000.0}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A machine with two runs of a service, and one that counted nothing."""
    world = make_world(package_w=0, gpus_w=())
    put(world.db, "aaa", NODE, work={"requests": 200, "tokens": 90_000, "queries": 3}, zone="FR")
    put(
        world.db, "bbb", {name: 2 * joules for name, joules in NODE.items()}, work={"requests": 200, "tokens": 90_000}, at_s=1000, zone="FR"
    )
    put(world.db, "ccc", NODE, work={}, at_s=2000, zone="FR")
    return world


def reads(world: World, *arguments: str, code: int = 0) -> str:
    ended = world.cli(*arguments) if arguments[0] in ("export", "report") else world.call(*arguments)
    assert ended.returncode == code, ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def read_json(world: World, *arguments: str) -> Any:
    return json.loads(reads(world, *arguments, "--json"))


def test_show_has_each_unit_and_the_one_that_is_asked_for(world: World) -> None:
    said = reads(world, "show", "aaa")
    assert "200 requests, each 90.0 J of the whole run" in said
    assert "90,000 tokens, each 0.200 J of the whole run" in said
    assert "3 queries, each 1.67 Wh of the whole run" in said
    view = read_json(world, "show", "aaa")
    assert view["unit"] == "tokens"
    assert view["per_unit"]["requests"]["energy_j"] == 90.0
    asked = read_json(world, "show", "aaa", "--per", "request")
    assert (asked["unit"], asked["carbon"]["sci"]["unit"], asked["carbon"]["sci"]["units"]) == ("requests", "request", 200)
    assert asked["carbon"]["sci_units"] == view["carbon"]["sci_units"]


def test_list_has_a_column_of_the_unit_that_is_asked_for(world: World) -> None:
    assert "0.200 J/token" in reads(world, "list", "--columns", "run,work,each")
    asked = reads(world, "list", "--columns", "run,each", "--per", "requests", "--sort", "each")
    assert asked.index("180 J/request") < asked.index("90.0 J/request")
    assert "6,000 J/query" in asked or "1.67 Wh/query" in reads(world, "list", "--columns", "run,each", "--per", "query")
    [row, *_] = csv.DictReader(io.StringIO(reads(world, "list", "--format", "csv", "--per", "query", "--sort", "each")))
    assert (row["id"], row["unit"], row["energy_each_j"]) == ("aaa", "queries", "6000.0")
    entries = {entry["run"]["id"]: entry for entry in read_json(world, "list")["runs"]}
    assert (entries["ccc"]["unit"], entries["ccc"]["per_unit"]) == (None, {})


def test_compare_has_each_unit_and_gates_on_it(world: World) -> None:
    [_, b] = read_json(world, "compare", "aaa", "bbb")["runs"]
    figures = {figure["name"]: figure for figure in b["figures"]}
    assert figures["energy_per_request"]["value"] == 180.0
    assert figures["energy_per_query"]["missing"] == "no queries were counted"
    for gate in ("energy_per_request +50%", "energy_per_requests +1J"):
        assert reads(world, "compare", "aaa", "bbb", "--gate", gate, "--format", "md", code=4) == ""
    said = world.call("compare", "aaa", "bbb", "--gate", "energy_per_image +5%").stdout
    assert "none of these runs has counted that; they have energy, energy_per_query" in " ".join(said.split())


def test_compare_can_have_one_unit_only(world: World) -> None:
    found = read_json(world, "compare", "aaa", "bbb", "--per", "requests")["runs"]
    assert [figure["name"] for figure in found[0]["figures"]] == ["energy", "energy_per_request", "duration", "power", "grams"]
    said = reads(world, "compare", "aaa", "bbb", "--per", "images", code=2)
    assert "--per images: none of these runs has counted that; they have queries, requests, tokens" in said
    put(world.db, "eee", NODE, work={}, phases={"epoch": 3}, at_s=3000)
    put(world.db, "fff", NODE, work={}, phases={"epoch": 3}, at_s=4000)
    assert "energy per epoch" in reads(world, "compare", "eee", "fff", "--per", "epoch")


def test_compare_takes_two_spellings_of_one_unit_for_one(world: World) -> None:
    put(world.db, "ddd", NODE, work={"request": 100}, at_s=3000)
    [_, d] = read_json(world, "compare", "aaa", "ddd")["runs"]
    names = [figure["name"] for figure in d["figures"]]
    assert names.count("energy_per_request") == 1
    assert next(figure["value"] for figure in d["figures"] if figure["name"] == "energy_per_request") == 180.0


def test_epochs_that_were_counted_are_not_those_of_phases(world: World) -> None:
    put(world.db, "eee", NODE, work={"epochs": 9}, phases={"train": 3}, at_s=3000)
    [_, e] = read_json(world, "compare", "aaa", "eee")["runs"]
    assert next(figure["value"] for figure in e["figures"] if figure["name"] == "energy_per_epoch") == 2000.0


def test_export_loses_no_unit(world: World) -> None:
    rows = {row["run_id"]: row for row in csv.DictReader(io.StringIO(reads(world, "export")))}
    assert json.loads(rows["aaa"]["work"]) == {"queries": 3, "requests": 200, "tokens": 90_000}
    assert (rows["aaa"]["tokens"], rows["aaa"]["samples"], rows["aaa"]["unit"], rows["aaa"]["energy_each_j"]) == (
        "90000",
        "",
        "tokens",
        "0.2",
    )
    [row, *_] = csv.DictReader(io.StringIO(reads(world, "export", "aaa", "--per", "query")))
    assert (row["unit"], row["energy_each_j"]) == ("queries", "6000.0")
    [row] = [json.loads(line) for line in reads(world, "export", "bbb", "--format", "jsonl").splitlines()]
    assert row["work"] == {"requests": 200, "tokens": 90_000}
    assert "--what runs" in reads(world, "export", "--what", "phases", "--per", "query", code=2)


def test_footprint_has_the_grams_of_each_unit_and_those_asked_for_first(world: World) -> None:
    said = reads(world, "footprint", "aaa")
    assert said.index("per token: ") < said.index("per query: ") < said.index("per request: ")
    assert reads(world, "footprint", "aaa", "--per", "request").index("per request: ") < said.index("per query: ")
    assert "Per token, over 180,000 tokens, this is" in reads(world, "footprint", "aaa", "bbb", "--format", "text")
    assert "Per request, over 400 requests, this is 135 J" in reads(
        world, "footprint", "aaa", "bbb", "--format", "text", "--per", "requests"
    )


def test_a_kept_footprint_has_the_unit_that_is_asked_for(world: World) -> None:
    [kept] = read_json(world, "footprint", "aaa")["footprints"]
    shown = read_json(world, "show", "aaa", "--footprint", kept["footprint_id"], "--per", "requests")
    assert (shown["carbon"]["sci"]["unit"], shown["carbon"]["sci"]["units"]) == ("request", 200)
    assert read_json(world, "show", "aaa", "--footprint", kept["footprint_id"])["carbon"]["sci"]["unit"] == "token"


def test_the_report_has_each_unit(world: World) -> None:
    page = reads(world, "report", "aaa", "-o", "-")
    for text in ("Requests", "90.0 J each", "Queries"):
        assert text in page
    assert "per request" in reads(world, "report", "aaa", "bbb", "-o", "-", "--per", "request")


@pytest.mark.parametrize("command", [("show", "aaa"), ("list",), ("export",), ("footprint", "aaa"), ("report", "aaa", "-o", "-")])
def test_a_unit_that_no_run_has_counted_is_refused_with_those_that_were(world: World, command: tuple[str, ...]) -> None:
    said = reads(world, *command, "--per", "images", code=2)
    assert "--per images: none of these runs has counted that; they have" in said
    assert "requests" in said


def test_a_sum_of_runs_has_no_unit(world: World) -> None:
    assert "a sum of runs has no unit of work" in reads(world, "list", "--by", "project", "--per", "requests", code=2)


def test_tiny_energies_have_units_of_their_own(world: World) -> None:
    put(world.db, "fff", NODE, work={"tokens": 10**9}, at_s=3000)
    assert "1,000,000,000 tokens, each 18.0 µJ of the whole run" in reads(world, "show", "fff")
