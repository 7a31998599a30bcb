"""How many connections the pages take, and how long a connection may do nothing."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

MOST = 512
"""The most connections, where the process may have enough descriptors."""
LEAST = 8
"""The fewest connections. Below this, a single browser would not get a page with its files."""
MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows.

    `connections` is how many may be open, and `of_one_client` how many of them a single client may have. `at_once` are accepted in one go,
    before those that are too many are closed. `watchers` is how many pages of running runs may be kept up to date. After `request_s`
    without a whole request a connection is closed; so it is when its client has hardly read anything for `unread_s`.
    """

    connections: int = MOST
    of_one_client: int = MOST * 3 // 4
    watchers: int = MOST // 2
    at_once: int = MOST_AT_ONCE
    request_s: float = 10.0
    unread_s: float = 30.0


def limits_for(free_descriptors: int) -> Limits:
    """The limits of a process that may open so many more files and sockets.

    Connections take half of the descriptors. The other half is for the database, and for connections that are accepted only to be closed.
    """
    connections = max(LEAST, min(MOST, free_descriptors // 2))
    at_once = max(1, min(MOST_AT_ONCE, connections // 4))
    return Limits(connections, max(1, connections * 3 // 4), max(1, connections // 2), at_once)


def free_descriptors() -> int:
    """How many more files and sockets this process may open: what is left of RLIMIT_NOFILE."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * MOST if most == resource.RLIM_INFINITY else max(0, most - len(os.listdir("/proc/self/fd")))
