"""Reading stored runs, with SQLAlchemy."""
