"""PURE: what a total is attributed from: the energy of the machine, of which it is a share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .policy import POLICY

if TYPE_CHECKING:
    from ...core.contract import DeviceJson
    from ...core.contract.show import AttributionJson


def attribution_of(devices: Sequence[DeviceJson]) -> AttributionJson | None:
    """The `attribution` of the contract; None if nothing in the total is a share of a device."""
    shares = [d for d in devices if d["share_of"] is not None and d["included_in_total"]]
    if not shares:
        return None
    bases = {(d["host"], d["share_of"], d["uuid"]) for d in shares}
    machine_j = sum(d["energy_j"] for d in devices if not d["included_in_total"] and (d["host"], d["device"], d["uuid"]) in bases)
    attributed_j = sum(d["energy_j"] for d in shares)
    return {"policy": POLICY, "attributed_j": attributed_j, "machine_j": machine_j, "unattributed_j": max(0.0, machine_j - attributed_j)}
