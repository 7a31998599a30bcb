"""Older databases that this user may only read: they are upgraded in a private copy, and the original stays as it is."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import weakref
from pathlib import Path

from sqlalchemy import Connection, Engine

from ..engine import make_engine, read
from ..migrate import migrate
from ..place import is_server
from ..side_files import may_write


def upgraded(engine: Engine, place: str) -> Engine:
    """The engine that reads the older database at `place` in the newest schema. Raises StoreError and NewerSchemaError."""
    if is_server(place) or may_write(Path(place)):
        migrate(place)
        return engine
    return upgraded_copy(engine, place)


def upgraded_copy(engine: Engine, place: str) -> Engine:
    """The engine of a private copy of the older file at `place`, in the newest schema. Raises StoreError and NewerSchemaError.

    A copy has the runs as they are now: what a process of the older version still writes is not seen in it. It is deleted with its engine.
    """
    folder = tempfile.mkdtemp(prefix="trainwatt-")
    copy = str(Path(folder) / "runs.db")
    try:
        read(engine, place, lambda connection: _copy(connection, copy))
        migrate(copy)
        reader = make_engine(copy)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(reader, shutil.rmtree, folder, ignore_errors=True)
    return reader


def _copy(connection: Connection, path: str) -> None:
    own = connection.connection.dbapi_connection
    assert isinstance(own, sqlite3.Connection)
    target = sqlite3.connect(path)
    try:
        own.backup(target)
    finally:
        target.close()
