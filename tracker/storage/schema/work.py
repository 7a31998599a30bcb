"""The tables of phases, of the work that was done, and of metrics."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text, text

from ...core.metric import EXTREMES, Metric
from ...energy.intervals import JOULES
from .parts import METADATA, joules, of_run, of_segment

PHASE = Table(
    "phase",
    METADATA,
    of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    of_run(),
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
    of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("owner_segment_id", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    *joules(*JOULES),
)
"""The energy of one device in one instance of a phase."""

PHASE_WORK = Table(
    "phase_work",
    METADATA,
    of_segment(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("unit", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
"""The units of work that were counted in one instance of a phase."""

PHASE_FOLD = Table(
    "phase_fold",
    METADATA,
    of_segment(),
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("duration_ns", BigInteger, nullable=False),
    Column("first_start_utc_ns", BigInteger, nullable=False),
    Column("unresolved", BigInteger, nullable=False),
    Column("synchronized", BigInteger, nullable=False),
    Column("exact", BigInteger, nullable=False),
)
"""Instances of a phase that were added up, and are no longer kept one by one."""

PHASE_FOLD_ENERGY = Table(
    "phase_fold_energy",
    METADATA,
    of_segment(),
    Column("name", Text, primary_key=True),
    Column("owner_segment_id", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    *joules(*JOULES),
)
"""The energy of one device in the instances of a fold."""

WORK = Table(
    "work",
    METADATA,
    of_segment(),
    Column("unit", Text, primary_key=True),
    Column("phase", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
"""Samples or tokens processed."""

METRIC = Table(
    "metric",
    METADATA,
    of_segment(),
    Column("name", Text, primary_key=True),
    *(Column(n, Double if n in EXTREMES else BigInteger, nullable=n.endswith("_next_t_ns")) for n in Metric._fields),
)
"""A metric of the training: its lowest, highest and last value."""

METRIC_POINT = Table(
    "metric_point",
    METADATA,
    of_segment(),
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("t_ns", BigInteger, nullable=False),
    Column("step", BigInteger),
    Column("value", Double, nullable=False),
)
"""A value of a metric at an instant."""
