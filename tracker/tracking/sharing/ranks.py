"""What a rank of a job measures that is not the first of its node: the GPUs that no lower rank of the node sees.

The first rank measures the node with the GPUs that it sees. A launcher may give each rank a GPU of its own through CUDA_VISIBLE_DEVICES;
then no other rank sees it. What the other ranks see is in the environments that they were started with, in /proc.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...machine.job import local_rank
from ...machine.process import environment_of
from ...machine.ranks import lower_ranks
from ...sensors.nvidia.visible import parse

_VISIBLE = "CUDA_VISIBLE_DEVICES"


class OwnPart(NamedTuple):
    """What rank `rank` of a node may measure.

    `lower`: the environments of the lower ranks, as far as they are known; `complete` if that of each is. `may_measure` is false if it must
    be taken that the first rank measures everything that this one sees."""

    rank: int
    lower: tuple[Mapping[str, str], ...]
    complete: bool
    may_measure: bool

    def event_text(self, devices: Sequence[str], missed: Sequence[str]) -> str:
        """What the run says about its energy. `devices` are those that this rank measures, `missed` those that it should and cannot."""
        who = f"local rank {self.rank}"
        if missed and not devices:
            return f"{who} would measure only {', '.join(missed)}, which cannot be read; the other ranks of this node measure the rest"
        if not devices:
            if self.complete:
                where = "a lower rank of this node sees the GPUs that this one sees, and local rank 0 measures the rest of the node"
            else:
                where = "the energy of the node is in the run of its local rank 0, with the GPUs that it sees"
            return f"{who} measures nothing, so that no device counts twice; {where}"
        text = f"{who} measures only {', '.join(devices)}; processors, memory and other GPUs are measured by the other ranks of this node"
        if self.complete:
            return f"{text}, of which no lower one sees {'it' if len(devices) == 1 else 'them'}"
        return f"{text}. Not all of their settings can be seen from here: if a lower one sees the same GPU, both count its joules"


def own_part(environ: Mapping[str, str], *, gpus_named: bool, procfs: str) -> OwnPart | None:
    """What this process may measure as a rank that is not the first of its node; None if it measures the whole machine.

    `gpus_named`: the settings name GPUs. The first rank has the same settings, so it measures them.
    """
    rank = local_rank(environ)
    if not rank:
        return None
    if gpus_named:
        return OwnPart(rank, (), False, False)
    pid = os.getpid()
    value = environ.get(_VISIBLE)
    one_gpu = value is not None and len(parse(value)) == 1
    if (environment_of(pid, procfs) or {}).get(_VISIBLE) != value:
        # The program sets the variable itself. The other ranks do the same, which their environments do not show.
        return OwnPart(rank, (), False, one_gpu)
    seen = lower_ranks(environ, pid, procfs)
    lower = tuple(variables for found in seen.by_rank.values() for variables in _restricted(found))
    complete = len(seen.by_rank) == rank
    # A variable that the launcher has too is the same for all ranks, and several GPUs may be those of all ranks.
    return OwnPart(rank, lower, complete, complete or (one_gpu and seen.launcher.get(_VISIBLE) != value))


def _restricted(found: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    """Of the processes of one rank those that have the variable, if any do: a script around the training may be what sets it."""
    return [variables for variables in found if _VISIBLE in variables] or found
