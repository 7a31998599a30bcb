"""A run that goes on in another process, after it was killed or has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stored_rows import run, segment
from tests.fakes.views import assert_within, events, phase_named, rows
from tests.fakes.world import TRAINWATT, World, finished, wait_for
from trainwatt import ConfigurationError, EnergyTracker
from trainwatt.machine.launch import Launch
from trainwatt.machine.process import this_process
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.sharing.logical import resumed

TRAINING = """
import pathlib, sys, time
from trainwatt import EnergyTracker
checkpoint = pathlib.Path("checkpoint")
with EnergyTracker(project="digits", resume=eval(sys.argv[1])) as tracker:
    for step in range(int(checkpoint.read_text().split()[0]) if checkpoint.exists() else 0, 4):
        with tracker.phase("step", step=step):
            tracker.update(samples=10)
            time.sleep(0.5)
        pathlib.Path("new").write_text(f"{step + 1} {tracker.run_id}")
        pathlib.Path("new").rename(checkpoint)
        if step == 1 and not pathlib.Path("again").exists():
            time.sleep(2.5)  # what is not written yet is lost in a kill
            pathlib.Path("again").write_text("now\\n")
            time.sleep(60)
"""
AUTO, OF_CHECKPOINT = "'auto'", "checkpoint.read_text().split()[1] if checkpoint.exists() else None"


def killed_and_resumed(world: World, *command: str, **environ: str) -> Any:
    env = world.environ(**environ)
    first = world.popen([*command], env=env, start_new_session=True)
    wait_for(world.work / "again")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert world.runs()[0]["status"] in ("running", "interrupted")
    ended = finished(world.popen([*command], env=env))
    assert ended.returncode == 0, ended.stderr
    [run] = world.runs()
    assert run["status"] == "completed"
    view = world.show()
    assert view["work"] == {"samples": 40}
    assert [(p["name"], p["count"]) for p in view["phases"]] == [("step", 4)]
    assert [e["detail"] for e in events(view, "continued")] == [
        "the run goes on in another process after it had ended; the time in between does not count"
    ]
    return view


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [AUTO, OF_CHECKPOINT])
def test_a_training_that_was_killed_goes_on_in_its_run(world: World, wanted: str) -> None:
    view = killed_and_resumed(world, sys.executable, "-c", TRAINING, wanted)
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    spans = rows(world, "SELECT start_t_ns, end_t_ns FROM segment ORDER BY started_utc_ns")
    assert len(spans) == 2
    assert view["run"]["duration_s"] < (spans[1][1] - spans[0][0]) * 1e-9  # without the time in between
    shown = world.call("show", "--ranks", COLUMNS="120").stdout
    assert shown.count("on ") >= 2
    later = "SELECT COUNT(*) FROM phase_energy e JOIN phase p USING (segment_id, seq) JOIN segment s ON s.id = e.owner_segment_id"
    assert rows(world, f"{later} WHERE s.start_t_ns >= p.end_t_ns") == [(0,)]  # 0 J are no energy of a phase that nobody has computed


@pytest.mark.slow
def test_trainwatt_run_goes_on_with_the_run_of_a_command(world: World) -> None:
    """The tracker inside joins it, as always."""
    command = (*TRAINWATT, "run", "--resume", "auto", "--", sys.executable, "-c", TRAINING, "None")
    killed_and_resumed(world, *command)


def test_a_run_that_was_completed_is_not_resumed_by_itself(world: World) -> None:
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(resume='auto') as tracker: pass"
    for _ in range(2):
        assert world.run_python(code).returncode == 0
    assert len(world.runs()) == 2


def test_two_trainings_of_one_command_at_the_same_time_are_two_runs(world: World) -> None:
    code = "import sys\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(resume='auto'): print('on', flush=True); sys.stdin.read()"
    first = world.popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == "on\n"
    assert world.run_python(code).returncode == 0
    first.communicate("")
    assert [run["status"] for run in world.runs()] == ["completed", "completed"]


def test_a_run_of_another_database_goes_on_under_its_id(world: World) -> None:
    """`merge` joins both parts."""
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(resume='0123456789ab') as tracker: print(tracker.run_id)"
    ended = world.run_python(code)
    assert (ended.returncode, ended.stdout) == (0, "0123456789ab\n")
    assert "its former parts are not in" in events(world.show(), "continued")[0]["detail"]


@pytest.mark.parametrize(("wanted", "words"), [("abc", ("'abc'", "no such run", "auto")), ("latest!", ("'latest!'", "no such run"))])
def test_what_is_no_run_is_refused_before_the_training(world: World, wanted: str, words: tuple[str, ...]) -> None:
    ended = world.cli("run", "--resume", wanted, "--", "echo", "never")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert all(word in ended.stderr for word in words)
    assert json.loads(world.call("list", "--json").stdout)["runs"] == []


def test_the_beginning_of_an_id_must_be_of_one_run(tmp_path: Path) -> None:
    writer = Writer.open(tmp_path / "runs.db")
    writer.write({"run": [run("aa11", status="failed"), run("aa22", status="failed")]})
    auto = Launch("x", lasting=True, restarted=False)
    assert resumed(writer, "aa1", auto, None, this_process(), 0)[:3] == ("aa11", True, True)
    with pytest.raises(ConfigurationError, match="several runs"):
        resumed(writer, "aa", auto, None, this_process(), 0)


PAUSED = """
import time
from trainwatt import EnergyTracker
tracker = EnergyTracker(project="pause")
with tracker:
    first = tracker.run_id
    with tracker.phase("train"):
        tracker.update(samples=1)
        time.sleep(0.5)
        tracker.pause()
        tracker.pause()  # once is enough
        tracker.update(samples=100)  # not of the run
        time.sleep(1.5)
    tracker.resume()
    tracker.resume()
    assert tracker.run_id == first
    with tracker.phase("train"):
        tracker.update(samples=2)
        time.sleep(0.5)
    {end}
print(tracker.summary().to_dict()["run"]["status"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["pass", "tracker.pause()", "tracker.pause(); time.sleep(0.3); tracker.resume()"])
def test_a_training_that_pauses_is_one_run_without_the_time_in_between(world: World, end: str) -> None:
    ended = world.run_python(PAUSED.format(end=end))
    assert (ended.returncode, ended.stdout) == (0, "completed\n"), ended.stderr
    [_] = world.runs()
    view = world.show()
    spans = rows(world, "SELECT start_t_ns, end_t_ns FROM segment")
    assert len(spans) == (2 if end == "pass" else 3)
    measured_s = sum(end_ns - start_ns for start_ns, end_ns in spans) * 1e-9
    before_s = 0.02 * len(spans)  # each segment begins just before its first reading
    assert view["run"]["duration_s"] == pytest.approx(measured_s, abs=before_s)
    assert_within(view["energy"], world.total_w, measured_s)
    assert view["work"] == {"samples": 3}
    assert phase_named(view, "train")["count"] == 2
    assert [e["detail"] for e in events(view, "continued")] == ["the run goes on after a pause; the time in between does not count"] * (
        len(spans) - 1
    )
    assert view["run"]["status"] == "completed"


def test_a_run_that_is_left_paused_is_not_completed(world: World) -> None:
    """So a training that is started again goes on in it."""
    code = "from trainwatt import EnergyTracker\ntracker = EnergyTracker(resume='auto').start()\nprint(tracker.run_id)\ntracker.pause()"
    first = world.run_python(code)
    assert (world.show()["run"]["status"], world.show()["run"]["end_reason"]) == ("interrupted", "paused")
    assert world.run_python(code).stdout == first.stdout
    assert len(world.runs()) == 1


def test_a_process_cannot_pause_what_trainwatt_run_measures(world: World) -> None:
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker() as t:\n    t.pause(); t.update(samples=1); t.resume()"
    ended = world.cli("run", "--", sys.executable, "-c", code)
    assert ended.returncode == 0
    assert "pause() had no effect" in ended.stderr
    assert world.show()["work"] == {"samples": 1}


def test_without_a_run_there_is_nothing_to_pause() -> None:
    tracker = EnergyTracker()
    tracker.resume()
    tracker.pause()
    tracker.resume()
    tracker.stop()
    assert (tracker.running, tracker.run_id) == (False, None)


def test_ranks_that_begin_a_run_together_do_not_go_on_with_it(tmp_path: Path) -> None:
    """The other one has written the run only, or its process too. A second process of one rank goes on."""
    writer = Writer.open(tmp_path / "runs.db")
    auto, me = Launch("x", lasting=True, restarted=False), this_process()
    writer.write({"run": [run("aa11", last_seen_utc_ns=2_000)]})
    assert resumed(writer, "aa11", auto, 1, me, 3_000) == ("aa11", True, False, None)
    alive: dict[str, Any] = {
        "boot_id": me.boot_id,
        "pid_namespace": me.pid_namespace,
        "pid": os.getppid(),
        "start_ticks": this_process(pid=os.getppid()).start_ticks,
    }
    writer.write({"segment": [segment(run_id="aa11", rank=0, **alive)]})
    assert resumed(writer, "aa11", auto, 1, me, 3_000) == ("aa11", True, False, None)
    assert resumed(writer, "aa11", auto, 0, me, 3_000)[:3] == ("aa11", True, False)
    assert "another process" in str(resumed(writer, "aa11", auto, 0, me, 3_000).said)


@pytest.mark.slow
def test_ranks_with_one_id_are_one_run_that_never_ended(world: World) -> None:
    code = "import time\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(resume='0123456789ab'): time.sleep(2)"
    ranks = [world.python(code, env=world.environ(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2")) for rank in ("0", "1")]
    assert [finished(rank).returncode for rank in ranks] == [0, 0]
    view = world.show()
    assert view["run"]["id"] == "0123456789ab"
    assert [e["detail"] for e in events(view, "continued") if "had ended" in e["detail"]] == []
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
