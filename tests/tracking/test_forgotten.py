"""Runs that nobody stops: what their status is at the exit, and what ends them before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fakes.notebook import notebook
from tests.fakes.views import events
from tests.fakes.world import World, finished
from trainwatt.core.run import EventKind

START = "from trainwatt import EnergyTracker\ntracker = EnergyTracker(project='digits')\ntracker.start()\n"
LIVING = "import threading\nprint(sum(t.name.startswith('trainwatt') for t in threading.enumerate()))\n"


def statuses(world: World) -> list[tuple[str, str | None]]:
    """Status and end reason of all runs, oldest first."""
    return [(run["status"], run["end_reason"]) for run in reversed(world.runs())]


def forgotten(world: World) -> list[bool]:
    """Which runs were ended by a newer one, oldest first."""
    return [bool(events(world.show(run["id"]), EventKind.FORGOTTEN)) for run in reversed(world.runs())]


NOT_STOPPED = ("completed", "the interpreter ended without stop()")


# ---- the status at the exit


@pytest.mark.slow
def test_an_error_in_another_cell_does_not_fail_a_run_that_was_not_stopped(world: World) -> None:
    with notebook(world) as open_:
        open_.run("1/0")
        open_.run(START)
        assert open_.run("raise ValueError('a typing error')") == "a typing error"
    assert statuses(world) == [NOT_STOPPED]


OWN = START + "raise RuntimeError('diverged')\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["-c", OWN], ("failed", "RuntimeError: diverged")),
        (["-c", START + "raise KeyboardInterrupt"], ("interrupted", "Ctrl-C")),
        (["-c", START + "import sys; sys.exit(3)"], NOT_STOPPED),  # the exit code is not known at the exit
        (["-c", f"import threading\n{START}t = threading.Thread(target=lambda: 1/0)\nt.start(); t.join()"], NOT_STOPPED),
    ],
)
def test_a_program_that_an_exception_ended_has_failed(world: World, arguments: list[str], status: tuple[str, str]) -> None:
    finished(world.popen([sys.executable, *arguments]))
    assert statuses(world) == [status]


def test_so_has_a_module_that_is_run(world: World) -> None:
    (world.work / "train.py").write_text(OWN)
    assert finished(
        world.popen([sys.executable, "-m", "train"], env=world.environ(PYTHONPATH=f"{world.environ()['PYTHONPATH']}:."))
    ).returncode
    assert statuses(world) == [("failed", "RuntimeError: diverged")]


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["-i", "-q"], ["-i", "train.py"]])
def test_an_error_at_a_prompt_ends_nothing(world: World, flags: list[str]) -> None:
    (world.work / "train.py").write_text(OWN)
    typed = "\n".join([*START.splitlines(), "1/0", "pass", ""]) if "-q" in flags else "pass\n"
    process = world.popen([sys.executable, *flags], stdin=subprocess.PIPE)
    finished(process, typed)
    assert statuses(world) == [NOT_STOPPED]


@pytest.mark.slow
def test_an_error_that_a_console_or_a_test_runner_reports_ends_nothing(world: World) -> None:
    console = START + "import code\ncode.InteractiveInterpreter(globals()).runsource('1/0')\n"
    assert "ZeroDivisionError" in world.run_python(console).stderr
    (world.work / "test_it.py").write_text(
        f"def test_start():\n    global tracker\n    {START.replace(chr(10), chr(10) + '    ')}\n\ndef test_wrong(): 1/0\n"
    )
    finished(world.popen([sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "test_it.py"]))
    assert statuses(world) == [NOT_STOPPED, NOT_STOPPED]


# ---- what ends a run before


@pytest.mark.slow
@pytest.mark.parametrize("ids", [True, False])
def test_a_cell_that_is_run_again_ends_the_run_that_it_began_before(world: World, ids: bool) -> None:
    """With an id of the cell, or known by its text; the value of its last line keeps the tracker alive."""
    with notebook(world) as open_:
        for _ in range(3):
            said = open_.run(START, "cell-1" if ids else None)
        assert "stop() was not called: run " in said
        if ids:
            assert "stop() was not called" in open_.run(START + "print('edited')", "cell-1")
        assert open_.run(LIVING).strip() == "3"
    ended = [(status, reason.split(" run ")[0]) for status, reason in statuses(world) if reason]
    assert ended == [("completed", "stop() was not called before")] * (3 if ids else 2) + [NOT_STOPPED]
    assert forgotten(world) == [True] * (3 if ids else 2) + [False]
    for view in (world.show(run["id"]) for run in world.runs()):
        assert not events(view, EventKind.OVERLAP)


@pytest.mark.slow
def test_trackers_that_are_used_at_once_on_purpose_all_go_on(world: World) -> None:
    with notebook(world) as open_:
        open_.run("from trainwatt import EnergyTracker\nfrom threading import Thread\nimport time\nkept = []")
        open_.run("kept += [EnergyTracker(project='a').start() for _ in range(2)]", "cell-1")  # in one execution
        for name in ("x", "y"):
            open_.run(f"kept.append(EnergyTracker(project='b', name={name!r}).start())", "cell-2")  # with other names
            open_.run(f"kept.append(EnergyTracker(project={name!r}).start())", "cell-3")  # in other projects
            open_.run(
                "def work():\n    with EnergyTracker(project='c'): time.sleep(600)\nThread(target=work, daemon=True).start()", "cell-4"
            )
        open_.run("kept.append(EnergyTracker(project='a').start())", "cell-5")  # in another cell
        open_.run("with EnergyTracker(project='a') as outer, EnergyTracker(project='a') as inner: print(LIVING := 1)", "cell-5")
        open_.run("time.sleep(0.5)")
        assert open_.run(LIVING).strip() == str(3 * (2 + 2 + 2 + 2 + 1))
        open_.run("for t in kept: t.stop()")
    assert not any(forgotten(world))


def test_an_edited_cell_of_a_front_end_without_ids_ends_the_tracker_that_it_let_go_of(world: World) -> None:
    with notebook(world) as open_:
        for edit in range(3):
            open_.run(f"{START}pass  # {edit}")
        assert open_.run(LIVING).strip() == "3"
    assert forgotten(world) == [True, True, False]


@pytest.mark.slow
def test_ipython_in_a_terminal_lets_go_of_all_trackers_at_its_end_and_ends_none_early(world: World) -> None:
    typed = f"{START}u = EnergyTracker(project='digits').start()\nu = EnergyTracker(project='digits').start() # again\n1/0\n"
    command = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]
    finished(world.popen(command, env=world.environ(IPYTHONDIR=str(world.work)), stdin=subprocess.PIPE), typed)
    assert forgotten(world) == [False, True, False]
    assert [status for status, _ in statuses(world)] == ["completed"] * 3


LOOPS = {
    "a name that is bound again": "tracker = EnergyTracker(project='p'); tracker.start()",
    "no name": "EnergyTracker(project='p', name=str(i)).start()",
    "bound after the start": "tracker = EnergyTracker(project='p').start()",
    "in a function": "train()",
    "in other projects": "EnergyTracker(project=str(i)).start()",
}


@pytest.mark.slow
@pytest.mark.parametrize("how", LOOPS)
def test_forgotten_trackers_of_a_loop_do_not_pile_up(world: World, how: str) -> None:
    """Forty forgotten calls of stop() left 81 threads. A run has three: it reads, writes, and asks the database."""
    code = f"""
import gc, threading, time
from trainwatt import EnergyTracker
def train():
    tracker = EnergyTracker(project='p')
    tracker.start()
for i in range(20):
    {LOOPS[how]}
for _ in range(200):  # one that is let go of after the next one began is ended by another thread
    living = sum(t.name.startswith('trainwatt') for t in threading.enumerate())
    if living == {27 if how == "in other projects" else 3}: break
    time.sleep(0.05)
print(living)
"""
    ended = world.run_python(code)
    assert ended.stdout.strip() == ("27" if how == "in other projects" else "3"), ended.stderr
    assert [status for status, _ in statuses(world)] == ["completed"] * 20
    assert sum(forgotten(world)) == (11 if how == "in other projects" else 19)


def test_a_tracker_that_a_program_lets_go_of_measures_to_the_end(world: World) -> None:
    """Nobody keeps it, and the program wants its run: other trackers do not end it."""
    code = """
import gc, time
from trainwatt import EnergyTracker
EnergyTracker(project="whole").start()
with EnergyTracker(project="whole") as part:
    gc.collect()
    time.sleep(0.3)
EnergyTracker(project="other").start()
"""
    assert world.run_python(code).returncode == 0
    whole, part, other = (world.show(run["id"]) for run in reversed(world.runs()))
    assert whole["run"]["duration_s"] > part["run"]["duration_s"] >= 0.3
    assert [v["run"]["end_reason"] for v in (whole, part, other)] == [NOT_STOPPED[1], None, NOT_STOPPED[1]]


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_trackers_that_threads_and_tasks_let_go_of_do_not_end_each_other(world: World, kind: str) -> None:
    code = {
        "threads": """
from threading import Barrier, Thread
together = Barrier(3)
def work():
    begin()
    together.wait()
threads = [Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""",
        "tasks": """
import asyncio
async def work():
    begin()
    await asyncio.sleep(0.2)
async def main(): await asyncio.gather(*(work() for _ in range(3)))
asyncio.run(main())
""",
    }
    ended = world.run_python(f"from trainwatt import EnergyTracker\ndef begin(): EnergyTracker(project='p').start()\n{code[kind]}")
    assert ended.returncode == 0, ended.stderr
    assert statuses(world) == [NOT_STOPPED] * 3


def test_a_forked_child_leaves_the_runs_alone_whose_trackers_are_gone(world: World) -> None:
    code = """
import os, time
from trainwatt import EnergyTracker
EnergyTracker(project="p").start()
pid = os.fork()
if pid == 0:
    raise SystemExit(0)  # with the handlers of atexit
os.waitpid(pid, 0)
time.sleep(0.3)
"""
    ended = world.run_python(code)
    assert ended.returncode == 0, ended.stderr
    [run] = world.runs()
    assert (run["status"], run["end_reason"]) == NOT_STOPPED
    assert run["duration_s"] >= 0.3
