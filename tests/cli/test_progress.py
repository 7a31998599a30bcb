"""A bar for long work: on a terminal, out of what is printed, and nothing in a pipe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.browser.runs import hour
from tests.fakes.world import TRAINWATT, World, finished

ON_A_TERMINAL = (sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)")
LONG = {
    "exporting": ("export", "aaa111", "bbb222", "-o", "runs.csv"),
    "reading": ("report", "aaa111", "bbb222", "-o", "runs.html"),
    "computing": ("footprint", "aaa111", "bbb222"),
    "merging": ("merge", "../data/runs.db", "--into", "all.db"),
}


@pytest.fixture
def two_runs(world: World) -> World:
    world.db.parent.mkdir(exist_ok=True)
    for run_id in ("aaa111", "bbb222"):
        hour(world.db, run_id)
    return world


def on_a_terminal(world: World, *command: str) -> str:
    ended = finished(world.popen([*ON_A_TERMINAL, *TRAINWATT, *command], env=world.environ(TERM="xterm-256color")))
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.mark.parametrize("word", LONG)
def test_a_bar_on_a_terminal_and_nothing_in_a_pipe(two_runs: World, word: str) -> None:
    shown = on_a_terminal(two_runs, *LONG[word])
    assert word in shown
    assert "2/2" in shown
    piped = two_runs.cli(*LONG[word])
    assert (piped.returncode, piped.stderr) == (0, "")
    assert word not in piped.stdout


def test_no_bar_for_one_run(two_runs: World) -> None:
    assert "reading" not in on_a_terminal(two_runs, "report", "aaa111", "-o", "one.html")


def test_no_bar_among_the_rows_on_a_terminal(two_runs: World) -> None:
    shown = on_a_terminal(two_runs, "export")
    assert "exporting" not in shown
    assert "aaa111" in shown


def test_what_a_bar_was_for_is_written_whole(two_runs: World) -> None:
    on_a_terminal(two_runs, *LONG["exporting"])
    assert Path(two_runs.work, "runs.csv").read_text() == two_runs.cli("export", "aaa111", "bbb222").stdout
