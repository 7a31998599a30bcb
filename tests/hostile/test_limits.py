"""A process that has run out of something: files, memory, stack, threads, standard streams, a folder, a locale, a log."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from tests.fakes.views import assert_true, assert_within, device, events, happened, phase_named, rows, tracker_log
from tests.fakes.world import HANGS_S, TRAINWATT, World, finished
from trainwatt import ConfigurationError, EnergyTracker
from trainwatt.tracking.recording import rows as recorded_rows

HEAD = """
import logging, os, resource, sys, threading, time
logging.basicConfig(format="%(message)s")
from trainwatt import EnergyTracker
def fill():
    kept = []
    try:
        while True: kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return kept
"""

LOOP = """
with EnergyTracker() as tracker:
    total = 0
    {before}
    for i in range({steps}):
        with tracker.phase("train", step=i):
            tracker.update(samples=1)
            total += i
            time.sleep(0.01)
    {after}
open("trained", "w").write(str(total))
sys.exit(7)
"""


STEPS, LONGER = 50, 120  # hundredths of a second: the second commit comes after a hundred


def loop(
    world: World, before: str = "pass", after: str = "pass", head: str = "", steps: int = STEPS, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Train. The result and the exit code are the training's, whatever `before` does."""
    ended = world.run_python(HEAD + head + LOOP.format(before=before, after=after, steps=steps), env=world.environ(**(environ or {})))
    assert ended.returncode == 7, ended.stderr
    assert (world.work / "trained").read_text() == str(steps * (steps - 1) // 2)
    return ended


def assert_kept(world: World, steps: int = STEPS) -> Any:
    """Nothing of the run is lost."""
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert phase_named(view, "train")["count"] == steps
    assert view["work"] == {"samples": steps}
    assert_true(device(view, "package-0"), world.package_w, view["run"]["duration_s"])
    return view


@pytest.mark.parametrize("meminfo", ["MemTotal:", "MemTotal: many kB", "MemTotal: ² kB"])
def test_hardware_of_unknown_size_loses_nothing_of_a_run(world: World, meminfo: str) -> None:
    (world.powercap.procfs / "meminfo").write_text(meminfo + "\n")
    assert loop(world, environ={"TRAINWATT_PROCFS": str(world.powercap.procfs)}).stderr == ""
    assert [kind for (kind,) in rows(world, "SELECT kind FROM inventory ORDER BY kind")] == ["cpu", "gpu", "host"]
    assert_kept(world)


def test_no_more_files_may_be_opened(world: World) -> None:
    """Open files stay open. A file that is opened for each reading (here the emulated driver's) leaves a gap, which is reported once."""
    before = "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); time.sleep(0.3); kept = fill()"
    ended = loop(world, before, "[os.close(f) for f in kept]", steps=LONGER)
    assert ended.stderr == ""
    view = assert_kept(world, LONGER)
    assert {e["kind"] for e in happened(view)} == {"gap"}
    assert len({e["detail"] for e in happened(view)}) == len(happened(view))


def test_no_file_may_be_opened_when_it_starts_is_said_before_the_training(world: World) -> None:
    code = """
import trainwatt.tracking.start
from trainwatt import StoreError
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
kept = fill()
try:
    EnergyTracker().start()
except StoreError as error:
    [os.close(f) for f in kept]
    print(error)
    sys.exit(7)
"""
    ended = world.run_python(HEAD + code)
    assert (ended.returncode, ended.stderr) == (7, "")
    assert "unable to open database file" in ended.stdout


def test_no_more_memory_is_given_to_the_process(world: World) -> None:
    """This includes the end: a thread that is still there when the interpreter ends would abort the process."""
    assert loop(world, "resource.setrlimit(resource.RLIMIT_AS, (1, 1))", steps=LONGER).stderr == ""
    assert happened(assert_kept(world, LONGER)) == []


def test_memory_that_our_thread_does_not_get_is_said_and_tried_again(
    here: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with EnergyTracker() as tracker:
        assert tracker._begun is not None
        time.sleep(0.2)
        with monkeypatch.context() as patch:
            failed = threading.Event()

            def write(*_: object) -> NoReturn:
                failed.set()
                raise MemoryError

            patch.setattr(tracker._begun.recorder._writer, "write", write)
            assert failed.wait(HANGS_S)
            with tracker.phase("train"):
                time.sleep(0.05)
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert phase_named(view, "train")["count"] == 1
    assert len(events(view, "store")) == 1
    assert ["could not be written" in line or "written again" in line for line in tracker_log(caplog)] == [True, True]


@pytest.mark.parametrize("place", ["phase_energy_row", "phase_row", "state_row"])
@pytest.mark.parametrize("call", [1, 17, 40])
def test_memory_that_ends_while_the_last_commit_is_gathered_loses_no_phase(
    here: World, monkeypatch: pytest.MonkeyPatch, place: str, call: int
) -> None:
    """It is written in pieces then."""
    calls, whole = 0, getattr(recorded_rows, place)

    def fails_once(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise MemoryError
        return whole(*arguments)

    with EnergyTracker() as tracker:
        for step in range(25):
            with tracker.phase("train", step=step):
                tracker.update(samples=1)
                time.sleep(0.01)
        monkeypatch.setattr(recorded_rows, place, fails_once)
    view = tracker.summary().to_dict()
    assert calls > 1
    assert (view["run"]["status"], events(view, "store"), view["work"]) == ("completed", [], {"samples": 25})
    assert phase_named(view, "train")["count"] == 25
    assert rows(
        here, "SELECT COUNT(*), COUNT(DISTINCT device), SUM(resolved IS NULL) FROM phase JOIN phase_energy USING (segment_id, seq)"
    ) == [(75, 3, 0)]
    [(phases_ns,)] = rows(here, "SELECT SUM(end_t_ns - start_t_ns) FROM phase")
    assert_true(phase_named(view, "train"), here.total_w, phases_ns * 1e-9)


def test_at_the_limit_of_recursion_a_phase_is_lost_and_the_training_is_not(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """A phase that can still be made can be entered and left, however little of the stack is left."""
    entered, broken = 0, []

    def descend(tracker: EnergyTracker) -> None:
        nonlocal entered
        phase = tracker.phase("deep")
        try:
            with phase:
                entered += 1
                try:
                    descend(tracker)
                except RecursionError as error:
                    if error in broken:
                        raise
        except RecursionError as error:
            broken.append(error)
            raise

    with EnergyTracker() as tracker:
        descend(tracker)
        tracker.update(samples=1)
    assert broken == []
    assert entered > 100
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    deep = phase_named(view, "deep")
    assert entered - 20 <= deep["count"] <= entered
    assert "work" not in deep or not deep["work"]  # nothing is counted in a phase that is over
    assert len([line for line in tracker_log(caplog) if "phase could not be recorded" in line]) <= 1


def test_no_thread_can_be_started(here: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The energy is complete nevertheless: counters need two readings only."""

    def start(self: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with EnergyTracker() as tracker, tracker.phase("train"):
        time.sleep(0.3)
    monkeypatch.undo()
    view = here.show(str(tracker.run_id))
    assert view["run"]["status"] == "completed"
    assert_within(view["energy"], here.total_w, view["run"]["duration_s"])
    assert phase_named(view, "train")["count"] == 1
    [said] = events(view, "store")
    assert "only at its end" in said["detail"]
    assert [("can't start new thread" in line) for line in tracker_log(caplog)] == [True, True]  # one for each thread


@pytest.mark.parametrize("lost", ["pass", "os.rename(os.environ['TRAINWATT_DB'], 'away')"], ids=["all well", "something to say"])
def test_standard_streams_are_closed(world: World, lost: str) -> None:
    """The first files that are opened then get the streams' numbers, and nothing may be written to them by mistake."""
    head = "sys.stdin = sys.stdout = sys.stderr = None\nfor f in (0, 1, 2): os.close(f)\n"
    loop(world, lost, head=head, steps=STEPS if lost == "pass" else LONGER)
    if lost == "pass":
        assert happened(assert_kept(world)) == []


def test_a_log_that_fails_fails_alone(world: World) -> None:
    head = """
class Broken(logging.Handler):
    def emit(self, record): raise ValueError("no room for the log")
logging.getLogger().handlers[:] = [Broken()]
"""
    ended = loop(world, "os.rename(os.environ['TRAINWATT_DB'], 'away')", "tracker.update(samples=-1)", head, LONGER)
    assert ended.stderr == ""


@pytest.mark.parametrize("when", ["before it starts", "while it runs"])
def test_the_working_directory_is_deleted(world: World, when: str) -> None:
    gone = "os.mkdir('d'); os.chdir('d'); os.rmdir('../d')"
    back = f"os.chdir({str(world.work)!r})"
    ended = loop(world, gone if when == "while it runs" else "pass", back, gone if when == "before it starts" else "")
    assert ended.stderr == ""
    assert happened(assert_kept(world)) == []


@pytest.mark.parametrize("helped", [True, False], ids=["as usual", "without Python's help"])
def test_the_locale_is_C(world: World, helped: bool) -> None:
    """The tracker reads and writes UTF-8, also where Python expects ASCII."""
    folder = "läufe" if helped else "runs"  # no Python program could make the other one then
    (world.work / folder).mkdir()
    (world.work / "trainwatt.toml").write_text(f'project = "größe"\ndb = "{folder}"\n', encoding="utf-8")
    assert world.call("trust").returncode == 0
    env = {"LC_ALL": "C", "TRAINWATT_NAME": "naïve", "TRAINWATT_DB": ""} | (
        {} if helped else {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )
    head = f"assert (sys.getfilesystemencoding() == 'utf-8') is {helped}\n"
    ended = loop(world, head=head, environ=env)
    assert ended.stderr == ""
    world.db = world.work / folder / "runs.db"
    run = assert_kept(world)["run"]
    assert (run["project"], run["name"]) == ("größe", "naïve")


def test_the_locale_says_nothing_about_a_broken_file_of_settings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.work / "trainwatt.toml").write_bytes('project = "größe"\n'.encode("latin-1"))
    monkeypatch.chdir(world.work)
    with pytest.raises(ConfigurationError, match=r"trainwatt\.toml cannot be read as TOML"):
        EnergyTracker()


def test_nothing_is_kept_in_shared_memory(world: World) -> None:
    """A container may have no /dev/shm."""
    after = """
    names = [line.split()[-1] for line in open("/proc/self/maps")]
    for f in os.listdir("/proc/self/fd"):
        try: names.append(os.readlink(f"/proc/self/fd/{f}"))
        except OSError: pass
    assert any("runs.db" in n for n in names)
    assert not [n for n in names if n.startswith("/dev/shm")], names"""
    assert loop(world, "pass", after.strip()).stderr == ""


def test_thousands_of_phases_a_second_are_counted_in_a_real_run(world: World) -> None:
    code = """
import time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    count, until = 0, time.monotonic() + 1.1
    while time.monotonic() < until:
        for _ in range(20):
            with tracker.phase("step"):
                count += 1
        time.sleep(0.004)
print(count)
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stderr) == (0, "")
    view = world.show()
    assert int(ended.stdout) > 1200
    assert phase_named(view, "step")["count"] == int(ended.stdout)
    assert {e["kind"] for e in view["events"]} <= {"late"}


def test_what_no_database_takes_spoils_no_commit(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Steps that do not fit into 64 bits, and text that is no valid UTF-8."""
    import torch

    steps: list[Any] = [torch.tensor(3), torch.ones(1, dtype=torch.int64).numpy()[0], 4.0, "5", "five", 2**70, object()]
    with EnergyTracker(name=os.fsdecode(b"na\xefve"), tags={"\udcff": "\ud800"}) as tracker:
        for step in steps:
            with tracker.phase("stepped", step=step):
                time.sleep(0.001)
        with tracker.phase(os.fsdecode("größe".encode() + b"\xff")):
            tracker.update(samples=2**70)
            tracker.update(samples=5)
        time.sleep(0.1)
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert view["run"]["name"] == "na\ufffdve"
    assert view["work"] == {"samples": 5}
    assert {p["name"]: p["count"] for p in view["phases"]} == {"stepped": len(steps), "größe\ufffd": 1}
    assert rows(here, "SELECT step FROM phase WHERE name = 'stepped' ORDER BY seq") == [(3,), (1,), (4,), (5,), (None,), (None,), (None,)]
    assert ["could not be counted" in line for line in tracker_log(caplog)] == [True]


def test_a_command_that_is_no_text_is_kept_as_well_as_it_can_be(world: World) -> None:
    ended = world.run_python("from trainwatt import EnergyTracker\nwith EnergyTracker(): pass", os.fsdecode(b"--data=\xff\xfe"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert world.show()["run"]["command"].endswith("--data=\ufffd\ufffd")


@pytest.mark.slow
def test_commands_that_read_need_few_files(here: World) -> None:
    with EnergyTracker():
        time.sleep(0.1)
    for command in (("list",), ("show",), ("footprint", "latest"), ("export",)):
        ended = finished(here.popen(["sh", "-c", 'ulimit -n 6; exec "$@"', "sh", *TRAINWATT, *command]))
        assert "Traceback" not in ended.stderr, ended.stderr
        assert ended.returncode == 0 or "ulimit -n" in ended.stderr, ended.stderr


def test_a_database_that_is_being_written_needs_more_files_and_says_so(here: World) -> None:
    with EnergyTracker():
        time.sleep(0.1)
        ended = finished(here.popen(["sh", "-c", 'ulimit -n 5; exec "$@"', "sh", *TRAINWATT, "list"]))
    assert ended.returncode == 1
    assert "may open no more files: raise its limit (`ulimit -n`)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("files", [5, 6, 8, 12])
def test_a_command_runs_with_few_files_and_keeps_its_exit_code(world: World, files: int) -> None:
    """Where there are too few to measure it, it is not measured, and a line says so."""
    limited = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *TRAINWATT, "run", "--"]
    ended = finished(world.popen([*limited, "sh", "-c", "echo done; exit 8"]))
    assert (ended.returncode, ended.stdout) == (8, "done\n"), ended.stderr
    assert "Traceback" not in ended.stderr
    assert "the command runs all the same" in ended.stderr or "trainwatt show" in ended.stderr
    (world.work / "script").write_text("#!/no/such/interpreter\n")
    (world.work / "script").chmod(0o755)
    assert finished(world.popen([*limited, "./script"])).returncode == 127
