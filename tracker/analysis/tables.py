"""Stored runs as rows of tables, one after the other.

The figures are those of `show --json`. Rows are made on demand, so a curve of any length is read in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..core.activity import figures
from ..core.clock import iso
from ..core.timeline import Timeline
from ..core.units import NS_PER_S
from ..core.work import PREFERRED
from .activity import described
from .footprint import views_of
from .work.instances import instances_part
from .work.units import work_partial

if TYPE_CHECKING:
    from ..core.contract import EnergySumJson, InstanceJson, InstancesPartJson, PhaseJson, RunJson, RunRecord, ShowJson
    from ..storage.read.records import RunRow, StoredRun
    from ..storage.read.store import Store

Row = dict[str, Any]
AT_ONCE = 50
"""Runs whose instances of phases are read at once."""
What = Literal["runs", "phases", "curves", "activity"]
Kind = Literal["text", "int", "float", "bool", "map"]


class Column(NamedTuple):
    """A column of a table; a "map" is an object in JSON Lines, and JSON elsewhere."""

    name: str
    kind: Kind


def _columns(*kinds_and_names: str) -> tuple[Column, ...]:
    """The columns of lines such as "float energy_j low_j"."""
    lines = [line.split() for line in kinds_and_names]
    return tuple(Column(name, kind) for kind, *names in lines for name in names)  # type: ignore[arg-type]


_GRAMS = " ".join(f"{part}{bound}_g" for part in ("operational", "embodied", "total") for bound in ("", "_low", "_high"))
_RUN = _columns(
    *("text run_id project name group stage status end_reason", "text started_at", "int started_utc_ns", "text ended_at"),
    *("int ended_utc_ns", "text last_seen_at", "int last_seen_utc_ns", "float duration_s", "text host command git_commit"),
    *(
        "map tags external",
        "float energy_j low_j high_j measured_fraction measured_only_j idle_j above_idle_j",
        "bool lower_bound work_partial damaged",
        "text origin",
    ),
)
COLUMNS: Mapping[What, tuple[Column, ...]] = {
    "runs": _RUN
    + _columns(
        *("int samples tokens", f"float {_GRAMS}", "text zone", "float intensity_g_per_kwh pue"),
        *("map work", "text unit", "float energy_each_j low_each_j high_each_j"),
        *("float flops flop_per_j flop_per_j_low flop_per_j_high mfu", "text flops_precision"),
    ),
    "phases": _columns(
        *("text run_id project name phase first_started_at", "int first_started_utc_ns count", "float duration_s"),
        *(
            "float energy_j low_j high_j",
            "bool resolved",
            "int unresolved_count pending_count",
            "bool host_side",
            "int samples tokens",
            "map work per_unit",
            "int number step",
            "float from_s",
            "map metrics",
        ),
    ),
    "curves": _columns(
        *("text run_id segment_id host device", "bool included_in_total", "int t_ns", "text utc", "int utc_ns", "float energy_j"),
        *("float counter_j power_j imputed_j modelled_j slack_low_j slack_high_j edge_low_j edge_high_j scatter_j2",),
    ),
    "activity": _columns(
        *(
            "text run_id segment_id host device",
            "int t_ns",
            "text utc",
            "int utc_ns",
            "float seen_s busy_s busy_fraction busy_low busy_high",
        ),
        *("float memory_busy_fraction sm_clock_mhz memory_clock_mhz", "map throttled_s", "float temperature_c temperature_max_c"),
        "float memory_bytes memory_max_bytes power_limit_w cpus",
    ),
}
"""The columns of each table, in order. Joules and grams as `show --json` has them; times in UTC, as ISO 8601 and as ns since 1970.

A row of `phases` is an instance, whose `count` is 1; those that are kept as a sum only are one row. A row of `curves` is a point: joules
since the curve's start, in total (`energy_j`) and by source. `slack` is what may have been missed or added so far, `edge` the same for this
point alone. A row of `activity` has what a GPU did since the row before, or the processors: `device` is then "cgroup" or "machine", and
`cpus` is how many there are. `t_ns` is on the monotonic clock of the segment's machine.
"""


def rows(store: Store, run_ids: Iterable[str], what: What, per: str | None = None) -> Iterator[Iterator[Row]]:
    """The rows of each run, whose values are in the order of COLUMNS. `per`: the unit of work that the user asks for. Raises StoreError and
    RunNotFoundError."""
    if what in ("curves", "activity"):
        each = _points if what == "curves" else _activity
        return (each(store, stored) for runs in store.load_all(run_ids) for stored in runs)
    if what == "phases":
        return _phases_of_all(store, list(dict.fromkeys(run_ids)))
    return (iter([_run(stored.run, view)]) for stored, view in views_of(store, run_ids, per=per))


def _run(run: RunRow, view: ShowJson) -> Row:
    carbon: Mapping[str, Any] = view["carbon"] or {}
    grams = {name: carbon.get(name) for name in (*_GRAMS.split(), "zone", "intensity_g_per_kwh", "pue")}
    each = None if view["unit"] is None else view["per_unit"].get(view["unit"])
    compute = view["compute"]
    return {
        **run_record(run, view["run"], view["energy"]),
        **_work(view["work"]),
        **grams,
        "work": view["work"],
        "unit": view["unit"],
        "energy_each_j": None if each is None else each["energy_j"],
        "low_each_j": None if each is None else each["low_j"],
        "high_each_j": None if each is None else each["high_j"],
        "flops": None if compute is None else float(compute["flops"]),
        "flop_per_j": None if compute is None else compute["flop_per_j"],
        "flop_per_j_low": None if compute is None else compute["flop_per_j_low"],
        "flop_per_j_high": None if compute is None else compute["flop_per_j_high"],
        "mfu": None if compute is None else compute["mfu"],
        "flops_precision": None if compute is None else compute["precision"],
    }


def _phases_of_all(store: Store, run_ids: list[str]) -> Iterator[Iterator[Row]]:
    for start in range(0, len(run_ids), AT_ONCE):
        some = run_ids[start : start + AT_ONCE]
        instances, logged = store.instances(some), store.metric_points(some)
        for stored, view in views_of(store, some):
            yield _phases(stored, view, instances_part(stored, view, instances[stored.run.id], logged))


def _phases(stored: StoredRun, view: ShowJson, part: InstancesPartJson) -> Iterator[Row]:
    for phase in view["phases"]:
        mine = [instance for instance in part["instances"] if instance["name"] == phase["name"]]
        rest = part["as_sums"].get(phase["name"])
        if rest is not None:
            first_ns = min(p.first_start_utc_ns for p in stored.phases if p.name == phase["name"])
            short = phase["unresolved_count"] - sum(map(_is_short, mine))
            yield {
                **_of_phase(stored, phase, first_ns),
                **rest,
                "resolved": short == 0,
                "unresolved_count": short,
                "pending_count": 0,
                **_work({}),
                "work": {},
                "per_unit": {},
                "number": None,
                "step": None,
                "metrics": {},
            }
        for i in mine:
            yield {
                **_of_phase(stored, phase, stored.run.started_utc_ns + round(i["from_s"] * NS_PER_S)),
                **{key: value for key, value in i.items() if key not in ("name", "started_at", "ranks")},
                "count": 1,
                "unresolved_count": int(_is_short(i)),
                "pending_count": int(i["energy_j"] is None),
                **_work(i["work"]),
            }


def _of_phase(stored: StoredRun, phase: PhaseJson, start_utc_ns: int) -> Row:
    return {
        "run_id": stored.run.id,
        "project": stored.run.project,
        "name": stored.run.name,
        "phase": phase["name"],
        "first_started_at": iso(start_utc_ns),
        "first_started_utc_ns": start_utc_ns,
        "from_s": (start_utc_ns - stored.run.started_utc_ns) / NS_PER_S,
        "host_side": phase["host_side"],
    }


def _is_short(instance: InstanceJson) -> bool:
    """Whether the energy of an instance is known, and the instance was too short for the sensors."""
    return instance["energy_j"] is not None and not instance["resolved"]


def run_record(row: RunRow, run: RunJson, energy: EnergySumJson) -> RunRecord:
    """A run and its energy on one line."""
    return {
        "run_id": run["id"],
        "project": run["project"],
        "name": run["name"],
        "group": run["group"],
        "stage": run["stage"],
        "status": run["status"],
        "end_reason": run["end_reason"],
        "started_at": run["started_at"],
        "started_utc_ns": row.started_utc_ns,
        "ended_at": run["ended_at"],
        "ended_utc_ns": row.ended_utc_ns,
        "last_seen_at": run["last_seen_at"],
        "last_seen_utc_ns": row.last_seen_utc_ns,
        "duration_s": run["duration_s"],
        "host": run["host"],
        "command": run["command"],
        "git_commit": run["git_commit"],
        "tags": run["tags"],
        "external": run["external"],
        "energy_j": energy["total_j"],
        "low_j": energy["low_j"],
        "high_j": energy["high_j"],
        "measured_fraction": energy["measured_fraction"],
        "measured_only_j": energy["measured_only_j"],
        "idle_j": energy["idle_j"],
        "above_idle_j": energy["above_idle_j"],
        "lower_bound": energy["lower_bound"],
        "work_partial": work_partial(run),
        "damaged": bool(run["damage"]),
        "origin": run["origin"],
    }


def _work(work: Mapping[str, int]) -> Row:
    """In columns of 64 bits; `work` has larger amounts too."""
    return {unit: amount if (amount := work.get(unit)) is not None and amount < 2**63 else None for unit in PREFERRED}


def _points(store: Store, stored: StoredRun) -> Iterator[Row]:
    segments = {s.id: s for s in stored.segments}
    for device in stored.devices:
        if device.first is None:
            continue
        segment = segments[device.segment_id]
        of_device = {"run_id": stored.run.id, "segment_id": segment.id, "host": segment.host, "device": device.name}
        timeline = Timeline.of_segment(stored.anchors.get(segment.id, ()), segment.start_t_ns, segment.started_utc_ns)
        for p in store.points_after(segment.id, device.name, device.first.t_ns - 1):
            utc_ns = timeline.utc_ns(p.t_ns)
            point = p._asdict()
            del point["t_ns"]
            yield {
                **of_device,
                "included_in_total": device.included_in_total,
                "t_ns": p.t_ns,
                "utc": iso(utc_ns),
                "utc_ns": utc_ns,
                "energy_j": p.energy_j,
                **point,
            }


def _activity(store: Store, stored: StoredRun) -> Iterator[Row]:
    segments = {s.id: s for s in stored.segments}
    for (segment_id, device), points in store.activity(stored.run.id).items():
        if (segment := segments.get(segment_id)) is None:
            continue
        of_device = {"run_id": stored.run.id, "segment_id": segment.id, "host": segment.host, "device": device}
        timeline = Timeline.of_segment(stored.anchors.get(segment.id, ()), segment.start_t_ns, segment.started_utc_ns)
        for before, point in pairwise(points):
            if (found := figures(point.less(before))) is not None:
                utc_ns = timeline.utc_ns(point.t_ns)
                yield {**of_device, "t_ns": point.t_ns, "utc": iso(utc_ns), "utc_ns": utc_ns, **described(found), "cpus": found.cpus}
