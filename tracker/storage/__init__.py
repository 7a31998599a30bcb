"""Where runs are kept: written with the standard library's sqlite3, read with SQLAlchemy.

Nothing is imported here, so that the training process pays for the writer only.
"""
