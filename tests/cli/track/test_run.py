"""`trainwatt run` and `attach`: as if not there, but for three lines."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.fakes.views import assert_within, happened
from tests.fakes.world import HANGS_S, TRAINWATT, World, finished, wait_for

PY = sys.executable


def run(world: World, *command: str, **popen: Any) -> subprocess.CompletedProcess[str]:
    return finished(world.popen([*TRAINWATT, "run", "--", *command], **popen))


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [(0, "completed", None), (1, "failed", "exit code 1"), (3, "failed", "exit code 3"), (255, "failed", "exit code 255")],
)
def test_the_exit_code_is_the_commands(world: World, code: int, status: str, reason: str | None) -> None:
    ended = run(world, "sh", "-c", f"exit {code}")
    assert ended.returncode == code
    found = world.show()["run"]
    assert (found["status"], found["end_reason"]) == (status, reason)
    assert found["command"] == f"sh -c 'exit {code}'"


def test_three_lines_on_stderr_and_nothing_else(world: World) -> None:
    ended = run(world, "sh", "-c", "sleep 0.4; echo out; echo err >&2")
    assert ended.stdout == "out\n"
    err, *lines = ended.stderr.splitlines()
    assert err == "err"
    run_id = world.show()["run"]["id"]
    assert len(lines) == 3
    assert all(line.startswith("trainwatt: ") for line in lines)
    assert "measured, GPU+CPU+DRAM" in lines[0]
    assert lines[1].endswith("s, completed")
    assert lines[2] == f"trainwatt: trainwatt show {run_id}"
    view = world.show()
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])


def test_a_closed_stderr_does_not_send_the_three_lines_to_stdout(world: World) -> None:
    ended = finished(world.popen(["sh", "-c", '"$@" 2>&-', "sh", *TRAINWATT, "run", "--", "sh", "-c", "echo out; exit 4"]))
    assert (ended.returncode, ended.stdout, ended.stderr) == (4, "out\n", "")


def test_stdin_and_stdout_are_the_commands_own(world: World) -> None:
    data = "".join(f"line {i}\n" for i in range(20_000))
    process = world.popen([*TRAINWATT, "run", "--", "cat"], stdin=subprocess.PIPE)
    ended = finished(process, data)
    assert ended.stdout == data
    assert len(ended.stderr.splitlines()) == 3


def test_a_command_that_is_not_there_is_127(world: World) -> None:
    ended = run(world, "no-such-command-anywhere", "x")
    assert ended.returncode == 127
    assert ended.stderr == "trainwatt: no-such-command-anywhere: no such command on PATH\n"
    assert not world.db.exists()  # nor is a run of it in the way of `latest`


def test_a_command_that_cannot_be_run_is_126(world: World) -> None:
    (world.work / "plain.txt").write_text("not a program")
    ended = run(world, "./plain.txt")
    assert ended.returncode == 126
    assert "Permission denied" in ended.stderr
    assert not world.db.exists()


def test_a_program_that_the_kernel_refuses_is_a_failed_run(world: World) -> None:
    (world.work / "program").write_bytes(b"\x7fELF of another machine")
    (world.work / "program").chmod(0o755)
    ended = run(world, "./program")
    assert ended.returncode == 126
    found = world.show()["run"]
    assert found["status"] == "failed"
    assert "could not be started: Exec format error" in found["end_reason"]


def test_what_follows_the_command_is_its_own_even_without_two_dashes(world: World) -> None:
    ended = finished(world.popen([*TRAINWATT, "run", "--project", "p", "sh", "-c", "echo $0", "--project"]))
    assert (ended.returncode, ended.stdout) == (0, "--project\n"), ended.stderr
    assert world.show()["run"]["project"] == "p"


@pytest.mark.parametrize(
    ("sent", "status"), [("TERM", "interrupted"), ("KILL", "interrupted"), ("SEGV", "failed"), ("USR1", "interrupted")]
)
def test_a_command_killed_by_a_signal_ends_us_the_same_way(world: World, sent: str, status: str) -> None:
    ended = run(world, PY, "-c", f"import os, signal; os.kill(os.getpid(), signal.SIG{sent})")
    assert ended.returncode == -getattr(signal, f"SIG{sent}")
    found = world.show()["run"]
    assert found["status"] == status
    assert f"SIG{sent}" in found["end_reason"]
    assert len([line for line in ended.stderr.splitlines() if line.startswith("trainwatt: ")]) == 3


CATCH = """
import os, pathlib, signal, sys, time
caught = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, lambda n, f: caught.append(n))
pathlib.Path("ready").write_text(f"{os.getpid()}\\n")
deadline = time.monotonic() + 300
while not caught and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(0.2)
print([signal.Signals(n).name for n in caught])
sys.exit(5)
"""


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_a_signal_sent_to_us_reaches_the_command_once(world: World, sent: str) -> None:
    process = world.popen([*TRAINWATT, "run", "--", PY, "-c", CATCH])
    wait_for(world.work / "ready")
    process.send_signal(getattr(signal, sent))
    ended = finished(process)
    assert (ended.returncode, ended.stdout) == (5, f"['{sent}']\n"), ended.stderr
    assert world.show()["run"]["status"] == "failed"
    assert world.show()["run"]["end_reason"] == "exit code 5"


def test_a_signal_that_kills_the_command_kills_it_through_us(world: World) -> None:
    process = world.popen([*TRAINWATT, "run", "--", "sh", "-c", "echo $$ > ready.new; mv ready.new ready; exec sleep 60"])
    pid = int(wait_for(world.work / "ready"))
    process.terminate()
    ended = finished(process)
    assert ended.returncode == -signal.SIGTERM
    assert not os.path.exists(f"/proc/{pid}")
    found = world.show()["run"]
    assert (found["status"], found["end_reason"]) == ("interrupted", "SIGTERM")


def test_ctrl_c_at_a_terminal_reaches_the_command_once(world: World) -> None:
    """The terminal sends it to both of us, so we must not send it again."""
    import pty

    controller, terminal = pty.openpty()
    process = world.popen(
        [*TRAINWATT, "run", "--", PY, "-c", CATCH],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(terminal)
    wait_for(world.work / "ready")
    os.write(controller, b"\x03")
    out = b""
    try:
        while chunk := os.read(controller, 65536):
            out += chunk
    except OSError:  # the other end is closed
        pass
    os.close(controller)
    assert process.wait(HANGS_S) == 5, out
    assert b"['SIGINT']" in out
    assert out.count(b"SIGINT") == 1


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_the_command_has_the_signals_and_files_of_a_plain_start(world: World) -> None:
    (world.work / "look.sh").write_text("grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status; ls /proc/self/fd")
    plain = finished(world.popen(["sh", "look.sh"]))
    tracked = run(world, "sh", "look.sh")
    # what posix_spawn leaves ignored of glibc's own two signals, 32 and 33, is no difference to a program
    assert re.sub(r"(?<=SigIgn:\t)\w+", lambda m: f"{int(m[0], 16) & ~(3 << 31):016x}", tracked.stdout) == plain.stdout


def test_children_of_the_command_that_outlive_it_do_not_hold_us_up(world: World) -> None:
    begin = time.monotonic()
    ended = run(world, "sh", "-c", "sleep 30 >/dev/null 2>&1 </dev/null & echo $!")
    assert ended.returncode == 0
    assert time.monotonic() - begin < 20
    os.kill(int(ended.stdout), signal.SIGKILL)


def test_options_name_the_run_and_those_after_the_dashes_are_the_commands(world: World) -> None:
    options = "--project p --name n --group g --stage data --zone FR --tag a=1 --tag b=x=y --gpus none --period 0.05"
    ended = world.cli("run", *options.split(), "--", "echo", "--project", "other", "--help")
    assert (ended.returncode, ended.stdout) == (0, "--project other --help\n")
    view = world.show()
    found = view["run"]
    assert (found["project"], found["name"], found["group"], found["stage"]) == ("p", "n", "g", "data")
    assert found["tags"] == {"a": "1", "b": "x=y"}
    assert [d["device"] for d in view["energy"]["devices"]] == ["package-0", "dram-0"]
    assert view["sampler"]["period_s"] == 0.05


def test_the_command_may_follow_without_dashes(world: World) -> None:
    ended = world.cli("run", "echo", "hello")
    assert (ended.returncode, ended.stdout) == (0, "hello\n")


def test_secrets_of_the_command_are_not_stored(world: World) -> None:
    assert run(world, "true", "--token", "t0k3n", "--lr=1").returncode == 0
    assert world.show()["run"]["command"] == "true --token *** --lr=1"
    assert b"t0k3n" not in b"".join(path.read_bytes() for path in world.db.parent.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stage", "trian"], ["trian", "data, experimentation, training, inference"]),
        (["--gpus", "7"], ["7", "gpu"]),
        (["--period", "-1"], ["-1", "0.01"]),
        (["--period", "soon"], ["soon"]),
        (["--baseline", "-3"], ["-3"]),
        (["--tag", "novalue"], ["novalue", "lr=0.001"]),
        (["--db", "mysql://x/y"], ["mysql", "sqlite:///"]),
        (["--db", "postgresql://me:hunter2@x:port/y"], ["postgresql://USER@HOST/DATABASE"]),
        (["--no-such-option"], ["--no-such-option"]),
    ],
)
def test_bad_input_is_said_at_once_with_the_mend(world: World, options: list[str], words: list[str]) -> None:
    ended = world.cli("run", *options, "--", "touch", "started")
    assert ended.returncode == 2, ended.stderr
    said = " ".join(ended.stderr.replace("│", " ").split())
    assert [w for w in words if w.lower() not in said.lower()] == []
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
    assert not (world.work / "started").exists()
    assert not world.db.exists() or world.runs() == []


def test_a_place_that_is_no_database_starts_nothing(world: World) -> None:
    (world.work / "notes.txt").write_text("my notes\n" * 200)
    ended = world.cli("run", "--db", "notes.txt", "--", "touch", "started")
    assert ended.returncode == 1
    assert "not a SQLite database" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (world.work / "started").exists()


def test_a_database_that_goes_away_changes_neither_the_exit_code_nor_the_total(world: World) -> None:
    ended = run(world, "sh", "-c", f"sleep 0.3; rm {world.db.parent}/*; exit 4")
    assert ended.returncode == 4
    kept, headline, ending, _ = ended.stderr.splitlines()
    assert "is kept in" in kept
    assert "100 % measured, GPU+CPU+DRAM" in headline
    assert ending.endswith("failed (exit code 4)")


# ---- attach


def attached(world: World, target: subprocess.Popen[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Attach to a process, and end it a second after that was said."""
    process = world.popen([*TRAINWATT, "attach", *options, str(target.pid)])
    assert process.stderr is not None
    first = process.stderr.readline()
    time.sleep(1.0)
    target.kill()
    ended = finished(process)
    return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout, first + ended.stderr)


@pytest.mark.slow
def test_attach_follows_a_process_until_it_ends(world: World) -> None:
    with world.popen(["sh", "-c", "sleep 600; exit 3", "--token", "hidden"]) as target:
        ended = attached(world, target, "--project", "attached")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stderr.splitlines()
    assert lines[0] == f"trainwatt: following process {target.pid}; Ctrl-C detaches"
    assert len(lines) == 4
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert "exit code cannot be seen" in view["run"]["end_reason"]
    assert view["run"]["project"] == "attached"
    assert view["run"]["command"] == "sh -c 'sleep 600; exit 3' --token ***"
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])


def test_attach_detaches_at_ctrl_c_and_leaves_the_process_alone(world: World) -> None:
    with world.popen(["sleep", "60"]) as target:
        process = world.popen([*TRAINWATT, "attach", str(target.pid)])
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ended = finished(process)
        assert ended.returncode == 0, ended.stderr
        assert target.poll() is None
        target.kill()
    assert world.show()["run"]["status"] == "completed"
    assert "detached" in world.show()["run"]["end_reason"]


def test_attach_follows_the_gpus_that_the_process_sees(world: World) -> None:
    with world.popen(["sleep", "600"], env=world.environ(CUDA_VISIBLE_DEVICES="")) as target:
        assert attached(world, target).returncode == 0
    assert [d["device"] for d in world.show()["energy"]["devices"]] == ["package-0", "dram-0"]


def test_attach_does_not_take_the_process_for_somebody_else(world: World) -> None:
    with world.popen(["sleep", "600"]) as target:
        world.gpu("0.pids", target.pid)
        assert attached(world, target).returncode == 0
    assert happened(world.show()) == []


@pytest.mark.parametrize(("pid", "words"), [("4194999", "no such process"), ("99999999999999999999", "no such process"), ("x", "integer")])
def test_attach_to_nothing_is_a_usage_error(world: World, pid: str, words: str) -> None:
    ended = world.call("attach", pid)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert pid in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not world.db.exists()


def test_attach_to_a_number_that_is_no_pid_is_a_usage_error(world: World) -> None:
    for pid in ("0", "-1"):
        ended = world.call("attach", "--", pid)
        assert ended.returncode == 2, ended.stderr
        assert "Traceback" not in ended.stderr
    assert not world.db.exists()
