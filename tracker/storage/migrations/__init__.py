"""The schema's history: one portable SQL file per revision, and an Alembic script that executes it."""
