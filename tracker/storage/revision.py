"""Which revision of the schema a database has, and the SQL that makes it. Standard library only.

Each revision is one file of portable SQL, `migrations/NNNN_what.sql`. A new database is made by all of them in order. An older one gets
the missing ones, through Alembic.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection
from enum import Enum, auto
from importlib.resources.abc import Traversable

from ..errors import NewerSchemaError, NotADatabaseError
from ..machine.resources import folder_of, missing, text_of

MIGRATIONS = folder_of(__package__, "migrations")
VERSION_TABLE = """CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""


class State(Enum):
    """What a database is to this version's schema: without tables, older, or the same."""

    EMPTY = auto()
    OLDER = auto()
    CURRENT = auto()


def head() -> str:
    """The newest revision: four digits. Raises ConfigurationError if this program does not contain the SQL files."""
    return _files()[-1].name[:4]


def statements_of(revision: str) -> list[str]:
    """The SQL statements of one revision, without comments."""
    (file,) = (file for file in _files() if file.name.startswith(revision))
    lines = text_of(file).splitlines()
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return [statement.strip() for statement in sql.split(";") if statement.strip()]


def creation() -> list[str]:
    """The statements that turn an empty database into a current one, its revision included."""
    schema = [statement for file in _files() for statement in statements_of(file.name[:4])]
    return [*schema, VERSION_TABLE, f"INSERT INTO alembic_version (version_num) VALUES ('{head()}')"]


def state_of(place: str, tables: Collection[str], version: str | None) -> State:
    """The state of the database at `place`, which has these `tables` and this `version` in the table alembic_version.

    Raises NotADatabaseError for another program's database, NewerSchemaError for one that a newer trainwatt wrote.
    """
    if not tables:
        return State.EMPTY
    if "run" not in tables or "segment" not in tables or version is None or not (len(version) == 4 and version.isdecimal()):
        shown = ", ".join(sorted(tables)[:5])
        raise NotADatabaseError(
            f"{place} is a database of another program (it has the tables {shown}); nothing was changed. "
            "Name another place with --db, db= or TRAINWATT_DB."
        )
    if version > head():
        raise NewerSchemaError(
            f"{place} was written by a newer trainwatt (schema {version}; this one knows {head()}). "
            "Upgrade with `pip install --upgrade trainwatt`, or name another place with --db, db= or TRAINWATT_DB."
        )
    return State.CURRENT if version == head() else State.OLDER


def _files() -> list[Traversable]:
    try:
        found = [file for file in MIGRATIONS.iterdir() if re.fullmatch(r"[0-9]{4}_.*\.sql", file.name)]
    except OSError as error:
        raise missing(MIGRATIONS.name, error) from error
    if not found:
        raise missing("0001_initial.sql", FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    return sorted(found, key=lambda file: file.name)
