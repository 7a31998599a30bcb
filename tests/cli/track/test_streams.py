"""`trainwatt run` ends like its command, whatever becomes of stdin, stdout and stderr; other commands fail as a Unix tool does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fakes.world import HANGS_S, TRAINWATT, World, finished

WAYS = {
    "stderr full": 'exec "$@" 2>/dev/full',
    "stdout full": 'exec "$@" >/dev/full',
    "both full": 'exec "$@" >/dev/full 2>&1',
    "stdin closed": 'exec "$@" <&-',
    "stdout closed": 'exec "$@" >&-',
    "stderr closed": 'exec "$@" 2>&-',
    "all closed": 'exec "$@" <&- >&- 2>&-',
    "stderr is read-only": 'exec "$@" 2</dev/null',
    "warnings are errors": 'export PYTHONWARNINGS=error; exec "$@"',
    "development mode": 'export PYTHONDEVMODE=1 PYTHONWARNINGS=error; exec "$@"',
    "unbuffered": 'export PYTHONUNBUFFERED=1; exec "$@" 2>/dev/full',
    "no encoding": 'export PYTHONIOENCODING=ascii:strict LC_ALL=C; exec "$@" >/dev/full 2>&1',
}
ENDS = {"exit 8": 8, "kill -TERM $$": -signal.SIGTERM}


@contextmanager
def deaf_pipe() -> Iterator[int]:
    """The end of a pipe that nobody reads any more."""
    reads, writes = os.pipe()
    os.close(reads)
    yield writes
    os.close(writes)


@pytest.fixture
def world(make_world: object) -> World:
    return make_world(gpus_w=())  # type: ignore[operator,no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_exit_code_is_the_commands_whatever_the_streams_are(world: World, way: str) -> None:
    started = {end: world.popen(["sh", "-c", WAYS[way], "sh", *TRAINWATT, "run", "--", "sh", "-c", end]) for end in ENDS}
    for end, code in ENDS.items():
        ended = finished(started[end])
        assert ended.returncode == code, (end, ended.stderr)
        assert "Traceback" not in ended.stderr
    assert [run["status"] for run in world.runs()].count("failed") == 1


@pytest.mark.parametrize("streams", [("stderr",), ("stdout", "stderr")])
def test_the_exit_code_is_the_commands_if_nobody_reads(world: World, streams: tuple[str, ...]) -> None:
    for end, code in ENDS.items():
        with deaf_pipe() as writes:
            to: dict[str, Any] = dict.fromkeys(streams, writes)
            process = world.popen([*TRAINWATT, "run", "--", "sh", "-c", end], **to)
            assert process.wait(HANGS_S) == code, end
    assert len(world.runs()) == len(ENDS)


def test_a_pipeline_fails_as_the_command_does(world: World) -> None:
    """The reader leaves at the first match, while the command still runs."""
    script = 'set -o pipefail; "$@" 2>&1 | grep -m1 step; exit ${PIPESTATUS[0]}'
    command = "echo step 1; sleep 0.5; exit 8"
    ended = finished(world.popen(["bash", "-c", script, "bash", *TRAINWATT, "run", "--", "sh", "-c", command]))
    assert (ended.returncode, ended.stdout) == (8, "step 1\n"), ended.stderr
    assert world.show()["run"]["end_reason"] == "exit code 8"


def test_a_reader_that_does_not_read_does_not_hold_the_command_up(world: World) -> None:
    reads, writes = os.pipe()
    code = "import os, sys\nos.set_blocking(2, False)\ntry:\n  while True: os.write(2, bytes(4096))\nexcept BlockingIOError: sys.exit(7)"
    process = world.popen([*TRAINWATT, "run", "--", sys.executable, "-c", code], stderr=writes)
    assert process.wait(HANGS_S) == 7
    os.close(reads)
    os.close(writes)
    assert world.show()["run"]["end_reason"] == "exit code 7"


def test_a_database_never_becomes_a_standard_stream(world: World) -> None:
    """The lowest free number is that of the next file that is opened. The command finds closed what was closed."""
    (world.work / "look.py").write_text("""
import os, sys
mine = [n for n in range(3) if os.path.exists(f"/proc/self/fd/{n}")]
main = os.getppid()
family = [main, *map(int, open(f"/proc/{main}/task/{main}/children").read().split())]
files = [f"/proc/{pid}/fd/{n}" for pid in family if pid != os.getpid() for n in range(3)]
others = {os.readlink(file) for file in files if os.path.exists(file)}
os.write(os.open("found", os.O_WRONLY | os.O_CREAT), repr((mine, others)).encode())
""")
    ended = finished(world.popen(["sh", "-c", WAYS["all closed"], "sh", *TRAINWATT, "run", "--", sys.executable, "look.py"]))
    assert ended.returncode == 0
    assert (world.work / "found").read_text() == "([], {'/dev/null'})"


# ---- other commands


def test_other_commands_end_quietly_when_the_reader_has_enough(world: World) -> None:
    assert world.cli("run", "--", "true").returncode == 0
    for arguments in (["list"], ["show", "--json"], ["--help"], ["export", "-o", "-"]):
        with deaf_pipe() as writes:
            process = world.popen([*TRAINWATT, *arguments], stdout=writes)
            _, said = process.communicate(timeout=HANGS_S)
            assert (process.returncode, said) == (0, ""), arguments


@pytest.mark.parametrize(("way", "reason"), [("stdout full", "No space left on device"), ("stdout closed", "Bad file descriptor")])
def test_other_commands_say_that_their_output_cannot_be_written(world: World, way: str, reason: str) -> None:
    assert world.cli("run", "--", "true").returncode == 0
    for arguments in (["list"], ["show", "--json"], ["--version"]):
        ended = finished(world.popen(["sh", "-c", WAYS[way], "sh", *TRAINWATT, *arguments]))
        assert (ended.returncode, ended.stderr) == (1, f"trainwatt: stdout cannot be written: {reason}\n"), arguments


def test_exit_codes_do_not_depend_on_stderr(world: World) -> None:
    """2 for a wrong argument, 3 for a run that is not there, 0 for a list."""
    assert world.cli("run", "--", "true").returncode == 0
    codes = {"shwo": 2, "show nope": 3, "list": 0, "run --stage no true": 2, "run no-such": 127}
    for way in ("stderr full", "stderr closed"):
        for arguments, code in codes.items():
            ended = finished(world.popen(["sh", "-c", WAYS[way], "sh", *TRAINWATT, *arguments.split()]))
            assert ended.returncode == code, (way, arguments)
    with deaf_pipe() as writes:
        assert subprocess.call([*TRAINWATT, "show", "nope"], env=world.environ(), stderr=writes) == 3
