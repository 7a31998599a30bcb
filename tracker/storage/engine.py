"""All differences between SQLite and PostgreSQL that the reading side has to know. postgresql.py has what concerns servers only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, ExceptionContext, Table, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ..errors import StoreBusyError, StoreError
from ..machine.filesystem import on_network
from . import postgresql, side_files
from .faults import store_error
from .place import is_server, masked
from .read_only import ReadConnection, connect_to_read, opened
from .revision import State, state_of
from .write.encoding import as_utf8

T = TypeVar("T")
_TIMEOUT_S = 5.0
_READS = 20
"""How often a reading starts again if a run begins and ends while the file is read."""


class _ChangedError(StoreBusyError):
    """A file that was read without locks has changed: what was read may be of two states."""


def make_engine(place: str, *, writes: bool = False, create: bool = False, keeps: bool = False) -> Engine:
    """An engine for a file or a PostgreSQL URL. It connects later, and only reads unless `writes`. With `create` too, SQLite makes a
    missing file. One that `keeps` has a connection to a server until it is disposed of.

    Raises ConfigurationError for a malformed URL or a missing driver.
    """
    engine = postgresql.make(place, keeps=keeps) if is_server(place) else _sqlite(place, writes, create)
    event.listen(engine, "before_cursor_execute", _with_storable_texts, retval=True)
    return engine


def _sqlite(place: str, writes: bool, create: bool) -> Engine:
    # No pool: a pooled connection would not survive a fork, and a new one costs less than a millisecond.
    path = Path(place)
    network = on_network(path.parent)

    def connect() -> ReadConnection:
        return _connect_to_write(path, create) if writes else connect_to_read(path, _TIMEOUT_S, network=network)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


def engine_of(image: sqlite3.Connection) -> Engine:
    """An engine for a database in memory. It reads copies, because each of its connections is closed after use."""

    def connect() -> ReadConnection:
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=ReadConnection)
        image.backup(copy)
        return copy

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees the same state of the database from its beginning to its end. Raises StoreBusyError if that was not so."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            try:
                yield connection
            except Exception as error:  # raised again, unless what was read is of two states: that may look like a damaged file
                _require_unchanged(connection, error)
                raise
            _require_unchanged(connection, None)


def read(engine: Engine, place: str, question: Callable[[Connection], T]) -> T:
    """The answer of `question`, from one state of the database at `place`. Raises StoreError."""

    def attempt() -> T:
        with faults_of(place), reading(engine) as connection:
            return question(connection)

    return rereading(attempt)


def rereading(attempt: Callable[[], T]) -> T:
    """What `attempt` returns, which is made again if the file that it reads was written to meanwhile."""
    for _ in range(_READS):
        try:
            return attempt()
        except _ChangedError as error:
            changed = error
    raise changed


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that takes SQLite's write lock at once. A transaction that takes it later may fail at once instead of waiting."""
    with engine.connect().execution_options(trainwatt_writes=True) as connection, connection.begin():
        yield connection


def lock_schema(connection: Connection) -> None:
    """Keep other processes from changing the schema until the transaction ends. In SQLite the lock of `writing` does this already."""
    if connection.dialect.name == "postgresql":
        postgresql.lock_schema(connection)


def lock_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """Keep other processes from changing runs until the transaction ends. In SQLite the lock of `writing` does this already."""
    if connection.dialect.name == "postgresql":
        postgresql.lock_runs(connection, run_ids)


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], tail: str) -> None:
    """Insert rows that come from a database. `tail`: what happens to one that is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(connection, table, columns, rows, tail)
    statement = text(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(f':{c}' for c in columns)}) {tail}")
    connection.execute(statement.execution_options(trainwatt_stored=True), [dict(row) for row in rows])
    return None


def without_null(row: dict[str, Any]) -> dict[str, Any]:
    """A row as both databases can store it: PostgreSQL has no null character in a text."""
    return {name: value.replace("\0", "\ufffd") if isinstance(value, str) else value for name, value in row.items()}


def state(connection: Connection, place: str) -> State:
    """Whether the database is empty, older than this schema or current. Raises NotADatabaseError and NewerSchemaError."""
    # Not SQLAlchemy's inspection, which takes several milliseconds of each command.
    names = postgresql.TABLES if connection.dialect.name == "postgresql" else "SELECT name FROM sqlite_master WHERE type = 'table'"
    tables = set(connection.scalars(text(names)))
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
        raise _fault(error, place) from error


def raising_faults(engine: Engine, place: str) -> None:
    """Let an engine itself raise every error as `faults_of` does: where two databases are used at once, it tells whose error it is."""

    def handle(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DBAPIError):
            raise _fault(context.sqlalchemy_exception, place) from context.sqlalchemy_exception

    event.listen(engine, "handle_error", handle)


def _fault(error: DBAPIError, place: str) -> StoreError:
    return store_error(error.orig, place) if isinstance(error.orig, sqlite3.Error) else postgresql.store_error(error, place)


def _connect_to_write(path: Path, create: bool) -> ReadConnection:
    side_files.require_writable(path)
    if create:
        side_files.create(path)
    return opened(path, "rwc" if create else "rw", _TIMEOUT_S)


def _require_unchanged(connection: Connection, cause: Exception | None) -> None:
    own = connection.connection.dbapi_connection
    if isinstance(own, ReadConnection) and not own.unchanged:
        raise _ChangedError("the database was written to while it was read; read it again.") from cause


def _with_storable_texts(_: object, __: object, statement: str, parameters: Any, context: Any, ___: object) -> tuple[str, Any]:
    """A name that is looked for, as it was stored. Rows that come from a database are stored so already."""
    stored = context is not None and context.execution_options.get("trainwatt_stored", False)
    return statement, parameters if stored else as_utf8(parameters)


def _begin(connection: Connection) -> None:
    # The connection is in autocommit mode, because the driver's own implicit BEGIN is not immediate, and reads do not get one.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("trainwatt_writes") else "BEGIN")
