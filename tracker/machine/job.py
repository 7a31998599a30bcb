"""Which process of a distributed job this is.

Until ranks of a node share their sensors properly, the first one of each node measures and the others only record their phases.
"""

from __future__ import annotations

from collections.abc import Mapping

_LOCAL = ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK")
_GLOBAL = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


def local_rank(environ: Mapping[str, str]) -> int | None:
    """This process's number on its node, None outside a distributed job. The first variable that is set decides."""
    return _first(environ, _LOCAL)


def global_rank(environ: Mapping[str, str]) -> int | None:
    """This process's number in the whole job, None outside a distributed job."""
    return _first(environ, _GLOBAL)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return None
