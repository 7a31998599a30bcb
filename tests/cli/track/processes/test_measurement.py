"""What drivers and sensors do to the process that measures costs the command nothing: neither its end nor its signals."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.track.signals.test_forwarding import VICTIM, Victim, until
from tests.fakes.world import HANGS_S, TRAINWATT, MakeWorld, World, finished, wait_for

RUN = [*TRAINWATT, "run", "--", sys.executable, "-c", VICTIM]
MISDEEDS = ["block", "unmask default", "ignore", "handle restart reap", "thread default"]


def start(world: World, *command: str, **environ: str) -> Victim:
    return Victim(world, world.popen(command or RUN, env=world.environ(**environ), start_new_session=True))


def said(victim: Victim) -> str:
    """What was printed on stderr until the end, which is the command's."""
    (victim.world.work / "over").touch()
    _, err = victim.process.communicate(timeout=HANGS_S)
    assert victim.process.returncode == 5, err
    return err


@pytest.mark.slow
@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_library_that_changes_signals_or_takes_children(world: World, misdeed: str) -> None:
    victim = start(world, FAKE_NVML_DOES=misdeed)
    os.kill(victim.main, signal.SIGTERM)
    victim.wait(1)
    os.killpg(victim.main, signal.SIGINT)
    victim.wait(2)
    os.kill(victim.main, signal.SIGUSR1)
    victim.wait(3)
    assert victim.all_got() == ["SIGTERM", "SIGINT", "SIGUSR1"]
    said(victim)
    view = world.show()
    assert view["run"]["end_reason"] == "exit code 5"
    assert {d["device"] for d in view["energy"]["devices"]} == {"gpu0", "package-0", "dram-0"}


SENSOR = """
import os, signal, sys, threading, time
from trainwatt.core import Device, Discovery, Gauge
class Meter:
    device, kind, name, period_s = Device("meter", "gpu", max_power_w=100.0, gain=0.02, gain_class="meter"), Gauge("instant"), "power", None
    def read(self):
        {read}
        return 40.0
    def holder_pids(self): return None
    def close(self):
        {close}
def discover(request):
    {discover}
    return Discovery([Meter()])
"""


def sensor(world: World, discover: str = "pass", read: str = "pass", close: str = "pass") -> dict[str, str]:
    """The environment with a sensor of the user's own."""
    (world.work / "meter.py").write_text(SENSOR.format(discover=discover, read=read, close=close))
    return {"TRAINWATT_SENSORS": "meter.py:discover"}


TAKES_ALL = """
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    def reap():
        while True:
            try: os.waitpid(-1, 0)
            except OSError: time.sleep(0.001)
    threading.Thread(target=reap, daemon=True).start()
    os.environ.clear(); os.umask(0o777); print("noise")
"""


def test_a_sensor_that_takes_signals_and_children(quiet: World) -> None:
    victim = start(quiet, **sensor(quiet, discover=TAKES_ALL.strip()))
    os.kill(victim.main, signal.SIGTERM)
    victim.wait(1)
    os.killpg(victim.main, signal.SIGHUP)
    victim.wait(2)
    assert victim.all_got() == ["SIGTERM", "SIGHUP"]
    assert "noise" in said(victim)
    assert quiet.show()["run"]["end_reason"] == "exit code 5"


@pytest.fixture
def quiet(make_world: MakeWorld) -> World:
    return make_world(gpus_w=())


@pytest.mark.parametrize(
    ("code", "how"), [("os._exit(3)", "exit code 3"), ("os.kill(os.getpid(), 11)", "SIGSEGV"), ("os.closerange(3, 99)", "")]
)
def test_a_sensor_that_ends_the_process_as_it_begins(quiet: World, code: str, how: str) -> None:
    env = quiet.environ(**sensor(quiet, discover=code), PYTHONFAULTHANDLER="")
    ended = finished(quiet.popen([*TRAINWATT, "run", "--", "sh", "-c", "echo out; exit 6"], env=env))
    assert (ended.returncode, ended.stdout) == (6, "out\n"), ended.stderr
    assert f"the process that measures {'has' if how[:1] in ('e', '') else 'was'}" in ended.stderr
    assert how in ended.stderr
    strict = finished(quiet.popen([*TRAINWATT, "run", "--strict", "--", "touch", "started"], env=env))
    assert strict.returncode == 1
    assert "Traceback" not in strict.stderr
    assert not (quiet.work / "started").exists()


def test_a_driver_that_crashes_ends_the_measuring_only(world: World) -> None:
    victim = start(world, FAKE_NVML_DOES="crash", FAKE_NVML_WHEN=str(world.work / "when"), PYTHONFAULTHANDLER="")
    until(lambda: len(world.runs()) == 1 and (world.show()["energy"]["total_j"] or 0) > 0)
    measuring = victim.measuring()
    (world.work / "when").touch()
    until(lambda: not os.path.exists(f"/proc/{measuring}"))
    os.kill(victim.main, signal.SIGTERM)
    victim.wait(1)
    run_id = world.runs()[0]["id"]
    expected = f"the process that measures was ended by SIGSEGV; the command goes on, and is not measured any more; trainwatt show {run_id}"
    assert said(victim).splitlines() == [f"trainwatt: {expected}"]
    assert world.show()["run"]["status"] == "interrupted"
    assert world.show()["energy"]["total_j"] > 0


@pytest.mark.slow
def test_a_sensor_that_hangs_at_the_end_is_left_behind(quiet: World) -> None:
    os.mkfifo(quiet.work / "fifo")
    env = quiet.environ(**sensor(quiet, close=f"open({str(quiet.work / 'fifo')!r}).read()"))
    ended = finished(quiet.popen([*TRAINWATT, "run", "--", "sh", "-c", "exit 6"], env=env))
    assert ended.returncode == 6
    assert "could not be closed in time" in ended.stderr
    assert "it is closed in the background" in ended.stderr
    (quiet.work / "fifo").write_text("")  # what was left behind goes on, and closes the run
    until(lambda: quiet.runs()[0]["status"] == "failed")
    assert quiet.show()["run"]["end_reason"] == "exit code 6"


@pytest.mark.slow
def test_a_second_signal_at_the_end_does_not_wait(quiet: World) -> None:
    os.mkfifo(quiet.work / "fifo")
    env = quiet.environ(**sensor(quiet, close=f"open({str(quiet.work / 'over')!r}, 'w'); open({str(quiet.work / 'fifo')!r}).read()"))
    process = quiet.popen([*TRAINWATT, "run", "--", "sh", "-c", "exit 6"], env=env)
    until((quiet.work / "over").exists)
    import time

    time.sleep(0.8)  # a signal that ended the command is not meant
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert (ended.returncode, ended.stderr) == (6, "")
    (quiet.work / "fifo").write_text("")


@pytest.mark.slow
def test_a_sensor_that_hangs_as_it_begins_does_not_outlast_a_signal(quiet: World) -> None:
    os.mkfifo(quiet.work / "fifo")
    env = quiet.environ(**sensor(quiet, discover=f"open({str(quiet.work / 'at')!r}, 'w'); open({str(quiet.work / 'fifo')!r}).read()"))
    process = quiet.popen([*TRAINWATT, "run", "--", "sleep", "60"], env=env)
    until((quiet.work / "at").exists)
    process.terminate()
    ended = finished(process)
    assert ended.returncode == -signal.SIGTERM
    assert "the process that measures has not begun in time; the command runs all the same" in ended.stderr


def test_a_measuring_process_that_was_stopped_goes_on_when_the_command_ends(quiet: World) -> None:
    """Who stops and continues a job by its processes may forget one."""
    victim = start(quiet)
    os.kill(victim.measuring(), signal.SIGSTOP)
    said(victim)
    assert quiet.show()["run"]["end_reason"] == "exit code 5"


# ---- the process that waits is ended itself


def test_a_run_whose_trainwatt_is_killed_is_closed_and_its_command_goes_on(quiet: World) -> None:
    victim = start(quiet)
    measuring = victim.measuring()
    os.kill(victim.main, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{measuring}"))
    os.kill(victim.pid, signal.SIGUSR1)
    victim.wait(1)
    assert victim.all_got() == ["SIGUSR1"]
    found = quiet.show()["run"]
    assert (found["status"], found["end_reason"]) == ("interrupted", "trainwatt run was killed; what the command did then is not measured")
    victim.end()


def test_all_processes_of_trainwatt_that_are_killed_leave_the_command_alone(quiet: World) -> None:
    victim = start(quiet)
    os.kill(victim.measuring(), signal.SIGSTOP)
    for pid in (victim.measuring(), victim.main):
        os.kill(pid, signal.SIGKILL)
    os.kill(victim.pid, signal.SIGUSR1)
    victim.wait(1)
    assert quiet.show()["run"]["status"] == "interrupted"
    victim.end()


def test_the_measuring_process_is_no_part_of_the_job(quiet: World) -> None:
    """It gets no signal of a terminal, and holds neither the input nor the output of the command."""
    reads, writes = os.pipe()
    process = quiet.popen(
        [*TRAINWATT, "run", "--", "sh", "-c", "echo $$ > new; mv new ready; exec sleep 60"], stdout=writes, start_new_session=True
    )
    pid = int(wait_for(quiet.work / "ready"))
    victim = Victim(quiet, process)
    measuring = victim.measuring()
    pipe = os.readlink(f"/proc/{pid}/fd/1")
    assert pipe not in {os.readlink(file) for file in Path(f"/proc/{measuring}/fd").iterdir()}
    assert os.getsid(measuring) == measuring
    os.close(reads)
    os.close(writes)
    process.terminate()
    assert process.wait(HANGS_S) == -signal.SIGTERM
