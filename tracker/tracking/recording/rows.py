"""PURE: what the tracker knows, as rows of the store's tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...core.point import Point
from ...core.sensing import Availability
from ...core.work import stored_parts
from ...energy.intervals import JOULES
from ...masking.text import scrubbed
from ...texts import text_of

if TYPE_CHECKING:
    from ...core.clock import Anchor
    from ...core.run import Event
    from ...core.sensing import Device, Finding, Missed
    from ...energy.integrator import DeviceSnapshot
    from ...energy.intervals import Share
    from ..sampling.snapshot import LastReading, Snapshot
    from .phases.phase_record import PhaseRecord

Row = dict[str, Any]
POINT_COLUMNS = ("segment_id", "device", *Point._fields)


def as_json(value: object) -> str:
    """Compact JSON, keys in order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sampling_update(seen: Snapshot | None, cpu_s: float, startup_cpu_s: float) -> Row:
    """The counts and the cost of a segment's sampling. `cpu_s` and `startup_cpu_s` are the CPU seconds of other threads than the sampling
    thread."""
    if seen is None:
        return {}
    return {
        "samples": seen.samples,
        "missed": seen.missed,
        "cpu_s": cpu_s + seen.cpu_s,
        "startup_cpu_s": startup_cpu_s + seen.startup_cpu_s,
    }


def device_row(segment_id: str, device: Device, idle_w: float | None) -> Row:
    """A device when the run begins. `idle_w` is its measured baseline."""
    return {
        "segment_id": segment_id,
        "name": device.name,
        "kind": device.kind,
        "model": device.model,
        "uuid": device.uuid,
        "included_in_total": int(device.included_in_total),
        "max_power_w": device.max_power_w,
        "gain": device.gain,
        "gain_class": device.gain_class,
        "offset_w": device.offset_w or None,
        "note": None if device.note is None else scrubbed(text_of(device.note)),
        "covered_ns": 0,
        "idle_w": idle_w,
    }


def missed_row(segment_id: str, missed: Missed) -> Row:
    """A device that is not measured: it has no curve, and its note says why."""
    return device_row(segment_id, missed.device._replace(note=missed.detail), None)


def device_update(segment_id: str, seen: DeviceSnapshot) -> Row:
    """What is learnt about a device while it is read."""
    period_s = seen.update_period_s
    return {
        "segment_id": segment_id,
        "name": seen.device.name,
        "covered_ns": seen.covered_ns,
        "residual": seen.residual,
        "update_period_ns": None if period_s is None else round(period_s * 1e9),
    }


def state_row(segment_id: str, boot_id: str, state: LastReading) -> Row:
    """The last raw reading of a counter."""
    return {
        "segment_id": segment_id,
        "device": state.device,
        "sensor": state.sensor,
        "raw": str(state.reading.value),
        "t_ns": state.reading.t_ns,
        "boot_id": boot_id,
    }


def point_row(segment_id: str, device: str, point: Point) -> Row:
    """A point of an energy curve."""
    return dict(zip(POINT_COLUMNS, (segment_id, device, *point), strict=True))


def event_row(segment_id: str, seq: int, event: Event, anchor: Anchor) -> Row:
    """An event, with its time also in UTC. Its text may quote an error of the user's or of a library, so secrets in it are masked."""
    shown = event._replace(detail=scrubbed(event.detail))
    return {"segment_id": segment_id, "seq": seq, "utc_ns": anchor.utc_of(event.t_ns), **shown._asdict()}


def anchor_row(segment_id: str, anchor: Anchor) -> Row:
    """An instant on the three clocks."""
    return {"segment_id": segment_id, **anchor._asdict()}


def finding_row(segment_id: str, seq: int, finding: Finding) -> Row:
    """What discovery found out about one source. The user's own provider may give another type than text, such as an exception."""
    return {
        "segment_id": segment_id,
        "seq": seq,
        "source": text_of(finding.source),
        "availability": Availability(finding.availability).value,
        **{name: scrubbed(text_of(getattr(finding, name))) for name in ("what", "detail", "remedy", "worth")},
    }


def phase_row(run_id: str, phase: PhaseRecord, anchor: Anchor) -> Row:
    """A phase as it was stamped. The process that owns the sensors adds later whether it is resolved."""
    return {
        "segment_id": phase.segment_id,
        "seq": phase.seq,
        "run_id": run_id,
        "parent_seq": phase.parent_seq,
        "name": phase.name,
        "step": phase.step,
        "start_t_ns": phase.start_t_ns,
        "end_t_ns": phase.end_t_ns,
        "start_utc_ns": anchor.utc_of(phase.start_t_ns),
        "synchronized": int(phase.synchronized),
        "exact": int(phase.exact),
    }


def phase_work_rows(phase: PhaseRecord) -> list[Row]:
    """The units that were counted in a phase, once it is over."""
    if phase.end_t_ns is None:
        return []
    key = {"segment_id": phase.segment_id, "seq": phase.seq}
    return [key | {"unit": name, "amount": n} for unit, amount in phase.work.items() for name, n in stored_parts(unit, amount)]


def phase_energy_row(owner_segment_id: str, phase: PhaseRecord, device: str, share: Share) -> Row:
    """One device's share of a phase."""
    return {
        "segment_id": phase.segment_id,
        "seq": phase.seq,
        "device": device,
        "owner_segment_id": owner_segment_id,
        **{name: getattr(share, name) for name in JOULES},
    }


def work_rows(segment_id: str, work: Mapping[tuple[str, str], int]) -> list[Row]:
    """Units of work by (unit, phase)."""
    return [
        {"segment_id": segment_id, "unit": part, "phase": phase, "amount": amount}
        for (unit, phase), whole in work.items()
        for part, amount in stored_parts(unit, whole)
    ]
