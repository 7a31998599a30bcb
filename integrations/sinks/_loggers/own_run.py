"""A run of Weights & Biases, MLflow or Trackio of our own, in a process of its own.

There it changes nothing of the training: these libraries redirect the output, take over the hooks of the interpreter, print, make their run
the current one, and wait for a server at the end of the program. The process goes on when the training has ended.
"""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, NamedTuple

from trainwatt import TrainwattError

from .values import Line

log = logging.getLogger("trainwatt")

END_S = 4.0
"""How long the end of a run waits for the process, less than for all sinks. It goes on without being waited for."""
START_S = 5.0
"""How long the shell may take that starts the process."""
LONGEST_REASON = 300
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1));"
    " from trainwatt.integrations.sinks._loggers.own_process import main; main(sys.argv[1])"
)
_IN_BACKGROUND = 'exec 3<&0; "$@" <&3 3<&- &'


class Opening(NamedTuple):
    """What the run is to be called.

    `project`: None for that of the library's own settings, else `default_project`. `began_utc_s`: Unix time. `place`: where the library has
    its runs, None for where it has them by itself. `run_id`: a run of the library that is there already, and gets the values.
    """

    library: str
    project: str | None
    default_project: str
    name: str
    group: str | None
    facts: Mapping[str, str]
    began_utc_s: float
    place: str | None = None
    run_id: str | None = None


FAULT = b"!"
"""What begins a line of the process that tells a fault. Other lines are for the user to know."""


class OwnRun:
    """The process, and what it is told. Nothing here waits for the library but `end`. Raises TrainwattError where the process has ended."""

    def __init__(self, opening: Opening, without: tuple[str, ...]) -> None:
        if getattr(sys, "frozen", False) or not sys.executable:  # the program itself would be started once more
            raise TrainwattError(
                f"a frozen program cannot have a run of {opening.library} for trainwatt alone: begin one before the tracker"
            )
        self._library = opening.library
        self._heard = b""
        self._fault = ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._socket, theirs = socket.socketpair()
        try:
            _start(opening.library, without, theirs, self._errors)
            theirs.close()
            self._tell(opening._asdict())
        except BaseException:  # raised again; no descriptor stays open
            theirs.close()
            self._close()
            raise

    def log(self, line: Line) -> None:
        """The figures of now, or the final ones. Raises what the process has told of a fault since the last call."""
        self._tell(line._asdict())
        self._listen(0.0)
        self._raise()

    def end(self) -> None:
        """There is no more. Waits for the process."""
        try:
            with suppress(TrainwattError):
                self._tell({"end": True})  # a process that the training has forked may hold the socket open
            until_s = time.monotonic() + END_S
            while self._listen(max(0.0, until_s - time.monotonic())):
                pass
            self._raise()
        finally:
            self._close()

    def _raise(self) -> None:
        fault, self._fault = self._fault, ""
        if fault:
            raise TrainwattError(fault)

    def _close(self) -> None:
        self._socket.close()
        self._errors.close()

    def _tell(self, what: Mapping[str, object]) -> None:
        try:  # without the signal that some programs let end them
            self._socket.sendall(json.dumps(what).encode() + b"\n", socket.MSG_NOSIGNAL)
        except OSError:
            raise TrainwattError(f"the run of {self._library} has ended: {self._reason()}") from None

    def _listen(self, seconds: float) -> bool:
        """Hear what the process says. Returns whether there may be more soon."""
        ready = select.poll()  # unlike `select`, it takes any number
        ready.register(self._socket, select.POLLIN)
        if not ready.poll(1000 * seconds):
            return False
        try:
            heard = self._socket.recv(4096)
        except OSError:
            heard = b""
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for line in lines:
            text = line.removeprefix(FAULT).decode(errors="replace").strip()
            if line.startswith(FAULT):
                self._fault = text
            else:
                log.warning("trainwatt: %s", TrainwattError(text))  # whose text is without secrets
        return bool(heard)

    def _reason(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 4000))
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((line.strip()[:LONGEST_REASON] for line in reversed(lines) if line.strip()), "unknown")


def _start(library: str, without: tuple[str, ...], talk: socket.socket, errors: IO[bytes]) -> None:
    """The shell ends at once, so the process is no child of the training, which may wait for children of its own. It has a session of its
    own: no terminal to ask at, and no Ctrl-C that is for the training."""
    path = json.dumps([os.fsdecode(entry) for entry in sys.path if isinstance(entry, (str, os.PathLike))])
    try:
        subprocess.run(
            ["/bin/sh", "-c", _IN_BACKGROUND, "sh", sys.executable, "-c", _CODE, path, library],
            env={name: value for name, value in os.environ.items() if name not in (*without, "PYTHONWARNINGS")},
            stdin=talk.fileno(),
            stdout=talk.fileno(),
            stderr=errors,
            start_new_session=True,
            timeout=START_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TrainwattError(f"no process could be started for a run of {library}: {error}") from error
