"""The warning of Python 3.12 and later about a fork of a process that has threads.

The threads of trainwatt must not bring it into a training that has no other: with `-W error` it reaches the hook for exceptions that nobody
catches, and pytest can make a failure of it. trainwatt's own part of a child is safe: it uses no lock of the parent's threads.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
from contextlib import suppress
from typing import cast

OURS = "trainwatt-"
"""The names of our threads begin so."""
TEXT = r"This process \(pid=\d+\) is multi-threaded, use of fork(pty)?\(\) may lead to deadlocks in the child"
FILTER = ("ignore", re.compile(TEXT, re.IGNORECASE), DeprecationWarning, None, 0)


def before_fork() -> None:
    """Ignore the warning about this fork if no thread but ours is there, and no other warning. The filter stays until the next fork: the
    warning comes after the hooks for the end of a fork."""
    with suppress(Exception):  # the fork goes on
        with suppress(ValueError):  # it is not there
            cast("list[object]", warnings.filters).remove(FILTER)
        if _only_ours():
            warnings.filterwarnings("ignore", TEXT, DeprecationWarning)


def _only_ours() -> bool:
    """Whether all threads but this one are ours. Python counts those that the kernel has, as here: libraries start some unseen."""
    ours = sum(thread.name.startswith(OURS) for thread in threading.enumerate())
    return ours > 0 and len(os.listdir("/proc/self/task")) <= ours + 1
