"""All differences between SQLite and PostgreSQL that the reading side has to know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from ..errors import ConfigurationError, StoreBusyError, StoreError
from .faults import is_unwritable, store_error
from .place import is_server, masked
from .revision import State, state_of

_TIMEOUT_S = 5.0
_SCHEMA_LOCK = 0x7761_7474  # any number that no other program uses for PostgreSQL's advisory locks: "watt"


def make_engine(place: str, *, create: bool = False) -> Engine:
    """An engine for a file or a PostgreSQL URL. It connects later. With `create`, SQLite makes a missing file.

    Raises ConfigurationError for a malformed URL or a missing driver.
    """
    if is_server(place):
        return _postgresql(place)
    # No pool: a pooled connection would not survive a fork, and a new one costs less than a millisecond.
    engine = create_engine("sqlite://", creator=lambda: _connect(Path(place), create), poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees the same state of the database from its beginning to its end."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that takes SQLite's write lock at once. A transaction that takes it later may fail at once instead of waiting."""
    with engine.connect().execution_options(trainwatt_writes=True) as connection, connection.begin():
        yield connection


def lock_schema(connection: Connection) -> None:
    """Keep other processes from changing the schema until the transaction ends. In SQLite the lock of `writing` does this already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})


def state(connection: Connection, place: str) -> State:
    """Whether the database is empty, older than this schema or current. Raises NotADatabaseError and NewerSchemaError."""
    tables = set(inspect(connection).get_table_names())
    if connection.dialect.name == "postgresql" and not tables & {"run", "segment", "alembic_version"}:
        return State.EMPTY  # on a server, other programs often have tables in the same database
    version = None
    if "alembic_version" in tables:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return state_of(masked(place), tables, version)


@contextmanager
def faults_of(place: str) -> Iterator[None]:
    """Raise every error of the database at `place` as StoreError or as a subclass of it."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise store_error(error.orig, place) from error
        sqlstate = getattr(error.orig, "sqlstate", None)
        # 55P03 lock not available, 40P01 deadlock, 40001 serialization failure: the same call may succeed later.
        kind = StoreBusyError if sqlstate in ("55P03", "40P01", "40001") else StoreError
        reason = str(error.orig).strip()
        raise kind(f"{masked(place)} cannot be used: {reason}. Check that the server runs and accepts your login.") from error


def _postgresql(place: str) -> Engine:
    try:
        url = make_url(place)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": int(_TIMEOUT_S)})
    except (ArgumentError, ValueError) as error:  # ValueError: the port is not a number
        raise ConfigurationError(f"{masked(place)} is not a database URL. Give postgresql://USER@HOST/DATABASE.") from error
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{masked(place)} needs the package {error.name}: `pip install 'psycopg[binary]'`.") from error


def _connect(path: Path, create: bool) -> sqlite3.Connection:
    try:
        return _opened(path, "rwc" if create else "rw")
    except sqlite3.OperationalError as error:
        if create or not is_unwritable(error):
            raise
        # A WAL database in a folder where no journal can be made. Nobody writes to it now: a writer would have made the journal.
        return _opened(path, "ro&immutable=1")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # SQLite opens the file only now
    except BaseException:  # raised again; the connection does not stay open
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    # The connection is in autocommit mode, because the driver's own implicit BEGIN is not immediate, and reads do not get one.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("trainwatt_writes") else "BEGIN")
