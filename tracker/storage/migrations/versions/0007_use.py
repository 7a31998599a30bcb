"""The use of devices by rank."""

from __future__ import annotations

from alembic import context, op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Execute the revision's SQL file."""
    for statement in context.config.attributes["statements_of"](revision):
        op.get_bind().exec_driver_sql(statement)
