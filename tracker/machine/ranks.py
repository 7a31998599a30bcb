"""The other ranks of a job on this node, found among the processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .job import local_rank, rank_variable
from .process import environment_of, parent


class LowerRanks(NamedTuple):
    """The environments that processes were started with: of the launcher of a job (empty if it cannot be seen), and of the lower local
    ranks, by rank."""

    launcher: Mapping[str, str]
    by_rank: Mapping[int, list[Mapping[str, str]]]


def lower_ranks(environ: Mapping[str, str], pid: int, procfs: str = "/proc") -> LowerRanks:
    """The lower local ranks of a job on this node. `pid` is a process of the job, and `environ` its
    environment.

    The ranks of a job are what its launcher started: the nearest process above `pid` that is not of its rank. Ranks whose processes cannot
    be seen (another container, another user) are missing.
    """
    variable, mine = rank_variable(environ), local_rank(environ)
    if variable is None or not mine:
        return LowerRanks({}, {})
    parents = _parents(procfs)
    above = _above(pid, parents)
    launcher = next((a for a in above if (environment_of(a, procfs) or {}).get(variable) != environ[variable]), None)
    found: dict[int, list[Mapping[str, str]]] = {}
    for other in parents:
        if other != pid and launcher in _above(other, parents):
            variables = environment_of(other, procfs) or {}
            rank = local_rank(variables) if variable in variables else None
            if rank is not None and rank < mine:
                found.setdefault(rank, []).append(variables)
    return LowerRanks((launcher and environment_of(launcher, procfs)) or {}, found)


def _parents(procfs: str) -> dict[int, int]:
    """The parent of every process that can be seen."""
    try:
        pids = [int(name) for name in os.listdir(procfs) if name.isdecimal()]
    except OSError:
        return {}
    return {pid: above for pid in pids if (above := parent(pid, procfs)) is not None}


def _above(pid: int, parents: Mapping[int, int]) -> list[int]:
    """The processes above one, the nearest first. Parents that are read while processes end may make a circle."""
    above: list[int] = []
    while (pid := parents.get(pid, 0)) and pid not in above:
        above.append(pid)
    return above
