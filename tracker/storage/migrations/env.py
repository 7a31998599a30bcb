"""Alembic's entry. Alembic loads it by path, outside the package, so `migrate` passes everything that it needs."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], target_metadata=attributes["metadata"])
with context.begin_transaction():
    context.run_migrations()
