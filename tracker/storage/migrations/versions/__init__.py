"""One Alembic script per revision. Their ids are four ascending digits, so the larger one is newer."""
