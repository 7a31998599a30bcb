"""How the command starts and ends: what it inherits, and what ties it to `trainwatt run`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.track.signals.test_forwarding import Victim, state, until
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished

LOOK = "grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status"
SLEEP = ["sh", "-c", "echo $$ > new; mv new ready; exec sleep 60"]


@pytest.fixture
def quiet(make_world: MakeWorld) -> World:
    return make_world(gpus_w=())


def ignoring(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return prepare


def blocking(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    return prepare


@pytest.mark.parametrize(
    "prepare",
    [
        ignoring(signal.SIGCHLD),
        ignoring(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD, signal.SIGTSTP),
        blocking(signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1),
        ignoring(signal.SIGRTMIN, signal.SIGRTMAX),
    ],
)
def test_the_command_inherits_what_the_parent_ignores_and_blocks(quiet: World, prepare: Callable[[], None]) -> None:
    """Where the parent ignores SIGCHLD, the kernel would take the exit code."""
    plain = finished(quiet.popen(["sh", "-c", f"{LOOK}; exit 8"], preexec_fn=prepare))
    tracked = finished(quiet.popen([*TRAINWATT, "run", "--", "sh", "-c", f"{LOOK}; exit 8"], preexec_fn=prepare))
    assert (tracked.returncode, tracked.stdout) == (8, plain.stdout), tracked.stderr
    assert quiet.show()["run"]["end_reason"] == "exit code 8"


def test_a_command_that_ignores_what_its_parent_ignored_ends_by_other_signals(quiet: World) -> None:
    process = quiet.popen([*TRAINWATT, "run", "--", *SLEEP], preexec_fn=ignoring(signal.SIGHUP, signal.SIGINT))
    victim = Victim(quiet, process)
    for number in (signal.SIGHUP, signal.SIGINT):  # as with nohup
        process.send_signal(number)
    process.send_signal(signal.SIGTERM)
    assert finished(process).returncode == -signal.SIGTERM
    assert not os.path.exists(f"/proc/{victim.pid}")


def kill_trainwatt(victim: Victim) -> None:
    os.kill(victim.main, signal.SIGKILL)
    victim.process.wait()


@pytest.mark.parametrize("number", ["TERM", "kill", "USR1"])
def test_a_command_dies_with_trainwatt_if_the_user_wants_it(quiet: World, number: str) -> None:
    victim = Victim(quiet, quiet.popen([*TRAINWATT, "run", "--die-with", number, "--", *SLEEP]))
    kill_trainwatt(victim)
    until(lambda: not os.path.exists(f"/proc/{victim.pid}") or state(victim.pid) == "Z")


def test_a_command_goes_on_alone_by_default(quiet: World) -> None:
    victim = Victim(quiet, quiet.popen([*TRAINWATT, "run", "--", *SLEEP]))
    kill_trainwatt(victim)
    until(lambda: quiet.show()["run"]["status"] == "interrupted")
    assert state(victim.pid) == "S"
    os.kill(victim.pid, signal.SIGKILL)


def test_a_tied_command_may_end_by_itself_and_handle_the_signal(quiet: World) -> None:
    code = "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (open('saved', 'w'), sys.exit(0)))\n"
    code += "open('new', 'w').write(f'{os.getpid()}\\n'); os.rename('new', 'ready'); time.sleep(60)"
    victim = Victim(quiet, quiet.popen([*TRAINWATT, "run", "--die-with", "TERM", "--", sys.executable, "-c", code]))
    kill_trainwatt(victim)
    until((quiet.work / "saved").exists)
    ended = quiet.cli("run", "--die-with", "TERM", "--", "sh", "-c", "exit 4")
    assert ended.returncode == 4
    assert len(ended.stderr.splitlines()) == 3


def test_a_command_whose_trainwatt_has_ended_before_it_began_gets_the_signal() -> None:
    """The kernel tells nobody of an end that was before the tie."""
    code = """
import os, signal, sys, time
from trainwatt.cli.track.processes.spawned import _tied_to
tie = _tied_to(os.getpid(), signal.SIGTERM)
reads, writes = os.pipe()
if os.fork():
    os._exit(0)
os.close(writes)
while os.getppid() == int(sys.argv[1] if len(sys.argv) > 1 else -1): pass
time.sleep(0.3)
print("before", flush=True)
tie()
print("after", flush=True)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout == "before\n"


def test_a_signal_that_does_not_end_a_process_is_refused(quiet: World) -> None:
    for number in ("WINCH", "CHLD", "nonsense", "9"):
        ended = quiet.cli("run", "--die-with", number, "--", "touch", "started")
        assert ended.returncode == 2
        assert "'term'" in ended.stderr
    assert not (quiet.work / "started").exists()


ONLY = ["-all", "+dac_read_search", "+dac_override"]
POOR = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
POOR += [f"--{kind}={','.join(ONLY)}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
"""Another user, who may read what root may, and whose processes are counted."""


@pytest.mark.parametrize("limit", ["-n 6", "-n 9", "-u 1", "-u 4"])
def test_a_command_runs_where_there_can_be_no_more_descriptors_or_processes(quiet: World, limit: str) -> None:
    """It runs unmeasured, in place of `trainwatt run` if need be."""
    quiet.work.chmod(0o777)
    limited = [*(POOR if "-u" in limit else []), "sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *TRAINWATT, "run"]
    if "-u" in limit:
        limited = ["bash", "-c", '"$@"; exit $?', "bash", *limited]
        limited[limited.index("sh")] = "bash"  # dash has no such limit
    ended = finished(quiet.popen([*limited, "--", "sh", "-c", "echo out; exit 8"]))
    assert (ended.returncode, ended.stdout) == (8, "out\n"), ended.stderr
    assert "Traceback" not in ended.stderr
    assert "the command runs all the same" in ended.stderr
    assert finished(quiet.popen([*limited, "--strict", "--", "touch", "started"])).returncode == 1
    assert not (quiet.work / "started").exists()


def test_a_kernel_without_descriptors_of_processes(quiet: World) -> None:
    """An old one, or a sandbox."""
    folder = quiet.root / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import os\ndef no(*_): raise OSError(38, 'no')\nos.pidfd_open = no\n")
    path = f"{folder}:{quiet.environ()['PYTHONPATH']}"
    ended = finished(quiet.popen([*TRAINWATT, "run", "--", "sh", "-c", "exit 8"], env=quiet.environ(PYTHONPATH=path)))
    assert ended.returncode == 8
    assert quiet.show()["run"]["end_reason"] == "exit code 8"
