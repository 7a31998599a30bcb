"""Energies of a phase by owner."""

from __future__ import annotations

from alembic import context, op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Execute the revision's SQL file."""
    for statement in context.config.attributes["statements_of"](revision):
        op.get_bind().exec_driver_sql(statement)
