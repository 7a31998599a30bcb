"""The tables of the grid, and of footprints that were kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text, text

from .parts import METADATA, of_run

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
    of_run(),
    Column("created_utc_ns", BigInteger, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("result", Text, nullable=False),
    Index("footprint_by_run", "run_id"),
)
"""A footprint that was computed once, and is kept as it was."""
