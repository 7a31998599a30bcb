"""`trainwatt run -- COMMAND`: measure any command from outside, without changing how it behaves."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable
from typing import Any, NoReturn

import rich_click as click

from ...config import JOIN_DB, JOIN_RUN, Settings
from ...errors import TrainwattError
from ...masking.text import masked, scrubbed
from ...tracking.target import Target
from ...tracking.tracker import EnergyTracker
from ..options import arguments, full_option, tracking_options
from ..output import say
from .processes.link import Begun, Ended, Link, NotMeasured, NotStarted, Refused
from .processes.measurement import Measurement
from .processes.spawned import NoProcessError, NotExecutedError, Spawned, execute
from .processes.stopping import Stop
from .signals.forwarding import ENDING, Signals

DEADLY = sorted((ENDING | {signal.SIGKILL, signal.SIGUSR1, signal.SIGUSR2}), key=lambda number: number.name)


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("--strict", is_flag=True, help="Do not start the command if it cannot be recorded or measured.")
@click.option(
    "--die-with",
    metavar="SIGNAL",
    type=click.Choice([number.name.removeprefix("SIG") for number in DEADLY], case_sensitive=False),
    help="The signal, such as TERM, that the command gets if `trainwatt run` is killed; by default the command goes on.",
)
@click.option("--resume", metavar="RUN", help="Go on with a run that has ended: its id; `auto`: the newest of this command or job.")
@full_option
@tracking_options
@click.argument("command_line", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...")
def command(command_line: tuple[str, ...], strict: bool, full: bool, die_with: str | None, **options: Any) -> None:
    """Measure a command, which needs no change.

    It keeps its exit code and its signals, and a tracker inside it joins this run. At the end, three lines are printed on stderr. If the
    database cannot be written, the run is recorded in your data folder or in a temporary one, and a line says where.

    Example: `trainwatt run --project digits -- python train.py`
    """
    if (reason := _unusable(command_line[0])) is not None:
        _refuse(command_line[0], reason)
    settings, tie = arguments(**options), None if die_with is None else signal.Signals[f"SIG{die_with}"]
    target = Target(command=masked(command_line), joinable=True, full=full)
    tracker = EnergyTracker.watching(target, **settings)
    with Signals(command_line) as signals:
        measurement = _measurement(lambda link: _measure(link, tracker, target, settings, strict), strict, signals)
        begun = None if measurement is None else _begun(measurement, tracker._config.baseline_s, strict, signals)
        try:
            child = _spawn(command_line, begun, tie, signals)
            code = _wait(child, measurement, signals)
        except NoProcessError as error:
            if measurement is not None:
                measurement.finish(NotMeasured(error.errno or errno.EAGAIN), signals)
            _run_unmeasured(command_line, error, strict, signals)
        except NotExecutedError as error:
            if measurement is not None:
                measurement.finish(NotStarted(error.errno or errno.ENOEXEC), signals)
            _refuse(command_line[0], error.errno)
        if measurement is not None:
            measurement.finish(Ended(code, child.lost), signals)
    _end_like(code)


def _unusable(program: str) -> int | None:
    """Why the program cannot be started, as an errno. It is checked before anything is measured, so that no run is stored."""
    if shutil.which(program) is not None:
        return None
    return errno.EACCES if os.path.exists(program) and os.path.dirname(program) else errno.ENOENT


def _refuse(program: str, reason: int | None) -> NoReturn:
    """End with the exit code of a shell that cannot start a command."""
    nowhere = reason == errno.ENOENT and not os.path.dirname(program)
    say(f"{scrubbed(program)}: {'no such command on PATH' if nowhere else os.strerror(reason or errno.ENOEXEC)}")
    raise SystemExit(127 if reason == errno.ENOENT else 126)


def _measure(link: Link, tracker: EnergyTracker, target: Target, settings: Settings, strict: bool) -> None:
    from .processes.measuring import measure  # the process that waits for the command loads nothing of this

    measure(link, tracker, target, settings, strict)


def _measurement(measure: Callable[[Link], None], strict: bool, signals: Signals) -> Measurement | None:
    """A process that measures; None if there can be no more processes. With `strict`, that raises TrainwattError."""
    try:
        return Measurement.start(measure, signals)
    except OSError as error:
        if strict:
            raise TrainwattError(f"no process that measures can be started: {error.strerror}") from None
        say(f"no process that measures can be started: {error.strerror}; the command runs all the same, with --strict it would not start")
        return None


def _begun(measurement: Measurement, baseline_s: float, strict: bool, signals: Signals) -> Begun | None:
    """Wait until the measuring has begun; None if that fails. Raises TrainwattError if `strict` then, and SystemExit for wrong settings."""
    begun = measurement.begun(signals, baseline_s)
    if isinstance(begun, Refused):
        raise SystemExit(measurement.exit_code(signals))
    if begun is None:
        failed = f"the process that measures {measurement.failed() or 'has not begun in time'}"
        if strict:
            raise TrainwattError(f"{failed}; without --strict the command would start all the same")
        say(f"{failed}; the command runs all the same, with --strict it would not start")
    return begun


def _spawn(command_line: tuple[str, ...], begun: Begun | None, tie: signal.Signals | None, signals: Signals) -> Spawned:
    """Start the command, with the signals that came too early for it. Raises NoProcessError."""
    environ = dict(os.environ)
    if begun is not None and begun.run_id is not None and begun.db is not None:
        environ |= {JOIN_RUN: begun.run_id, JOIN_DB: begun.db}
    with signals.held():
        child = Spawned.start(command_line, environ, signals.inherited, tie)
        early = signals.take().keys() - {signal.SIGCONT}
        if signal.SIGTSTP in early:
            os.kill(os.getpid(), signal.SIGTSTP)  # to stop this process too
    child.begin(early)
    return child


def _run_unmeasured(command_line: tuple[str, ...], error: OSError, strict: bool, signals: Signals) -> NoReturn:
    """Become the command, where there can be no process for it beside this one. With `strict`, that raises TrainwattError."""
    text = f"there can be no more processes ({error.strerror})"
    if strict:
        raise TrainwattError(f"{text}; without --strict the command would run, and not be measured")
    say(f"{text}; the command runs all the same, and is not measured; with --strict it would not start")
    signals.end_probe()
    with signals.held():
        for number in signals.take():
            os.kill(os.getpid(), number)
        execute(command_line, os.environ, signals.inherited, None, None, None)


def _wait(child: Spawned, measurement: Measurement | None, signals: Signals) -> int:
    """Wait for the command, and pass signals on. Returns its exit code, or minus the signal that ended it. Raises NotExecutedError."""
    stop = Stop(child.pid)
    while (code := child.ended()) is None:
        if measurement is not None:
            measurement.look()
            if measurement.over_budget:
                stop.press()
        due_s = min(signals.pass_on(child.pid), stop.due_s)
        signals.pause(child.descriptor, *([] if measurement is None else measurement.watched), until_s=due_s)
    if child.lost:
        say(f"it cannot be known how the command ended: another program took its exit code; this one ends with {code}")
    return code


def _end_like(code: int) -> NoReturn:
    """End like the command: with its exit code, or by its signal."""
    if code < 0:
        resource.setrlimit(
            resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
        )  # the command may dump core, but not this process
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
        code = 128 - code  # the first process of a container outlives its own signals
    raise SystemExit(code)
