"""Metrics of a training."""

from __future__ import annotations

from alembic import context, op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Execute the revision's SQL file."""
    for statement in context.config.attributes["statements_of"](revision):
        op.get_bind().exec_driver_sql(statement)
