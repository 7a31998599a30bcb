"""What the tables have in common: their collection, and columns that many of them have."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, MetaData, Text, text

METADATA = MetaData()


def of_run(*, primary_key: bool = False) -> Column[str]:
    """The run that a row is of."""
    return Column("run_id", Text, ForeignKey("run.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False)


def of_segment() -> Column[str]:
    """The segment that a row is of, as a part of its key."""
    return Column("segment_id", Text, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)


def joules(*names: str) -> list[Column[float]]:
    """Columns of joules, or of their squares."""
    later = {"scatter_j2": text("0")}  # was added to tables that had rows
    return [Column(name, Double, server_default=later.get(name), nullable=False) for name in names]
