"""A command that is to end because its run has used its budget."""

from __future__ import annotations

import math
import signal
import time

from ...output import say
from ..signals.forwarding import send

GRACE_S = 30.0
"""So long a command may take to write its checkpoint, as Kubernetes and Slurm (KillWait) give by default."""


class Stop:
    """Ends the process `pid`: SIGTERM first, and SIGKILL after a grace."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.due_s = math.inf
        """When the next step is due, on the monotonic clock."""
        self._asked_s: float | None = None

    def press(self) -> None:
        """Take the step that is due, if one is. The first is due at once."""
        if self._asked_s is None:
            self._asked_s = time.monotonic()
            self.due_s = self._asked_s + GRACE_S
            say(f"the budget is used: the command gets SIGTERM, and in {GRACE_S:.0f} s SIGKILL if it has not ended", patience_s=0.2)
            send(self._pid, signal.SIGTERM)
        elif time.monotonic() >= self.due_s:
            self.due_s = math.inf
            send(self._pid, signal.SIGKILL)
