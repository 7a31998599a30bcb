"""Runs by id, by name and by filters, in every command that reads."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.fakes.compared import put
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished
from trainwatt.analysis.selection import Filters, find, fitting, selected
from trainwatt.core.run import Status
from trainwatt.errors import AmbiguousRunError, RunNotFoundError
from trainwatt.storage.read.store import Store


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Five runs, e5 the newest; two of them have one name."""
    made = make_world(package_w=0, gpus_w=())
    put(made.db, "a1", {"gpu0": 100.0}, project="vision", name="base", group_name="sweep", at_s=0)
    put(made.db, "b2", {"gpu0": 200.0}, project="vision", name="wide", group_name="sweep", at_s=100)
    put(made.db, "c3", {"gpu0": 300.0}, project="text", name="base", group_name="sweep", at_s=200)
    put(made.db, "d4", {"gpu0": 400.0}, project="text", at_s=300, status="failed")
    put(made.db, "e5", {"gpu0": 500.0}, project="text", name="b", at_s=400)
    return made


@pytest.fixture
def store(world: World) -> Store:
    return Store.open(str(world.db))


@pytest.mark.parametrize(
    ("ref", "run_id"),
    [("wide", "b2"), ("vision/base", "a1"), ("text/base", "c3"), ("latest", "e5"), ("d", "d4"), ("a1", "a1"), ("text/b", "e5"),
     ("b2\r", "b2"), (" b2\n", "b2"), ("vision/base\r\n", "a1"), ("latest\r", "e5")],
)  # fmt: skip
def test_a_run_has_several_names(store: Store, ref: str, run_id: str) -> None:
    assert find(store, ref) == run_id


@pytest.mark.parametrize(
    ("ref", "ids", "how"),
    [("base", ("a1", "c3"), "is called 'base'"), ("b", ("b2", "e5"), "is called 'b'")],  # "b" begins b2, and is the name of e5
)
def test_an_ambiguous_name_lists_the_ids(store: Store, world: World, ref: str, ids: tuple[str, ...], how: str) -> None:
    with pytest.raises(AmbiguousRunError, match=f"more than one run {how}") as error:
        find(store, ref)
    assert all(run_id in str(error.value) for run_id in ids)
    for command in (["show"], ["watch"], ["delete", "-y"], ["footprint"], ["report"], ["export"], ["compare", "a1"]):
        ended = world.call(*command, ref)
        assert (ended.returncode, ended.stdout) == (3, "")
        assert all(run_id in ended.stderr for run_id in ids)
    assert len(store.list_runs()) == 5


@pytest.mark.parametrize("ref", ["", " ", "\r", "zz", "vision", "vision/", "/base", "BASE", "%", "\udcff"])
def test_what_names_no_run_is_said(store: Store, ref: str) -> None:
    with pytest.raises(RunNotFoundError, match="trainwatt list"):
        find(store, ref)


@pytest.mark.parametrize(
    ("refs", "filters", "ids"),
    [
        ([], Filters(project="text"), ["e5", "d4", "c3"]),
        ([], Filters(group="sweep"), ["c3", "b2", "a1"]),
        ([], Filters(group="sweep", project="vision"), ["b2", "a1"]),
        ([], Filters(status=Status.FAILED), ["d4"]),
        ([], Filters(limit=2), ["e5", "d4"]),
        (["wide"], Filters(group="sweep"), ["b2", "c3", "a1"]),
        (["a1", "a1"], Filters(), ["a1", "a1"]),
        ([], Filters(), []),
    ],
)
def test_named_runs_come_first_and_then_those_that_fit(store: Store, refs: list[str], filters: Filters, ids: list[str]) -> None:
    assert selected(store, refs, filters) == ids
    back = selected(store, refs, filters, oldest_first=True)
    assert back == ids[: len(refs)] + ids[len(refs) :][::-1]
    if filters:
        assert set(ids) >= {run.id for run in fitting(store, filters)}


def test_filters_select_in_each_command_what_they_select_in_list(world: World) -> None:
    for filters in (["--project", "text"], ["--group", "sweep"], ["--status", "completed"], ["--limit", "3"], ["--since", "2020-01-01"],
                    ["--project", "vision", "--group", "sweep"]):  # fmt: skip
        listed = [entry["run"]["id"] for entry in json.loads(world.call("list", "--json", *filters).stdout)["runs"]]
        assert len(listed) >= 2
        compared = json.loads(world.call("compare", *filters, "--json").stdout)
        assert [run["run"]["id"] for run in compared["runs"]] == listed[::-1]
        footprints = json.loads(world.call("footprint", *filters, "--json").stdout)["footprints"]
        assert [each["run"]["id"] for each in footprints] == listed
        ended = world.call("report", *filters, "-o", "r.json")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert [run["run"]["id"] for run in json.loads((world.work / "r.json").read_text())["runs"]] == listed[::-1]
        ended = world.call("export", *filters, "--format", "jsonl", "-o", "r.jsonl")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert [json.loads(line)["run_id"] for line in (world.work / "r.jsonl").read_text().splitlines()] == listed


def test_a_named_run_is_the_baseline_of_a_group(world: World) -> None:
    compared = json.loads(world.call("compare", "latest", "--group", "sweep", "--json").stdout)
    assert (compared["baseline"], [run["run"]["id"] for run in compared["runs"]]) == ("e5", ["e5", "a1", "b2", "c3"])


def test_filters_that_nothing_fits(world: World) -> None:
    for command in ("compare", "footprint", "report"):
        for filters in (["--project", "none"], ["--group", "none"], ["--project", "\udcff"], ["--status", "running"], ["--since", "1s"]):
            ended = world.call(command, *filters)
            assert (ended.returncode, ended.stdout) == (3, "")
            assert "no run of " in ended.stderr
    ended = world.call("compare", "--status", "failed")
    assert (ended.returncode, "two sides or more" in ended.stderr) == (2, True)
    assert world.call("list", "--project", "\udcff").stderr == "no runs match\n"


def test_names_are_refs_of_every_command(world: World) -> None:
    assert json.loads(world.call("show", "vision/base\r", "--json").stdout)["run"]["id"] == "a1"
    assert json.loads(world.call("watch", "wide", "--json").stdout)["run"]["id"] == "b2"
    assert json.loads(world.call("compare", "wide", "text/base", "--json").stdout)["baseline"] == "b2"
    assert json.loads(world.call("footprint", "wide", "--json").stdout)["footprints"][0]["run"]["id"] == "b2"
    assert world.call("report", "wide").stdout == "trainwatt-b2.html\n"


@pytest.mark.parametrize(("answer", "left"), [("y\n", 4), ("n\n", 5)])
def test_delete_asks_with_what_it_found(world: World, store: Store, answer: str, left: int) -> None:
    ended = finished(world.popen([*TRAINWATT, "delete", "text/base"], stdin=subprocess.PIPE), answer)
    assert ended.returncode == 0
    assert "Delete c3 (text/base, completed, 1 min 40 s) for good?" in ended.stdout
    assert len(store.list_runs()) == left
