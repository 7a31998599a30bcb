"""Several processes of one job on one node: each device counts once."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.fakes.views import assert_within, rows
from tests.fakes.world import TRAINWATT, World, finished

RANK = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="ranks") as tracker:
    with tracker.phase("train"):
        tracker.update(samples=10)
        time.sleep(0.7)
print(tracker.summary().headline)
"""


def views(world: World) -> list[dict[str, Any]]:
    return [world.show(r["id"]) for r in world.runs()]


@pytest.mark.slow
@pytest.mark.parametrize(("local", "job"), [("LOCAL_RANK", "RANK"), ("SLURM_LOCALID", "SLURM_PROCID")])
def test_case_29_the_first_rank_of_a_node_measures_and_the_others_only_record(world: World, local: str, job: str) -> None:
    """Without the take-over of an owner that was killed, which is not there yet."""
    started = [world.python(RANK, env=world.environ(**{local: str(i), job: str(4 + i)})) for i in range(4)]
    for process in started:
        ended = finished(process)
        assert (ended.returncode, ended.stderr) == (0, "")
    found = views(world)
    assert len(found) == 4
    measured = [v for v in found if v["energy"]["devices"]]
    assert len(measured) == 1
    assert len(measured[0]["energy"]["devices"]) == 3
    assert_within(measured[0]["energy"], world.total_w, measured[0]["run"]["duration_s"])
    for view in found:
        assert view["run"]["status"] == "completed"
        assert view["work"] == {"samples": 10}
        assert [p["name"] for p in view["phases"]] == ["train"]
        if view is not measured[0]:
            assert view["energy"]["total_j"] is None
            assert [e["kind"] for e in view["events"]] == ["rank"]
            assert view["phases"][0]["energy_j"] is None
    ranks = rows(world, "SELECT rank, COUNT(device.name) FROM segment LEFT JOIN device ON segment_id = segment.id GROUP BY rank ORDER BY 1")
    assert ranks == [(4, 3), (5, 0), (6, 0), (7, 0)]


def test_a_rank_that_measures_nothing_says_so_wherever_it_is_shown(world: World) -> None:
    ended = world.run_python(RANK, env=world.environ(LOCAL_RANK="1", RANK="1"))
    assert ended.returncode == 0, ended.stderr
    assert "no energy recorded" in ended.stdout
    for command in (["list"], ["show"], ["show", "--json"], ["list", "--json"]):
        shown = world.call(*command)
        assert (shown.returncode, shown.stderr) == (0, "")
    assert "local rank 0" in world.call("show").stdout


def test_a_global_rank_alone_hides_nothing(world: World) -> None:
    """RANK without a local rank: the first of its own node, as far as anyone can tell."""
    assert world.run_python(RANK, env=world.environ(RANK="3")).returncode == 0
    assert world.show()["energy"]["total_j"] > 0
    assert rows(world, "SELECT rank FROM segment") == [(3,)]


@pytest.mark.slow
def test_all_ranks_join_the_one_run_of_the_command_that_started_them(world: World) -> None:
    launcher = f"""
import os, subprocess, sys
code = {RANK!r}
ranks = [subprocess.Popen([sys.executable, "-c", code], env=os.environ | {{"LOCAL_RANK": str(i), "RANK": str(i)}}) for i in range(3)]
sys.exit(sum(p.wait() for p in ranks))
"""
    ended = finished(world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", launcher]))
    assert ended.returncode == 0, ended.stderr
    [run] = world.runs()
    view = world.show()
    assert run["project"] == "ranks"
    assert len(view["energy"]["devices"]) == 3
    assert_within(view["energy"], world.total_w, run["duration_s"])
    [phase] = view["phases"]
    assert phase["count"] == 3
    assert phase["energy_j"] > 0
    assert view["work"] == {"samples": 30}
    roles = rows(world, "SELECT role, rank, status FROM segment ORDER BY role, rank")
    assert roles == [("joined", 0, "completed"), ("joined", 1, "completed"), ("joined", 2, "completed"), ("owner", None, "completed")]
