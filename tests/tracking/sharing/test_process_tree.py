"""The CPU time of a tree of processes, with those that end between two looks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import HANGS_S
from trainwatt.tracking.sharing.tree import ProcessTree, Seen, spent_s

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
BURN = "import time\nwhile time.process_time() < {}: pass\n"


class Tree:
    """Simulated processes as /proc shows them: a parent that waits for a child has its time from then on."""

    def __init__(self) -> None:
        self.seen = {1: Seen(0, 0, 0.0, 0.0)}
        self.born = 0
        self.used_s = 0.0

    def fork(self, parent: int) -> None:
        self.born += 1
        self.seen[1 + self.born] = Seen(self.born, parent, 0.0, 0.0)

    def work(self, pid: int, seconds: float) -> None:
        self.seen[pid] = self.seen[pid]._replace(own_s=self.seen[pid].own_s + seconds)
        self.used_s += seconds

    def end(self, pid: int) -> None:
        """A process and all below it end, and each is waited for by its parent."""
        for child in [c for c, seen in self.seen.items() if seen.parent == pid]:
            self.end(child)
        gone = self.seen.pop(pid)
        above = self.seen[gone.parent]
        self.seen[gone.parent] = above._replace(children_s=above.children_s + gone.all_s)


@given(st.lists(st.tuples(st.sampled_from(["fork", "work", "end", "look"]), st.integers(0, 9), st.floats(0, 10)), max_size=60))
def test_no_second_of_a_tree_is_missed_or_counted_twice(steps: list[tuple[str, int, float]]) -> None:
    tree, found_s = Tree(), 0.0
    before = dict(tree.seen)
    for what, which, seconds in [*steps, ("look", 0, 0.0)]:
        pid = sorted(tree.seen)[which % len(tree.seen)]
        if what == "fork":
            tree.fork(pid)
        elif what == "work":
            tree.work(pid, seconds)
        elif what == "end" and pid != 1:
            tree.end(pid)
        elif what == "look":
            found_s += spent_s(before, tree.seen, None, None)
            before = dict(tree.seen)
    assert found_s == pytest.approx(tree.used_s)


def test_the_number_of_a_process_that_has_ended_may_be_that_of_another() -> None:
    root, child = Seen("root", 0, 1.0, 0.0), Seen("a", 1, 5.0, 0.0)
    now = {1: root._replace(children_s=6.0), 2: Seen("b", 1, 0.5, 0.0)}
    assert spent_s({1: root, 2: child}, now, None, None) == pytest.approx(1.5)


def test_what_the_root_did_last_is_known_from_the_parent_that_waited_for_it() -> None:
    before = {7: Seen("root", 3, 4.0, 1.0), 8: Seen("child", 7, 2.0, 0.0)}
    above = Seen("shell", 1, 0.0, 100.0), Seen("shell", 1, 0.0, 107.5)  # 7 s that were known, and the last half second
    assert spent_s(before, {}, above, 3) == pytest.approx(0.5)
    assert spent_s(before, {}, None, 3) == 0.0  # nobody knows


def test_grandparents_that_wait_for_what_their_dead_child_waited_for_count_it_once() -> None:
    before = {1: Seen("root", 0, 0.0, 0.0), 2: Seen("a", 1, 1.0, 0.0), 3: Seen("b", 2, 2.0, 0.0)}
    assert spent_s(before, {1: Seen("root", 0, 0.0, 3.25)}, None, None) == pytest.approx(0.25)


def tree_of(pid: int) -> ProcessTree:
    return ProcessTree(pid, "/proc", "/sys")


@pytest.fixture
def started() -> Callable[[str], subprocess.Popen[str]]:
    """Starts a program that says when it is ready, and ends when it is told to."""

    def start(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    return start


def told(process: subprocess.Popen[str]) -> str:
    """What it says when it is told to go on."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_children_that_begin_and_end_between_two_looks_count(started: Callable[[str], subprocess.Popen[str]]) -> None:
    code = (
        "import subprocess, sys\nprint(flush=True)\nsys.stdin.readline()\n"
        f"subprocess.run([sys.executable, '-c', {BURN.format(0.3)!r}])\nprint('done', flush=True)\nsys.stdin.readline()"
    )
    process = started(code)
    tree = tree_of(process.pid)
    stranger = subprocess.Popen([sys.executable, "-c", BURN.format(0.3)])
    told(process)
    assert stranger.wait(HANGS_S) == 0
    machine, _ = tree.spent()
    times = psutil.Process(process.pid).cpu_times()
    assert 0.3 - TICK_S <= machine.tree_s <= times.user + times.system + times.children_user + times.children_system
    assert machine.busy_s >= machine.tree_s + 0.3 - 4 * TICK_S  # the stranger is no part of the tree
    process.communicate("\n")


def test_a_process_whose_parent_has_ended_stays_in_the_tree(started: Callable[[str], subprocess.Popen[str]]) -> None:
    code = (
        "import os, sys\nread, write = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"
        "        print(os.getpid(), flush=True)\n        os.read(read, 1)\n"
        f"        exec({BURN.format(0.2)!r})\n        print('done', flush=True)\n        os.read(read, 1)\n        os._exit(0)\n"
        "    sys.stdin.readline()\n    os._exit(0)\n"
        "os.wait()\nprint('orphaned', flush=True)\nsys.stdin.readline()\nos.write(write, b'1')\nsys.stdin.readline()\nos.write(write, b'1')"
    )
    process = started(code)
    tree = tree_of(process.pid)
    assert len(tree.pids) == 3
    assert told(process) == "orphaned\n"
    tree.spent()
    assert told(process) == "done\n"
    machine, _ = tree.spent()
    assert machine.tree_s >= 0.2 - 2 * TICK_S
    process.communicate("\n")


def test_a_process_that_is_gone_is_an_empty_tree() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(HANGS_S)
    tree = tree_of(process.pid)
    assert (tree.pids, tree.spent()[0].tree_s) == (frozenset(), 0.0)


def test_the_settings_of_psutil_stay_those_of_the_program(tmp_path: Path) -> None:
    """A container may have the tree of its host at another place; the program looks at its own."""
    os.symlink("/proc", tmp_path / "proc")
    tree = ProcessTree(os.getpid(), str(tmp_path / "proc"), "/sys")
    assert psutil.PROCFS_PATH == "/proc"
    assert os.getpid() in tree.pids
