"""What the two processes of `trainwatt run` tell each other."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import NamedTuple


class Begun(NamedTuple):
    """The measuring has begun: the run and its database. Both are None if nothing is measured."""

    run_id: str | None
    db: str | None


class Refused(NamedTuple):
    """A setting is wrong, or with `--strict` the database cannot be written. The user has been told."""


class OverBudget(NamedTuple):
    """The run has used its budget, and the command is to end. It may be told more than once."""


class Ended(NamedTuple):
    """The command has ended: its exit code, or minus its signal. `lost`: that cannot be known."""

    code: int
    lost: bool = False


class NotStarted(NamedTuple):
    """The kernel does not execute the command, for this reason."""

    errno: int


class NotMeasured(NamedTuple):
    """There can be no process for the command beside this one, for this reason."""

    errno: int


class Closed(NamedTuple):
    """The run is closed and reported. The process may still need long to end: a system call of one of its threads may not return."""


Message = Begun | Refused | OverBudget | Ended | NotStarted | NotMeasured | Closed
_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Begun, Refused, OverBudget, Ended, NotStarted, NotMeasured, Closed)}


class Link:
    """One of the two ends. `descriptor` can be read when there is a message, or when the other end is closed."""

    def __init__(self, reads: int, writes: int) -> None:
        """Use `Link.pair`."""
        self.descriptor = reads
        self._reads = os.fdopen(reads, "rb", buffering=0)  # what is not read yet can be waited for
        self._writes = writes

    @classmethod
    def pair(cls) -> tuple[Link, Link]:
        """Both ends. Raises OSError."""
        reads, writes = os.pipe()
        try:
            others_reads, others_writes = os.pipe()
        except OSError:
            os.close(reads)
            os.close(writes)
            raise
        return cls(reads, others_writes), cls(others_reads, writes)

    def send(self, message: Message) -> None:
        """Send a message; nothing happens if nobody is there any more."""
        with suppress(OSError):
            os.write(self._writes, json.dumps([type(message).__name__, *message]).encode() + b"\n")

    def receive(self) -> Message | None:
        """Wait for the next message; None if the other end is closed."""
        line = self._reads.readline()
        if not line.endswith(b"\n"):
            return None
        kind, *fields = json.loads(line)
        return _KINDS[kind](*fields)

    def say_no_more(self) -> None:
        """Close the way to the other end, which notices it."""
        if self._writes >= 0:
            os.close(self._writes)
            self._writes = -1

    def close(self) -> None:
        """Close both ways."""
        self.say_no_more()
        self._reads.close()
