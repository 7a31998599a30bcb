"""Starts the process that brings runs to a server. Standard library only: the training process does it.

It is a process of its own, and neither a thread nor a fork: it loads SQLAlchemy and a driver, works beside the training with the lowest
priority, and goes on when the training has ended. It is no child of the training, which may wait for children of its own.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ...errors import ConfigurationError
from ...log import warn
from ...machine.threads import start_thread
from ..place import is_server, masked
from .outbox import Outbox, without_password

STOP_S = 2.0
"""How long the end of a run waits until the server has it."""
START_S = 5.0
"""How long the shell may take that starts the process."""
_LOOK_S = 0.02
_CODE = "import sys; sys.path.append(sys.argv.pop(1)); from trainwatt.cli.main import main; main()"
_IN_BACKGROUND = '"$@" </dev/null >/dev/null 2>&1 &'


def require_driver(server: str) -> None:
    """Check before the run begins what would keep it from ever being brought to the server. Raises ConfigurationError."""
    without_password(server)
    driver = server.partition("://")[0].partition("+")[2] or "psycopg"
    for package in (driver, "sqlalchemy"):
        if importlib.util.find_spec(package) is None:
            raise ConfigurationError(f"{masked(server)} needs the package {package}: `pip install 'trainwatt[postgresql]'`.")


def start(outbox: Outbox, environ: Mapping[str, str]) -> bool:
    """Start the process that brings the runs of an outbox. False if it cannot be started."""
    if getattr(sys, "frozen", False) or not sys.executable:  # the program itself would be started once more
        return False
    root = str(Path(__file__).absolute().parents[3])  # not of the file that a link of an editable installation names
    command = [sys.executable, "-c", _CODE, root, "merge", "--pending", "--follow", "--from", str(outbox.real_path)]
    try:
        # The shell ends at once, so the process belongs to nobody. The password is in its environment only, and not in its arguments.
        return (
            subprocess.run(
                ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *command],
                env={**environ, "TRAINWATT_DB": outbox.server},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                timeout=START_S,
                check=False,
            ).returncode
            == 0
        )
    except (OSError, subprocess.SubprocessError):
        return False


class Debt:
    """A run under way that a server is to have. Nothing of it raises, or makes the training wait but for `end`."""

    def __init__(self, outbox: Outbox, run_id: str) -> None:
        self._outbox, self._run_id = outbox, run_id

    @classmethod
    def of(cls, place: str | None, real_path: Path, run_id: str) -> Debt | None:
        """The debt of a run in the local file at `real_path` if `place` is a server."""
        return cls(Outbox(real_path, place), run_id) if place is not None and is_server(place) else None

    def begin(self) -> None:
        """Note the debt, and let it be paid from now on, in a thread of its own."""
        with suppress(RuntimeError):  # there can be no more threads: the end of the run starts it
            start_thread(self._begin, "trainwatt-owed")

    def _begin(self) -> None:
        with suppress(OSError):
            self._outbox.add(self._run_id)
            if not self._outbox.wake():
                start(self._outbox, os.environ)

    def end(self) -> None:
        """Wait a little until the server has the whole run. Otherwise it is brought later."""
        outbox, deadline = self._outbox, time.monotonic() + STOP_S
        try:
            outbox.add(self._run_id)
            awake = outbox.wake()
            known = awake and outbox.fault  # it tries in vain
            started = awake or start(outbox, os.environ)
            while started and not known and outbox.owes(self._run_id) and time.monotonic() < deadline:
                time.sleep(_LOOK_S)
            if not outbox.owes(self._run_id):
                return
            reason = outbox.fault or ("it is being brought" if started else "no process could be started that brings it")
        except OSError as error:
            reason = str(error)
        warn(
            "run %s is in %s, and not yet complete on %s (%s); the next run or command brings it there, or `trainwatt merge --pending`",
            self._run_id,
            outbox.real_path,
            masked(outbox.server),
            reason,
        )
