"""A run of Weights & Biases or Trackio of our own, in a process of its own.

There it changes nothing of the training: these libraries redirect the output, take over the hooks of the interpreter, print, make their run
the current one, and wait for a server at the end of the program. The process goes on when the training has ended.
"""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, NamedTuple

from trainwatt import TrainwattError

log = logging.getLogger("trainwatt")

END_S = 60.0
"""How long the thread of the sink waits for the process at the end."""
LONGEST_REASON = 300
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1));"
    " from trainwatt.integrations.sinks._loggers.own_process import main; main(sys.argv[1])"
)


class Opening(NamedTuple):
    """What the run is to be called. `project`: None for that of the library's own settings, else `default_project`."""

    library: str
    project: str | None
    default_project: str
    name: str
    group: str | None
    facts: Mapping[str, str]


class OwnRun:
    """The process, and what it is told. Nothing here waits for the library but `end`. Raises TrainwattError where the process has ended."""

    def __init__(self, opening: Opening, without: tuple[str, ...]) -> None:
        if getattr(sys, "frozen", False) or not sys.executable:  # the program itself would be started once more
            raise TrainwattError(
                f"a frozen program cannot have a run of {opening.library} for trainwatt alone: begin one before the tracker"
            )
        self._library = opening.library
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        environ = {name: value for name, value in os.environ.items() if name not in without}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, json.dumps(sys.path), opening.library],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # it has no terminal to ask at, and Ctrl-C is for the training
        )
        self._tell(opening._asdict())

    def log(self, figures: Mapping[str, float], facts: Mapping[str, str], status: str) -> None:
        """The figures of now, or the final ones."""
        self._tell({"figures": figures, "facts": facts, "status": status})
        self._listen(0.0)

    def end(self) -> None:
        """There is no more. Waits for the process."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._listen(END_S)
            self._process.wait(END_S)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        finally:
            self._errors.close()

    def _tell(self, what: Mapping[str, object]) -> None:
        pipe: IO[bytes] | None = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(what).encode() + b"\n")
            pipe.flush()
        except (BrokenPipeError, ValueError):
            raise TrainwattError(f"the run of {self._library} has ended: {self._reason()}") from None

    def _listen(self, seconds: float) -> None:
        """Log what the process says."""
        out = self._process.stdout
        if out is None or out.closed or not select.select([out], [], [], seconds)[0]:
            return
        line = out.readline()
        if line.strip():
            log.warning("trainwatt: %s", line.decode(errors="replace").strip())
        else:
            out.close()

    def _reason(self) -> str:
        try:
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - 4000))
            lines = self._errors.read().decode(errors="replace").split("\n")
        except (OSError, ValueError):
            return "unknown"
        return next((line.strip()[:LONGEST_REASON] for line in reversed(lines) if line.strip()), "unknown")
