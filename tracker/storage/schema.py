"""The tables in SQLAlchemy's terms, for the reading side. `migrations/*.sql` is their source, and says what the columns mean.

They are plain tables: declaring mapped classes would take longer than printing a list of runs.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, func, text

from ..core.activity import SUMS_AND_PEAKS
from ..core.metric import EXTREMES, Metric
from ..core.point import Point
from ..core.run import STORED_AS, Status
from ..energy.intervals import JOULES
from ..energy.shares.policy import Use

METADATA = MetaData()

_STATUS = f"status IN ({', '.join(repr(status.value) for status in Status if status not in STORED_AS)})"


def _of_run(*, primary_key: bool = False) -> Column[str]:
    return Column("run_id", Text, ForeignKey("run.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False)


def _of_segment() -> Column[str]:
    return Column("segment_id", Text, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)


def _joules(*names: str) -> list[Column[float]]:
    later = {"scatter_j2": text("0")}  # was added to tables that had rows
    return [Column(name, Double, server_default=later.get(name), nullable=False) for name in names]


RUN = Table(
    "run",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text),
    Column("group_name", Text),
    Column("stage", Text),
    Column("status", Text, nullable=False),
    Column("end_reason", Text),
    Column("started_utc_ns", BigInteger, nullable=False),
    Column("ended_utc_ns", BigInteger),
    Column("last_seen_utc_ns", BigInteger, nullable=False),
    Column("duration_s", Double),
    Column("host", Text, nullable=False),
    Column("command", Text),
    Column("git_commit", Text),
    Column("tags", Text, server_default=text("'{}'"), nullable=False),
    Column("external", Text, server_default=text("'{}'"), nullable=False),
    Column("zone", Text),
    Column("settings", Text, server_default=text("'{}'"), nullable=False),
    Column("version", Text, nullable=False),
    Column("outcome", Text),
    CheckConstraint(_STATUS),
    Index("run_by_start", "started_utc_ns"),
    Index("run_by_project", "project", "started_utc_ns"),
)
"""A run, as the user sees it."""

RUN_STATUS = func.coalesce(RUN.c.outcome, RUN.c.status)
"""The status of a run. Both databases are asked for it instead of the column `status`."""

SEGMENT = Table(
    "segment",
    METADATA,
    Column("id", Text, primary_key=True),
    _of_run(),
    Column("role", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid_namespace", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("start_ticks", BigInteger, nullable=False),
    Column("rank", Integer),
    Column("restart", Integer, server_default=text("0"), nullable=False),
    Column("started_utc_ns", BigInteger, nullable=False),
    Column("ended_utc_ns", BigInteger),
    Column("last_seen_utc_ns", BigInteger, nullable=False),
    Column("start_t_ns", BigInteger, nullable=False),
    Column("end_t_ns", BigInteger),
    Column("status", Text, nullable=False),
    Column("end_reason", Text),
    Column("period_s", Double, nullable=False),
    Column("samples", BigInteger, server_default=text("0"), nullable=False),
    Column("missed", BigInteger, server_default=text("0"), nullable=False),
    Column("cpu_s", Double, server_default=text("0"), nullable=False),
    Column("startup_cpu_s", Double, server_default=text("0"), nullable=False),
    CheckConstraint(_STATUS),
    CheckConstraint("role IN ('owner', 'joined')"),
    Index("segment_by_run", "run_id"),
    Index("segment_running", "run_id"),  # where status is 'running'; see phase_pending
)
"""One process of a run."""

DEVICE = Table(
    "device",
    METADATA,
    _of_segment(),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("model", Text),
    Column("uuid", Text),
    Column("included_in_total", Integer, nullable=False),
    Column("max_power_w", Double, nullable=False),
    Column("gain", Double, nullable=False),
    Column("gain_class", Text, nullable=False),
    Column("note", Text),
    Column("covered_ns", BigInteger, server_default=text("0"), nullable=False),
    Column("idle_w", Double),
    Column("residual", Double),
    Column("update_period_ns", BigInteger),
    Column("offset_w", Double),
)
"""A device that draws power in a segment."""

SENSOR_STATE = Table(
    "sensor_state",
    METADATA,
    _of_segment(),
    *(Column(name, Text, primary_key=True) for name in ("device", "sensor")),
    *(Column("raw", Text, nullable=False), Column("t_ns", BigInteger, nullable=False), Column("boot_id", Text, nullable=False)),
)
"""The last raw value of a sensor."""

CURVE_POINT = Table(
    "curve_point",
    METADATA,
    _of_segment(),
    Column("device", Text, primary_key=True),
    Column("t_ns", BigInteger, primary_key=True, autoincrement=False),
    *_joules(*(name for name in Point._fields if name != "t_ns")),
)
"""A point of a device's energy curve."""

PHASE = Table(
    "phase",
    METADATA,
    _of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _of_run(),
    Column("parent_seq", Integer),
    Column("name", Text, nullable=False),
    Column("step", BigInteger),
    Column("start_t_ns", BigInteger, nullable=False),
    Column("end_t_ns", BigInteger),
    Column("start_utc_ns", BigInteger, nullable=False),
    Column("synchronized", Integer, server_default=text("0"), nullable=False),
    Column("exact", Integer, server_default=text("0"), nullable=False),
    Column("resolved", Integer),
    Index("phase_by_run", "run_id"),
    Index("phase_pending", "run_id"),  # where resolved is null; declaring that here would import the dialects of all servers
)
"""One instance of a phase."""

PHASE_ENERGY = Table(
    "phase_energy",
    METADATA,
    _of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("owner_segment_id", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    *_joules(*JOULES),
)
"""The energy of one device in one instance of a phase."""

PHASE_FOLD = Table(
    "phase_fold",
    METADATA,
    _of_segment(),
    Column("name", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in ("count", "duration_ns", "first_start_utc_ns")),
    *(Column(name, BigInteger, nullable=False) for name in ("unresolved", "synchronized", "exact")),
)
"""Instances of a phase that were added up, and are no longer kept one by one."""

PHASE_FOLD_ENERGY = Table(
    "phase_fold_energy",
    METADATA,
    _of_segment(),
    Column("name", Text, primary_key=True),
    Column("owner_segment_id", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    *_joules(*JOULES),
)
"""The energy of one device in the instances of a fold."""

WORK = Table(
    "work",
    METADATA,
    _of_segment(),
    Column("unit", Text, primary_key=True),
    Column("phase", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
"""Samples or tokens processed."""

METRIC = Table(
    "metric",
    METADATA,
    *(_of_segment(), Column("name", Text, primary_key=True)),
    *(Column(n, Double if n in EXTREMES else BigInteger, nullable=n.endswith("_next_t_ns")) for n in Metric._fields),
)
"""A metric of the training."""

DEVICE_USE = Table(
    "device_use",
    METADATA,
    _of_segment(),
    Column("device", Text, primary_key=True),
    Column("user_segment_id", Text, primary_key=True),
    *(Column(name, Double, nullable=False) for name in Use._fields),
)
"""What a rank has used of a device."""

ACTIVITY_POINT = Table(
    "activity_point",
    METADATA,
    _of_segment(),
    *(Column("device", Text, primary_key=True), Column("t_ns", BigInteger, primary_key=True, autoincrement=False)),
    Column("seen_ms", BigInteger, nullable=False),
    *(Column(name, BigInteger) for name in SUMS_AND_PEAKS),
    *(Column("throttled", Text), Column("cpus", Double)),
)
"""What a device did until an instant, in sums."""

INVENTORY = Table(
    "inventory",
    METADATA,
    _of_run(primary_key=True),
    Column("host", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("detail", Text, server_default=text("'{}'"), nullable=False),
)
"""A piece of the machine's hardware."""

EVENT = Table(
    "event",
    METADATA,
    _of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("device", Text),
    Column("kind", Text, nullable=False),
    Column("t_ns", BigInteger, nullable=False),
    Column("utc_ns", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)
"""Something that happened to a sensor or to the run."""

CLOCK_ANCHOR = Table(
    "clock_anchor",
    METADATA,
    _of_segment(),
    Column("monotonic_ns", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in ("utc_ns", "boottime_ns")),
)
"""The same instant on three clocks."""

FINDING = Table(
    "finding",
    METADATA,
    _of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    *(Column(name, Text, nullable=False) for name in ("source", "availability", "what", "detail")),
    Column("remedy", Text, server_default=text("''"), nullable=False),
    Column("worth", Text, server_default=text("''"), nullable=False),
)
"""The result of discovery for one source of readings."""

GRID_INTENSITY = Table(
    "grid_intensity",
    METADATA,
    Column("provider", Text, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("basis", Text, primary_key=True),
    Column("start_utc_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("end_utc_ns", BigInteger, nullable=False),
    Column("g_per_kwh", Double, nullable=False),
    Column("estimated", Integer, server_default=text("0"), nullable=False),
    Column("fetched_utc_ns", BigInteger, nullable=False),
)
"""A grid's carbon intensity over an interval, cached."""

FOOTPRINT = Table(
    "footprint",
    METADATA,
    Column("id", Text, primary_key=True),
    _of_run(),
    Column("created_utc_ns", BigInteger, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("result", Text, nullable=False),
    Index("footprint_by_run", "run_id"),
)
"""A footprint that was computed once, and is kept as it was."""
