"""The tables of runs, their processes, and what is known of their machines."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, Index, Integer, Table, Text, func, text

from ...core.run import STORED_AS, Status
from .parts import METADATA, of_run, of_segment

STATUS_CHECK = f"status IN ({', '.join(repr(status.value) for status in Status if status not in STORED_AS)})"

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
    CheckConstraint(STATUS_CHECK),
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
    of_run(),
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
    CheckConstraint(STATUS_CHECK),
    CheckConstraint("role IN ('owner', 'joined')"),
    Index("segment_by_run", "run_id"),
    Index("segment_running", "run_id"),  # where status is 'running'; see phase_pending
)
"""One process of a run."""

INVENTORY = Table(
    "inventory",
    METADATA,
    of_run(primary_key=True),
    Column("host", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("detail", Text, server_default=text("'{}'"), nullable=False),
)
"""A piece of the machine's hardware."""

EVENT = Table(
    "event",
    METADATA,
    of_segment(),
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
    of_segment(),
    Column("monotonic_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("utc_ns", BigInteger, nullable=False),
    Column("boottime_ns", BigInteger, nullable=False),
)
"""The same instant on three clocks."""

FINDING = Table(
    "finding",
    METADATA,
    of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("availability", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("remedy", Text, server_default=text("''"), nullable=False),
    Column("worth", Text, server_default=text("''"), nullable=False),
)
"""The result of discovery for one source of readings."""
