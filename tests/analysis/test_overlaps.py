"""Runs that read the same devices at the same time are found and said: nobody adds up their joules unaware."""

from __future__ import annotations

import json
import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.compared import put
from tests.fakes.stored_rows import device, run, segment
from tests.fakes.world import TRAINWATT, World, finished
from trainwatt.analysis.overlaps import APART_S, Reading, at_once
from trainwatt.analysis.totals import members, total
from trainwatt.core.clock import Anchor
from trainwatt.machine.process import this_process
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.sharing.others import Neighbours

TIMES = st.tuples(st.integers(0, 50), st.integers(1, 20))
READINGS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["h", "i"]), st.sampled_from(["gpu0", "package-0"]), TIMES), max_size=14
)


@given(READINGS)
@settings(derandomize=True)
def test_exactly_those_are_found_that_share_time_on_a_device(drawn: list[tuple[str, str, str, tuple[int, int]]]) -> None:
    readings = [Reading(run, host, device, float(a), float(a + long)) for run, host, device, (a, long) in drawn]
    true = set[str]()
    for a, b in combinations(readings, 2):
        if a.run_id != b.run_id and a[1:3] == b[1:3] and min(a.end_s, b.end_s) - max(a.start_s, b.start_s) > APART_S:
            true |= {a.run_id, b.run_id}
    assert at_once(readings) == true


def test_a_sum_says_how_many_runs_were_at_once(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    put(db, "a", {"package-0": 100.0}, at_s=0, seconds=10)
    put(db, "b", {"package-0": 100.0, "gpu0": 5.0}, at_s=5, seconds=10)
    put(db, "c", {"package-0": 100.0}, at_s=15.2, seconds=10)  # follows
    put(db, "d", {"package-0": 100.0}, at_s=0, seconds=30, host="node-b")
    put(db, "e", {"gpu0": 100.0}, at_s=0, seconds=30, uuid="GPU-b")
    store = Store.open(str(db))
    runs = members(store, store.list_runs())
    store.close()
    assert total(runs)["runs_at_once"] == 2
    assert total([m for m in runs if m.run.id != "a"])["runs_at_once"] == 0


@pytest.mark.slow
def test_two_commands_at_once_say_so_in_each_run_and_in_every_sum(world: World) -> None:
    command = [*TRAINWATT, "run", "--project", "par", "--", sys.executable, "-c", "import time; time.sleep(1.5)"]
    for ended in [finished(process) for process in [world.popen(command), world.popen(command)]]:
        assert ended.returncode == 0, ended.stderr
    one, other = (run["id"] for run in world.runs())
    for run_id, beside in ((one, other), (other, one)):
        [event] = [e for e in world.show(run_id)["events"] if e["kind"] == "overlap"]
        assert f"run {beside} measured this machine at the same time" in event["detail"]
    words = "2 of them read the same devices at the same time: those joules are counted more than once"
    for arguments in (("list",), ("list", "--by", "project", "--format", "md"), ("footprint", "--project", "par")):
        assert words in " ".join(world.call(*arguments, COLUMNS="300").stdout.split()), arguments
    prose = world.call("footprint", "--project", "par", "--format", "text").stdout
    assert "2 of the runs measured the same devices at the same time" in " ".join(prose.split())


@pytest.mark.parametrize(("pid", "namespace", "said"), [(1, "pid:[1]", False), (1, "pid:[2]", True), (2, "pid:[1]", True)])
def test_a_process_with_the_same_number_in_another_container_is_another_one(tmp_path: Path, pid: int, namespace: str, said: bool) -> None:
    of_run = {"status": "running", "started_utc_ns": 50, "last_seen_utc_ns": 60}
    writer = Writer.open(tmp_path / "runs.db")
    writer.write(
        {
            "run": [run("other", **of_run), run("mine")],
            "segment": [segment("seg", "other", **of_run, boot_id="boot", pid=1, pid_namespace="pid:[1]"), segment("own", "mine")],
            "device": [device("package-0", "seg"), device("package-0", "own")],
        }
    )
    me = this_process()._replace(boot_id="boot", pid=pid, pid_namespace=namespace)
    assert bool(Neighbours("mine", me, Anchor(7, 55, 7)).already_there(writer, 0)) is said
    assert bool(Neighbours("mine", me, Anchor(4, 45, 4)).met(writer, 0)) is said
    writer.close()


def test_runs_one_after_the_other_say_nothing(world: World) -> None:
    for _ in range(2):
        assert world.cli("run", "--", "true").returncode == 0
    for each in world.runs():
        assert [e for e in world.show(each["id"])["events"] if e["kind"] == "overlap"] == []
    whole = json.loads(world.call("list", "--by", "project", "--json").stdout)["total"]
    assert (whole["runs"], whole["runs_at_once"]) == (2, 0)
