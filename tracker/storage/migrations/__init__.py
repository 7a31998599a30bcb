"""The schema's history: one portable SQL file a revision, and an Alembic script that executes it."""
