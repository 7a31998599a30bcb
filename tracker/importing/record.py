"""PURE: a run that the tracker did not measure, and the rows that store it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._version import __version__
from ..core.point import Point
from ..core.run import CONTENT_KEY, DEVICE_HOURS_KEY, ORIGIN_KEY, SOURCE_KEY, Origin, Status
from ..core.units import NS_PER_S
from ..masking.text import hidden_in, scrubbed, scrubbed_name

Row = dict[str, Any]
ID_DIGITS = 12
"""As many hexadecimal digits as the id of a tracked run has."""


class Part(NamedTuple):
    """What one device, or a group that was read as one, drew. `points`: its energy curve, empty if it was never read, so that the energy of
    the run is a lower bound; `note` says why. `gain` and the others are as in `Device`."""

    name: str
    kind: str
    points: tuple[Point, ...]
    note: str
    covered_ns: int
    model: str | None = None
    uuid: str | None = None
    gain: float = 0.0
    gain_class: str = "imported"
    offset_w: float | None = None
    update_period_ns: int | None = None


class Piece(NamedTuple):
    """A piece of hardware, for the embodied grams."""

    kind: str
    name: str
    detail: Mapping[str, object]


class Record(NamedTuple):
    """A run to be stored. `identity` says which run it is, whatever its figures are: importing it again makes no second one.

    `source` names where the figures come from, in words that are shown. `samples` readings were taken, one each `period_s`. `gpu_hours` are
    those of all GPUs, where the parts do not tell how many there are.
    """

    identity: tuple[str, ...]
    origin: Origin
    source: str
    project: str
    started_utc_ns: int
    duration_s: float
    host: str
    parts: tuple[Part, ...]
    hardware: tuple[Piece, ...] = ()
    name: str | None = None
    group: str | None = None
    stage: str | None = None
    status: Status = Status.COMPLETED
    end_reason: str | None = None
    zone: str | None = None
    settings: Mapping[str, object] = {}  # never changed
    tags: Mapping[str, str] = {}
    external: Mapping[str, str] = {}
    samples: int = 0
    period_s: float = 0.0
    notes: tuple[str, ...] = ()
    gpu_hours: float | None = None

    @property
    def id(self) -> str:
        """The id of the run: the same for the same identity."""
        return hashlib.sha256("\0".join((self.origin, *self.identity)).encode("utf-8", "replace")).hexdigest()[:ID_DIGITS]

    @property
    def content(self) -> str:
        """A digest of all that is stored, without the time where it is only assumed. It differs if any figure does."""
        known = [
            self.duration_s,
            self.status,
            self.stage,
            self.zone,
            self.project,
            self.name,
            self.group,
            self.settings,
            self.hardware,
            self.parts,
        ]
        return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:ID_DIGITS]

    @property
    def ended_utc_ns(self) -> int:
        """When it ended."""
        return self.started_utc_ns + round(self.duration_s * NS_PER_S)

    @property
    def energy_j(self) -> float:
        """The joules of all parts."""
        return sum(part.points[-1].energy_j - part.points[0].energy_j for part in self.parts if part.points)


def whole_curve(duration_s: float, end: Point) -> tuple[Point, ...]:
    """The curve of an energy of which only the sum is known: from 0 to `end`, whose time is set."""
    return Point(0), end._replace(t_ns=max(1, round(duration_s * NS_PER_S)))


def modelled(energy_j: float, low_j: float, high_j: float) -> Point:
    """An energy from a model, with its bounds."""
    return Point(0, modelled_j=energy_j, slack_low_j=energy_j - low_j, slack_high_j=high_j - energy_j)


def rows_of(record: Record) -> dict[str, Sequence[Row]]:
    """The rows of a record. Its curves begin at 0 ns of a clock of their own."""
    run_id, segment_id = record.id, f"{record.id}-s"
    ended = {"started_utc_ns": record.started_utc_ns, "ended_utc_ns": record.ended_utc_ns, "last_seen_utc_ns": record.ended_utc_ns}
    host = scrubbed_name(record.host)
    settings = {**record.settings, ORIGIN_KEY: record.origin, SOURCE_KEY: scrubbed(record.source), CONTENT_KEY: record.content}
    if record.gpu_hours is not None:
        settings[DEVICE_HOURS_KEY] = record.gpu_hours
    return {
        "run": [
            {
                "id": run_id,
                "project": scrubbed_name(record.project),
                "name": record.name and scrubbed_name(record.name),
                "group_name": record.group and scrubbed_name(record.group),
                "stage": record.stage,
                "status": record.status,
                "end_reason": record.end_reason and scrubbed(record.end_reason),
                **ended,
                "duration_s": record.duration_s,
                "host": host,
                "tags": _as_json(hidden_in(record.tags)),
                "external": _as_json(hidden_in(record.external)),
                "zone": record.zone,
                "settings": _as_json(settings),
                "version": __version__,
            }
        ],
        "segment": [
            {
                "id": segment_id,
                "run_id": run_id,
                "role": "owner",
                "host": host,
                **{"boot_id": "", "pid_namespace": "", "pid": 0, "start_ticks": 0, "start_t_ns": 0},
                **ended,
                "end_t_ns": round(record.duration_s * NS_PER_S),
                "status": record.status,
                "period_s": record.period_s,
                "samples": record.samples,
            }
        ],
        "device": [_device(segment_id, part) for part in record.parts],
        "curve_point": [
            {"segment_id": segment_id, "device": part.name, **point._asdict()} for part in record.parts for point in part.points
        ],
        "inventory": [
            {"run_id": run_id, "host": host, "kind": p.kind, "name": p.name, "detail": _as_json(dict(p.detail))} for p in record.hardware
        ],
        "clock_anchor": [{"segment_id": segment_id, "monotonic_ns": 0, "utc_ns": record.started_utc_ns, "boottime_ns": 0}],
    }


def _device(segment_id: str, part: Part) -> Row:
    return {
        "segment_id": segment_id,
        "name": part.name,
        "kind": part.kind,
        "model": part.model,
        "uuid": part.uuid,
        "included_in_total": 1,
        "max_power_w": 0.0,
        "gain": part.gain,
        "gain_class": part.gain_class,
        "offset_w": part.offset_w,
        "note": scrubbed(part.note) if part.note else None,
        "covered_ns": part.covered_ns,
        "update_period_ns": part.update_period_ns,
    }


def _as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
