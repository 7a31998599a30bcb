"""It belongs here if it knows a table, a file or a server: `write/` with the standard library only, `read/` with SQLAlchemy.

Nothing is imported here, so that the training process loads the writer only.
"""
