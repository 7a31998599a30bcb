"""What the process does that measures beside the command of `trainwatt run`."""

from __future__ import annotations

import os
import shlex
import signal
import time
from contextlib import suppress

import rich_click as click

from ....config import Settings
from ....core.run import EventKind
from ....errors import NoHomeError, NotADatabaseError, StoreError, TrainwattError
from ....machine.threads import start_thread
from ....presentation.words.quantities import format_duration
from ....presentation.words.safe_text import clean, cleaned
from ....settings.budget import OnBudget
from ....storage.place import spare
from ....tracking.target import Target
from ....tracking.tracker import EnergyTracker
from ...output import say
from ..signals.forwarding import FAULTS
from .link import Begun, Closed, Ended, Link, NotMeasured, NotStarted, OverBudget, Refused
from .spawned import signal_name

BACKGROUND_S = 60.0
"""For so long a run may be closed in the background when the command has ended."""


def measure(link: Link, tracker: EnergyTracker, target: Target, settings: Settings, strict: bool) -> None:
    """Measure until the command ends, with the tracker of these settings. Raises ConfigurationError, and if `strict` StoreError, before
    the command starts."""
    try:
        begun = _begun(tracker, target, settings, strict)
    except (TrainwattError, click.ClickException):
        link.send(Refused())
        raise
    if begun is None:
        link.send(Begun(None, None))
        return
    tracker = begun
    link.send(Begun(tracker.run_id, str(tracker.path)))
    if stops := tracker._config.on_budget is OnBudget.STOP:
        target.on_over = lambda: link.send(OverBudget())
        if tracker.over_budget:  # since before it could be told
            link.send(OverBudget())
    message = link.receive()
    target.on_over = lambda: None  # nobody can be stopped any more
    with suppress(RuntimeError):  # there can be no more threads
        start_thread(lambda: _step_back(link), "trainwatt-step-back")
    match message:
        case Ended(code, lost):
            status, reason = _verdict(code, lost)
            over = stops and code != 0 and tracker.over_budget
            tracker.stop(*(("interrupted", f"the budget is used ({reason})") if over else (status, reason)))
            report(tracker, elsewhere=target.refused is not None)
            _leave_streams()
            link.send(Closed())
        case NotStarted(number):
            tracker.stop("failed", f"could not be started: {os.strerror(number)}")
        case NotMeasured(number):
            tracker.stop("interrupted", f"the command is not measured, there can be no more processes: {os.strerror(number)}")
        case _:
            say("trainwatt run was killed; its command is not measured any more")
            tracker.stop("interrupted", "trainwatt run was killed; what the command did then is not measured")


def _begun(tracker: EnergyTracker, target: Target, settings: Settings, strict: bool) -> EnergyTracker | None:
    """A tracker that measures; None if the run can be recorded nowhere. A database that cannot be written does not stop the command.

    Raises ConfigurationError, NotADatabaseError for another program's file, which is a wrong setting too, and if `strict` any StoreError.
    """
    try:
        return tracker.start()
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


def _verdict(code: int, lost: bool) -> tuple[str, str | None]:
    if lost:
        return "completed", "the command ended; its exit code was taken by another program"
    if code == 0:
        return "completed", None
    if code > 0:
        return "failed", f"exit code {code}"
    hint = " (by hand, or by the kernel when memory ran out)" if -code == signal.SIGKILL else ""
    return "failed" if -code in FAULTS else "interrupted", f"{signal_name(-code)}{hint}"


def report(tracker: EnergyTracker, *, elsewhere: bool = False) -> None:
    """Three lines: the headline, the duration, how to show it; and a line about processes that the command left.

    `elsewhere`: the run is not in the database that the settings name.
    """
    try:
        summary = tracker._known_summary(grams=False) or tracker.summary()  # the database may not answer any more
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


def _leave_streams() -> None:
    """Let nobody who reads what is printed wait for the end of this process."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)


def _step_back(link: Link) -> None:
    """Leave the terminal to others when nobody waits for this process any more, and end some time later."""
    with suppress(OSError):
        while link.receive() is not None:
            pass
        _leave_streams()
        link.close()
    time.sleep(BACKGROUND_S)
    os._exit(1)
