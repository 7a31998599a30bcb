"""One Alembic script a revision; their ids are four ascending digits, so that the larger one is the newer."""
