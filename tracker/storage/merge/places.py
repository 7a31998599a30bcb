"""The databases of a merge: those that are read, which never change, and the one that is written."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import make_url

from ...errors import StoreError
from ..engine import make_engine, raising_faults, read, state
from ..migrate import migrate
from ..place import is_server, masked
from ..read.older import upgraded_copy
from ..revision import State
from ..side_files import exists
from ..write.writer import Writer
from .merging import Place


def source(place: str) -> Place:
    """A database to read. An older file is read in a private copy.

    Raises StoreError if there is none, NotADatabaseError and NewerSchemaError.
    """
    if not is_server(place) and not exists(place):
        raise StoreError(f"there is no file {place}. Name a trainwatt database, a folder of them, or a server.")
    engine = make_engine(place)
    found = read(engine, place, lambda connection: state(connection, place))
    if found is State.EMPTY:
        raise StoreError(f"{masked(place)} is no trainwatt database: it has no tables.")
    if found is State.OLDER and is_server(place):
        raise StoreError(f"{masked(place)} has an older schema, and a merge changes no source. `trainwatt list --db URL` upgrades it.")
    engine = upgraded_copy(engine, place) if found is State.OLDER else engine
    raising_faults(engine, place)
    return Place(engine, place)


def target(place: str) -> Place:
    """The database to write, which is made or upgraded where needed. Raises StoreError, NotADatabaseError and NewerSchemaError."""
    if not is_server(place):
        Writer.open(Path(place)).close()
        return Place(make_engine(place, writes=True), place)
    engine = make_engine(place, writes=True)
    if read(engine, place, lambda connection: state(connection, place)) is not State.CURRENT:
        migrate(place)
    return Place(engine, place)


def is_same(place: str, other: str) -> bool:
    """Whether two places are one database."""
    if is_server(place) and is_server(other):
        return _server(place) == _server(other)
    if is_server(place) or is_server(other):
        return False
    try:
        return os.path.samefile(place, other)
    except OSError:
        return os.path.realpath(place) == os.path.realpath(other)


def _server(place: str) -> tuple[object, ...]:
    url = make_url(place)
    return url.host or url.query.get("host", "localhost"), url.port or url.query.get("port", 5432), url.database or url.username
