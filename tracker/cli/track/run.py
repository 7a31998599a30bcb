"""`trainwatt run -- COMMAND`: measure any command from outside, without changing how it behaves."""

from __future__ import annotations

import errno
import os
import resource
import shlex
import shutil
import signal
from collections.abc import Iterable
from typing import Any, NoReturn

import rich_click as click

from ...config import JOIN_DB, JOIN_RUN, Settings
from ...core.run import EventKind
from ...errors import NoHomeError, NotADatabaseError, StoreError, TrainwattError
from ...masking.text import masked, scrubbed
from ...presentation.words.quantities import format_duration
from ...presentation.words.safe_text import clean, cleaned
from ...storage.place import spare
from ...tracking.target import Target
from ...tracking.tracker import EnergyTracker
from ..options import arguments, full_option, tracking_options
from ..output import say
from .signals.forwarding import FAULTS, Signals


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("--strict", is_flag=True, help="Do not start the command if the database cannot be written.")
@full_option
@tracking_options
@click.argument("command_line", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...")
def command(command_line: tuple[str, ...], strict: bool, full: bool, **options: Any) -> None:
    """Measure a command, which needs no change.

    It keeps its exit code and its signals, and a tracker inside it joins this run. At the end, three lines are printed on stderr. If the
    database cannot be written, the run is recorded in your data folder or in a temporary one, and a line says where.

    Example: `trainwatt run --project digits -- python train.py`
    """
    if (reason := _unusable(command_line[0])) is not None:
        _refuse(command_line[0], reason)
    target, settings = Target(command=masked(command_line), joinable=True, full=full), arguments(**options)
    with Signals(command_line) as signals:  # before any thread starts: all threads inherit what is blocked
        tracker = _begun(target, settings, strict)
        early = signals.early()
        try:
            pid = _spawn(command_line, tracker, signals.inherited)
        except OSError as error:
            if tracker is not None:
                tracker.stop("failed", f"could not be started: {error.strerror}")
            _refuse(command_line[0], error.errno)
        code = signals.wait(pid, early)
        if tracker is not None:
            tracker.stop(*_verdict(code))
            report(tracker, elsewhere=target.refused is not None)
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


def _begun(target: Target, settings: Settings, strict: bool) -> EnergyTracker | None:
    """A tracker that measures; None if the run can be recorded nowhere. A database that cannot be written does not stop the command.

    Raises ConfigurationError, NotADatabaseError for another program's file, which is a wrong setting too, and if `strict` any StoreError.
    """
    try:
        return EnergyTracker.watching(target, **settings).start()
    except (StoreError, NoHomeError) as error:
        if strict or isinstance(error, NotADatabaseError):
            raise
        target.refused = error
        say(str(error))
    for db in spare():
        elsewhere: Settings = {**settings, "db": db}
        try:
            tracker = EnergyTracker.watching(target, **elsewhere).start()
        except TrainwattError:
            continue
        say(f"the command runs all the same, and is recorded in {tracker.path}; with --strict it would not start")
        return tracker
    say("the command runs all the same, and nothing is measured; with --strict it would not start")
    return None


def _spawn(command_line: tuple[str, ...], tracker: EnergyTracker | None, mask: Iterable[int]) -> int:
    environment = os.environ | ({} if tracker is None else {JOIN_RUN: tracker.run_id or "", JOIN_DB: str(tracker.path)})
    return os.posix_spawnp(command_line[0], command_line, environment, setsigmask=mask, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])


def _verdict(code: int) -> tuple[str, str | None]:
    if code == 0:
        return "completed", None
    if code > 0:
        return "failed", f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    hint = " (by hand, or by the kernel when memory ran out)" if -code == signal.SIGKILL else ""
    return "failed" if -code in FAULTS else "interrupted", f"{name}{hint}"


def report(tracker: EnergyTracker, *, elsewhere: bool = False) -> None:
    """Three lines: the headline, the duration, how to show it; and a line about processes that the command left.

    `elsewhere`: the run is not in the database that the settings name.
    """
    try:
        summary = tracker.summary()
    except Exception as error:  # the result of the command matters more than the report
        say(f"the run could not be read back: {error}")
        return
    run = cleaned(summary.to_dict()["run"])
    reason = f" ({run['end_reason']})" if run["end_reason"] else ""
    say(summary.headline)
    say(f"{format_duration(run['duration_s'])}, {run['status']}{reason}")
    for event in summary.to_dict()["events"]:
        if event["kind"] == EventKind.OUTLIVED:
            say(clean(event["detail"]))
    say(f"trainwatt show {run['id']}{f' --db {shlex.quote(str(tracker.path))}' if elsewhere else ''}")


def _end_like(code: int) -> None:
    """End like the command: with its exit code, or by its signal."""
    if code < 0:
        resource.setrlimit(
            resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
        )  # the command may dump core, but not this process
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise SystemExit(code)
