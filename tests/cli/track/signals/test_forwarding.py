"""A signal reaches the command of `trainwatt run` once: sent to one process, to a group, to every process of a job, or by a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes.world import HANGS_S, TRAINWATT, MakeWorld, World, wait_for

QUIET_S = 0.5
"""After so long without a signal none comes any more: more than twice as long as `trainwatt run` waits."""

pytestmark = pytest.mark.slow

VICTIM = """
import os, pathlib, signal, sys
out = os.open("signals", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def got(number, frame):
    os.write(out, signal.Signals(number).name.encode() + b"\\n")
names = "HUP INT QUIT USR1 USR2 TERM ALRM CONT URG WINCH XCPU".split()
for name in names + sys.argv[1:]:
    signal.signal(getattr(signal, f"SIG{name}"), got)
if "SETSID" in os.environ: os.setsid()
pathlib.Path("new").write_text(f"{os.getpid()}\\n")
os.rename("new", "ready")
while not os.path.exists("over"):
    signal.sigtimedwait([], 0.05)
sys.exit(5)
"""


class Victim:
    """A command under `trainwatt run` that writes down each signal that it gets."""

    def __init__(self, world: World, process: subprocess.Popen[str], main: int | None = None) -> None:
        self.world = world
        self.process = process
        self.pid = int(wait_for(world.work / "ready"))
        self.main = main or parent(self.pid)

    @property
    def got(self) -> list[str]:
        file = self.world.work / "signals"
        return file.read_text().split() if file.exists() else []

    def wait(self, count: int) -> None:
        """Wait until it has got that many."""
        until(lambda: len(self.got) >= count, self)

    def all_got(self) -> list[str]:
        """All that it has got, when no more come."""
        time.sleep(QUIET_S)
        return self.got

    def end(self) -> int:
        """Let it end; the exit code of what was started."""
        (self.world.work / "over").touch()
        self.process.communicate(timeout=HANGS_S)
        return self.process.returncode

    def probe(self) -> int:
        """The process that tells whether a signal was for both."""
        return next(pid for pid in children(self.main) if pid != self.pid and os.getpgid(pid) == os.getpgid(self.main))

    def measuring(self) -> int:
        """The process that measures."""
        return next(pid for pid in children(self.main) if os.getsid(pid) == pid != self.pid)


def until(condition: Callable[[], bool], victim: Victim | None = None) -> None:
    deadline = time.monotonic() + HANGS_S
    while not condition():
        assert time.monotonic() < deadline, victim and (victim.got, state(victim.main), state(victim.pid))
        time.sleep(0.01)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


RUN = [*TRAINWATT, "run", "--", sys.executable, "-c", VICTIM]


@pytest.fixture
def quiet(make_world: MakeWorld) -> Iterator[World]:
    """A machine without GPU, on which nothing is left running."""
    world = make_world(gpus_w=())
    yield world
    (world.work / "over").touch()


def start(world: World, *command: str, **popen: object) -> Victim:
    return Victim(world, world.popen(command or RUN, **({"start_new_session": True} | popen)))  # type: ignore[arg-type]


def to_each(victim: Victim, number: int) -> None:
    """As Slurm, systemd and tools that walk the tree do."""
    for pid in (victim.main, *children(victim.main)):
        os.kill(pid, number)


def test_a_signal_reaches_the_command_once_whomever_it_is_sent_to(quiet: World) -> None:
    victim = start(quiet)
    ways: tuple[Callable[[int], None], ...] = (
        lambda number: os.kill(victim.main, number),
        lambda number: os.killpg(victim.main, number),
        lambda number: to_each(victim, number),
        lambda number: os.kill(victim.pid, number),
    )
    names = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGALRM", "SIGCONT", "SIGURG", "SIGWINCH", "SIGXCPU"]
    sent = []
    for way in ways:
        for name in names:
            way(getattr(signal, name))
            sent.append(name)
            victim.wait(len(sent))
        time.sleep(QUIET_S)  # signals of one number that follow each other closely are one
    assert victim.all_got() == sent
    os.kill(victim.probe(), signal.SIGTERM)  # nobody else is meant
    assert victim.all_got() == sent
    assert victim.end() == 5
    assert quiet.show()["run"]["end_reason"] == "exit code 5"


@pytest.mark.parametrize("handler", ["", "1"])
def test_all_signals_at_once(quiet: World, handler: str) -> None:
    """A process that waited for a processor gets them all at once. The fault handler has a small stack, on which four find room."""
    command = [*RUN[:-3], "env", "PYTHONFAULTHANDLER=", *RUN[-3:]]
    victim = start(quiet, *command, env=quiet.environ(PYTHONFAULTHANDLER=handler))
    names = ["SIGALRM", "SIGCONT", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGXCPU"]
    waiting = (victim.main, victim.probe(), victim.measuring())
    for pid in waiting:
        os.kill(pid, signal.SIGSTOP)
        until(lambda: state(pid) == "T")  # noqa: B023  (it is called at once)
    for name in [*names[:1], *names[2:], "SIGCONT"]:  # the last one wakes them
        for pid in (victim.pid, *waiting):
            os.kill(pid, getattr(signal, name))
    victim.wait(len(names))
    assert sorted(victim.all_got()) == names
    assert victim.end() == 5
    assert quiet.show()["run"]["end_reason"] == "exit code 5"


@pytest.mark.parametrize(
    "command", [["timeout", "300"], ["sh", "-c", 'exec "$@"', "sh"], ["sh", "-c", 'trap : USR1; "$@"; exit $?', "sh"], ["setsid", "-w"]]
)
def test_a_signal_by_way_of_another_program(quiet: World, command: list[str]) -> None:
    """`timeout` sends a signal that it gets to its child and then to its group."""
    victim = start(quiet, *command, *RUN)
    if command[0] == "timeout":
        os.kill(victim.process.pid, signal.SIGTERM)
        expected = ["SIGCONT", "SIGTERM"]
    else:
        os.killpg(os.getpgid(victim.main), signal.SIGUSR1)
        os.kill(victim.main, signal.SIGUSR2)
        expected = ["SIGUSR1", "SIGUSR2"]
    victim.wait(2)
    assert sorted(victim.all_got()) == expected
    assert victim.end() == 5


def test_the_probe_is_named_like_the_command_and_ends_with_us(quiet: World) -> None:
    """`pkill trainwatt` is for us alone, and `pkill train.py` for us both."""
    victim = start(quiet)
    probe = victim.probe()
    for file in ("comm", "cmdline"):
        mine, its = (Path(f"/proc/{pid}/{file}").read_text().rstrip("\0") for pid in (probe, victim.pid))
        assert mine == (its if file == "cmdline" else os.path.basename(sys.executable)[:15] + "\n")
    assert os.getpgid(probe) == os.getpgid(victim.pid)
    assert len(os.listdir(f"/proc/{probe}/fd")) == 2
    os.kill(victim.main, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{probe}"))


def test_a_command_that_left_the_group_gets_what_the_group_gets(quiet: World) -> None:
    victim = start(quiet, env=quiet.environ(SETSID="1"))
    os.killpg(victim.main, signal.SIGTERM)
    victim.wait(1)
    assert victim.all_got() == ["SIGTERM"]
    assert victim.end() == 5


def test_a_signal_before_the_command_began_is_not_lost(quiet: World) -> None:
    process = quiet.popen([*TRAINWATT, "run", "--baseline", "3", "--", "sleep", "60"], start_new_session=True)
    until(lambda: bool(children(process.pid)))  # the probe; there is no command yet
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=HANGS_S)
    assert process.returncode == -signal.SIGTERM, said
    assert quiet.show()["run"]["end_reason"] == "SIGTERM"


WAITS = """
import os, signal, sys
waiting = {signal.SIGRTMIN, signal.SIGUSR1, signal.SIGTERM}
os.rename("new", "ready")
while not os.path.exists("over"):
    if got := signal.sigtimedwait(waiting, 0.05):
        print(got.si_signo, flush=True)
"""


@pytest.mark.parametrize("late_s", [0.0, 0.5], ids=["at once", "later"])
@pytest.mark.parametrize("to", ["group", "each", "main"])
def test_a_signal_while_the_command_starts_reaches_it_once(quiet: World, to: str, late_s: float) -> None:
    """The process of the command is there and does not execute it yet: `trainwatt run` asks the probe, which has no processor. Signals of
    real time wait in a queue, where each is counted."""
    numbers = {signal.SIGRTMIN, signal.SIGUSR1, signal.SIGTERM}
    command = [*TRAINWATT, "run", "--baseline", "1", "--", "sh", "-c", 'echo $$ > new; exec "$@"', "sh", sys.executable, "-c", WAITS]
    process = quiet.popen(command, start_new_session=True, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers))
    until(lambda: bool(children(process.pid)))
    probe = next(pid for pid in children(process.pid) if os.getsid(pid) == process.pid)
    os.kill(probe, signal.SIGSTOP)
    until(lambda: sum(os.getsid(pid) == process.pid for pid in children(process.pid)) == 2)
    time.sleep(late_s)
    for number in sorted(numbers):
        if to == "group":
            os.killpg(process.pid, number)
        else:
            for pid in (process.pid, *(children(process.pid) if to == "each" else ())):
                os.kill(pid, number)
    os.kill(probe, signal.SIGCONT)
    wait_for(quiet.work / "ready")
    time.sleep(2 * QUIET_S)
    (quiet.work / "over").touch()
    out, said = process.communicate(timeout=HANGS_S)
    assert sorted(map(int, out.split())) == sorted(numbers), said


def test_a_stop_before_the_command_began_stops_both(quiet: World) -> None:
    process = quiet.popen([*TRAINWATT, "run", "--baseline", "1", "--", "true"], process_group=0)
    until(lambda: bool(children(process.pid)))
    os.killpg(process.pid, signal.SIGTSTP)
    until(lambda: state(process.pid) == "T")
    (command,) = (pid for pid in children(process.pid) if state(pid) == "T")
    os.killpg(process.pid, signal.SIGCONT)
    _, said = process.communicate(timeout=HANGS_S)
    assert process.returncode == 0, said
    assert not os.path.exists(f"/proc/{command}")


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_a_command_stops_and_goes_on_by_a_signal(quiet: World, send: Callable[[int, int], None]) -> None:
    victim = start(quiet, start_new_session=False, process_group=0)  # a group whose parent is elsewhere: only such a group can be stopped
    send(victim.main, signal.SIGTSTP)
    until(lambda: {state(victim.pid), state(victim.main)} == {"T"})
    send(victim.main, signal.SIGCONT)
    victim.wait(1)
    for order in (signal.SIGTSTP, signal.SIGCONT):  # one at once after the other
        send(victim.main, order)
    time.sleep(QUIET_S)
    assert "T" not in {state(victim.pid), state(victim.main)}
    assert victim.all_got() == ["SIGCONT", "SIGCONT"]
    assert victim.end() == 5


@pytest.mark.parametrize("after_s", [0.05, 0.3], ids=["settling", "settled"])
@pytest.mark.parametrize("to", ["group", "each", "main"])
def test_a_stop_that_is_taken_back_before_the_probe_has_seen_it_does_not_stop_the_command(quiet: World, to: str, after_s: float) -> None:
    """The kernel drops a stop that waits when the process is continued: a probe without a processor gets the second signal only. By then,
    `trainwatt run` waits whether the command gets the first one from its sender too, or asks the probe for it."""
    victim = start(quiet, start_new_session=False, process_group=0)
    probe = victim.probe()

    def send(number: int) -> None:
        if to == "group":
            os.killpg(victim.main, number)
        elif to == "each":
            to_each(victim, number)
        else:
            os.kill(victim.main, number)

    os.kill(probe, signal.SIGSTOP)
    until(lambda: state(probe) == "T")
    send(signal.SIGTSTP)
    if to != "main":
        until(lambda: state(victim.pid) == "T")
    time.sleep(after_s)
    send(signal.SIGCONT)
    victim.wait(1)
    assert victim.all_got() == ["SIGCONT"]
    assert [state(pid) for pid in (victim.pid, victim.main)] == ["S", "S"]
    assert victim.end() == 5


# ---- terminals


class Terminal:
    """A terminal with a program as the leader of its session."""

    def __init__(self, world: World, *command: str) -> None:
        self.controller, terminal = pty.openpty()
        self.said = b""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
        self.process = world.popen(command, start_new_session=True, preexec_fn=lambda: _own_terminal(terminal), **streams)  # type: ignore[arg-type]
        os.close(terminal)
        os.set_blocking(self.controller, False)

    def type(self, text: str) -> None:
        os.write(self.controller, text.encode())

    def read(self) -> bytes:
        with suppress(OSError):
            while chunk := os.read(self.controller, 65536):
                self.said += chunk
        return self.said

    def hang_up(self) -> None:
        os.close(self.controller)


def _own_terminal(terminal: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_what_a_terminal_sends_reaches_the_command_once(quiet: World) -> None:
    terminal = Terminal(quiet, *RUN)
    victim = Victim(quiet, terminal.process)
    for key, count in (("\x03", 1), ("\x1c", 2)):
        terminal.type(key)
        victim.wait(count)
    assert victim.all_got() == ["SIGINT", "SIGQUIT"]
    terminal.hang_up()
    victim.wait(4)
    assert sorted(victim.all_got()[2:]) == ["SIGCONT", "SIGHUP"]  # the kernel sends both
    assert victim.end() == 5
    assert quiet.show()["run"]["end_reason"] == "exit code 5"


def test_a_terminal_that_hangs_up_ends_a_plain_command(quiet: World) -> None:
    terminal = Terminal(quiet, *TRAINWATT, "run", "--", "sh", "-c", "echo $$ > new; mv new ready; exec sleep 60")
    Victim(quiet, terminal.process)
    terminal.hang_up()
    assert terminal.process.wait(HANGS_S) == -signal.SIGHUP
    found = quiet.show()["run"]
    assert (found["status"], found["end_reason"]) == ("interrupted", "SIGHUP")


def test_a_probe_that_somebody_ends_is_started_again(quiet: World) -> None:
    terminal = Terminal(quiet, *RUN)
    victim = Victim(quiet, terminal.process)
    os.kill(victim.probe(), signal.SIGKILL)
    os.kill(victim.main, signal.SIGTERM)
    victim.wait(1)
    terminal.type("\x03")
    victim.wait(2)
    time.sleep(QUIET_S)
    terminal.hang_up()
    victim.wait(4)
    got = victim.all_got()
    assert (got[:2], sorted(got[2:])) == (["SIGTERM", "SIGINT"], ["SIGCONT", "SIGHUP"])
    assert victim.end() == 5


def test_a_job_of_a_shell_stops_and_goes_on(quiet: World) -> None:
    terminal = Terminal(quiet, "bash", "--norc", "--noprofile", "-i")
    (quiet.work / "victim.py").write_text(VICTIM)
    terminal.type(f"{' '.join(TRAINWATT)} run -- {sys.executable} victim.py\n")
    victim = Victim(quiet, terminal.process)
    both = (victim.main, victim.pid)
    for order in ("bg", "fg"):
        before = len(victim.got)
        terminal.type("\x1a")
        until(lambda: {state(pid) for pid in both} == {"T"})
        until(lambda: b"Stopped" in terminal.read())
        terminal.said = b""
        terminal.type(f"{order}\n")
        victim.wait(before + 1)
        until(lambda: "T" not in {state(pid) for pid in both})
        if order == "bg":
            terminal.type("fg\n")
        until(lambda: os.tcgetpgrp(terminal.controller) == os.getpgid(victim.main))
    terminal.type("\x03")
    victim.wait(3)
    assert victim.all_got() == ["SIGCONT", "SIGCONT", "SIGINT"]
    (quiet.work / "over").touch()
    until(lambda: not os.path.exists(f"/proc/{victim.main}"))
    terminal.type("echo code=$?; exit\n")
    assert terminal.process.wait(HANGS_S) == 0
    assert b"code=5\r\n" in terminal.read()
    terminal.hang_up()
    view = quiet.show()
    assert view["run"]["end_reason"] == "exit code 5"
    assert view["energy"]["low_j"] <= quiet.total_w * view["run"]["duration_s"] <= view["energy"]["high_j"]


IN_ORDER = """
import ctypes, signal, time
from trainwatt.cli.track.signals.forwarding import Signals
with Signals(["true"]) as signals:
    # A call that keeps the interpreter: both signals have come when it calls the first handler.
    ctypes.PyDLL(None).system(b"kill -TSTP $PPID; sleep 0.1; kill -CONT $PPID; sleep 0.1")
    signals.pause(until_s=time.monotonic())
    print(sorted(signal.Signals(number).name for number in signals.take()))
"""


def test_a_stop_that_was_taken_back_stops_nothing_whichever_handler_is_called_first(world: World) -> None:
    ended = world.run_python(IN_ORDER)
    assert (ended.returncode, ended.stdout) == (0, "['SIGCONT']\n"), ended.stderr
