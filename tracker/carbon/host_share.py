"""PURE: the share of a host that a run held, from what its inventory recorded.

The share is the reserved GPUs out of all GPUs (of a partitioned one, the reserved slices), otherwise the allowed processors out of all
processors. This is exact. A virtual machine sees its own processors and memory as if they were those of the host. It holds all of that
memory. Its share of the processors, the board and the case is uncertain: at most the whole host, at least its part of one of the largest
hosts that exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .accounting import WHOLE, Estimate
from .assumption import GIVEN, Assumption, FactorKind, FactorStatus, HostPart, HostUse
from .tables.names import slice_share

Piece = tuple[str, str, Mapping[str, Any]]
"""(kind, name, detail), as in the inventory."""

USUAL_HOST_CPUS, LARGEST_HOST_CPUS = 128.0, 384.0
"""Logical processors of hosts of virtual machines: two sockets with 32 or 96 cores each, two threads per core. A judgement."""


class HostShare(NamedTuple):
    """The share of processors, board, power supplies and case (`machine`), and the share of the recorded memory.

    `status` is given, recorded or assumed. `use` says how the share is known; None if the user gave it.
    """

    machine: Estimate
    memory: Estimate
    status: FactorStatus
    use: HostUse | None

    def factor(self) -> Assumption:
        """The share among the factors of a footprint."""
        share = self.machine
        source = GIVEN if self.use is None else why(self.use)
        return Assumption(FactorKind.HOST_SHARE, share.central, "", source, None, self.status, share.low, share.high, host=self.use)


WHOLE_HOST = HostShare(WHOLE, WHOLE, FactorStatus.RECORDED, HostUse())


def host_share(inventory: Iterable[Piece], product_known: bool = False, given: float | None = None) -> HostShare:
    """The share of one host. `product_known`: its product has one row in the hardware table. `given` is the user's own value."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for kind, _, detail in inventory:
        by_kind.setdefault(kind, []).append(detail)
    [host, *_], [cpu, *_] = by_kind.get("host") or [{}], by_kind.get("cpu") or [{}]
    if given is not None:  # the inventory of a virtual machine has its own memory only
        memory = WHOLE if host.get("virtual") else Estimate.exact(given)
        return HostShare(Estimate.exact(given), memory, FactorStatus.GIVEN, None)
    held = sum(slice_share(str(gpu.get("model") or ""), gpu.get("mig_slices")) for gpu in by_kind.get("gpu", ()))
    use = _use(held, host.get("gpus"), cpu.get("allowed_cpus"), cpu.get("logical_cpus"))
    within = Estimate.exact(1.0 if use.held is None or use.of is None else use.held / use.of)
    if not host.get("virtual") or product_known or not cpu.get("logical_cpus"):
        return HostShare(within, within, FactorStatus.RECORDED, use)
    cpus = cpu["logical_cpus"]
    guest = Estimate(min(1.0, cpus / USUAL_HOST_CPUS), min(1.0, cpus / LARGEST_HOST_CPUS), 1.0)
    return HostShare(guest.times(within.central), within, FactorStatus.ASSUMED, replace(use, virtual_processors=cpus))


def _use(held_gpus: float, gpus: int | None, allowed_cpus: float | None, cpus: int | None) -> HostUse:
    if held_gpus and gpus and held_gpus < gpus:
        return HostUse(HostPart.GPUS, held_gpus, gpus)
    if allowed_cpus and cpus and allowed_cpus < cpus:
        return HostUse(HostPart.PROCESSORS, allowed_cpus, cpus)
    return HostUse()


def why(use: HostUse) -> str:
    """How a share is known, in the words of the JSON's `source`."""
    if use.held is None or use.of is None:
        counted = "nothing limits the run to a part of it"
    else:
        counted = f"{use.held:g} of {use.of:g} {'GPUs' if use.counted == HostPart.GPUS else 'processors'}"
    return counted if use.virtual_processors is None else f"{virtual_machine(use.virtual_processors)}; {counted}"


def virtual_machine(processors: int) -> str:
    """How the range of a virtual machine's share arises."""
    return (
        f"a virtual machine of {processors} processors, on a host of {LARGEST_HOST_CPUS:.0f} (low), of {USUAL_HOST_CPUS:.0f} (central) or"
        " alone on its host (high)"
    )
