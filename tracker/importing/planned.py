"""The stored form of an estimate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..carbon.estimating import Plan
from ..core.run import NO_HOST, PLAN_KEY, Origin
from ..core.units import NS_PER_S
from .record import Part, Record, modelled, whole_curve

if TYPE_CHECKING:
    from ..core.contract import EstimatedEnergyJson


def planned(
    plan: Plan,
    energy: EstimatedEnergyJson,
    settings: Mapping[str, object],
    *,
    started_utc_ns: int,
    project: str,
    name: str | None,
    group: str | None,
    stage: str | None,
    zone: str | None,
    kind: str,
) -> Record:
    """An estimate as a run. Its description is stored with it, so that its footprint can be computed again with other terms.

    The same estimate with the same name is the same run. `kind` is that of its devices.
    """
    duration_s = (plan.duration_h or 0.0) * 3600
    end = modelled(energy["total_j"], energy["low_j"], energy["high_j"])
    described = plan.as_json()
    identity = (json.dumps([described, dict(settings)], sort_keys=True), project, name or "", group or "", stage or "", zone or "")
    model = None if plan.device is None else plan.device if plan.count is None or plan.count == 1 else f"{plan.count:g} × {plan.device}"
    part = Part(kind, kind, whole_curve(duration_s, end), f"estimated: {energy['basis']}", round(duration_s * NS_PER_S), model)
    return Record(
        identity=identity,
        origin=Origin.ESTIMATED,
        source="trainwatt estimate",
        project=project,
        started_utc_ns=started_utc_ns,
        duration_s=duration_s,
        host=NO_HOST,
        parts=(part,),
        name=name,
        group=group,
        stage=stage,
        zone=zone,
        gpu_hours=plan.device_hours if kind == "gpu" else None,
        settings={**settings, PLAN_KEY: described},
    )
