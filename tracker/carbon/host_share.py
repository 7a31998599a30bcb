"""PURE: which part of a host a run held, from what its inventory recorded.

GPUs reserved of all, else processors allowed of all, are counted, and exact. A virtual machine sees its own processors and memory as if
they were the host's: its memory is what it holds, its part of the processors, the board and the case is between nothing else on the
host and one of the largest hosts there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .accounting import WHOLE, Estimate

Piece = tuple[str, str, Mapping[str, Any]]
"""(kind, name, detail), as the inventory has it."""

USUAL_HOST_CPUS, LARGEST_HOST_CPUS = 128.0, 384.0
"""Logical processors of the hosts that virtual machines run on: two sockets of 32 and of 96 cores, two threads each. A judgement."""


class HostShare(NamedTuple):
    """The part held of processors, board, supplies and case (`machine`), and of the memory that the inventory has. `why` says how it
    is known; `status` is given, recorded or assumed."""

    machine: Estimate
    memory: Estimate
    why: str
    status: str


WHOLE_HOST = HostShare(WHOLE, WHOLE, "nothing limits the run to a part of it", "recorded")


def host_share(inventory: Iterable[Piece], product_known: bool = False, given: float | None = None) -> HostShare:
    """The share of one host. `product_known`: its product is in the hardware table, as a whole; `given` is the user's own value."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for kind, _, detail in inventory:
        by_kind.setdefault(kind, []).append(detail)
    [host, *_], [cpu, *_] = by_kind.get("host") or [{}], by_kind.get("cpu") or [{}]
    if given is not None:  # a virtual machine's inventory has its own memory only
        return HostShare(Estimate.exact(given), WHOLE if host.get("virtual") else Estimate.exact(given), "given by the user", "given")
    within, why = _within(len(by_kind.get("gpu", ())), host.get("gpus"), cpu.get("allowed_cpus"), cpu.get("logical_cpus"))
    if not host.get("virtual") or product_known or not cpu.get("logical_cpus"):
        return HostShare(Estimate.exact(within), Estimate.exact(within), why, "recorded")
    cpus = cpu["logical_cpus"]
    guest = Estimate(min(1.0, cpus / USUAL_HOST_CPUS), min(1.0, cpus / LARGEST_HOST_CPUS), 1.0)
    why = (
        f"a virtual machine of {cpus} processors, on a host of {LARGEST_HOST_CPUS:.0f} (low), of {USUAL_HOST_CPUS:.0f} (central) or alone"
        f" on its host (high); {why}"
    )
    return HostShare(guest.times(within), Estimate.exact(within), why, "assumed")


def _within(held_gpus: int, gpus: int | None, allowed_cpus: float | None, cpus: int | None) -> tuple[float, str]:
    if held_gpus and gpus and held_gpus < gpus:
        return held_gpus / gpus, f"{held_gpus} of {gpus} GPUs"
    if allowed_cpus and cpus and allowed_cpus < cpus:
        return allowed_cpus / cpus, f"{allowed_cpus:g} of {cpus} processors"
    return 1.0, WHOLE_HOST.why
