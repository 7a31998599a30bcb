"""What is particular to a PostgreSQL server: how long a command waits for it, and who holds the lock that it waited for.

A server is shared, and anyone may lock a table or stop in the middle of a transaction. So no statement waits without a bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from ..errors import ConfigurationError, StoreBusyError, StoreError
from .place import masked
from .schema import METADATA, RUN

CONNECT_S, CONNECTIONS = 5, 20
"""How long a connection may take, and how many there are at most, of which one is kept. The pages of `serve` use several."""
LOCK_S = 5
"""How long a statement waits for a lock, as long as one waits for a locked SQLite file."""
STATEMENT_S = 60
"""How long a statement may take. The longest question, the curves of a run of a week, takes about a second."""
UPGRADE_S = 120
"""How long an upgrade of the schema waits for another one: on large tables it takes a while."""
_SCHEMA_LOCK = 0x7761_7474  # any number that no other program uses for PostgreSQL's advisory locks: "watt"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_NO_LOCK, _TOO_LONG = "55P03", "57014"
_BUSY = (_NO_LOCK, _TOO_LONG, "40P01", "40001")
"""Lock not available, statement cancelled, deadlock, serialization failure: the same call may succeed later."""
TABLES = """
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'pg_catalog' AND pg_catalog.pg_table_is_visible(c.oid)
"""
"""The tables that a statement finds without the name of a schema."""
_HOLDER = """
SELECT c.relname, l.mode, l.pid, a.usename, a.application_name
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND c.relname = ANY(:tables) AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND l.pid <> pg_backend_pid()
ORDER BY l.mode = 'AccessExclusiveLock' DESC, l.mode = 'ExclusiveLock' DESC, l.mode = 'RowExclusiveLock', l.pid
LIMIT 1
"""
"""The transaction with the strongest lock on a table of ours. Readers, whose locks stop nobody but a change of the schema, are left out."""


def make(place: str, *, keeps: bool = False) -> Engine:
    """An engine for the URL `place`. It connects later. One that `keeps` has a connection until it is disposed of: a new one takes as long
    as several questions. Raises ConfigurationError for a malformed URL or a missing driver."""
    try:
        url = make_url(place)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        # A kept connection is asked first whether it still lives: the server may have been restarted, or this process is a fork.
        kept: dict[str, Any] = {"pool_size": 1, "max_overflow": CONNECTIONS, "pool_pre_ping": True} if keeps else {"poolclass": NullPool}
        engine = create_engine(url, connect_args={"connect_timeout": CONNECT_S}, **kept)
    except (ArgumentError, ValueError) as error:  # ValueError: the port is not a number
        raise ConfigurationError(f"{masked(place)} is not a database URL. Give postgresql://USER@HOST/DATABASE.") from error
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{masked(place)} needs the package {error.name}: `pip install 'psycopg[binary]'`.") from error
    event.listen(engine, "begin", _bound)
    return engine


def lock_schema(connection: Connection) -> None:
    """Keep other processes from changing the schema until the transaction ends. This transaction may take as long as it needs."""
    _wait_at_most(connection, UPGRADE_S, 0)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
    _wait_at_most(connection, LOCK_S, 0)


def lock_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """Wait until no other transaction changes these runs, and keep others from it until this one ends. All lock them in the same order."""
    connection.execute(select(RUN.c.id).where(RUN.c.id.in_(run_ids)).order_by(RUN.c.id).with_for_update())


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], tail: str) -> None:
    """Insert rows in one statement, with an array for each column: ten times as quick as a statement for each row."""
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(connection.dialect)}[])" for name in columns)
    statement = text(f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {tail}")
    connection.execute(statement.execution_options(trainwatt_stored=True), {name: [row[name] for row in rows] for name in columns})


def store_error(error: DBAPIError, place: str) -> StoreError:
    """The error to raise for `error`, which the server at `place` raised."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    reason = str(error.orig).strip()
    if sqlstate == _NO_LOCK:
        return StoreBusyError(
            f"{masked(place)} is locked: {_holder(place) or reason}. trainwatt waited {LOCK_S} s. Try again, or end that transaction."
        )
    if sqlstate == _TOO_LONG:
        return StoreBusyError(
            f"{masked(place)} gave no answer within {STATEMENT_S} s ({reason}). Try again when the server has less to do, or ask for less"
            " with --limit or --project."
        )
    kind = StoreBusyError if sqlstate in _BUSY else StoreError
    return kind(f"{masked(place)} cannot be used: {reason}. Check that the server runs and accepts your login.")


def _bound(connection: Connection) -> None:
    _wait_at_most(connection, LOCK_S, STATEMENT_S)


def _wait_at_most(connection: Connection, lock_s: int, statement_s: int) -> None:
    """Bound the waiting of the current transaction only: a connection may go back to a pool of the server's. 0 is without a bound."""
    connection.exec_driver_sql(
        f"SELECT set_config('lock_timeout', '{lock_s}s', true), set_config('statement_timeout', '{statement_s}s', true)"
    )


def _holder(place: str) -> str | None:
    """Who holds the lock, in words; None if it cannot be found out."""
    try:
        with make(place).connect() as connection:
            found: Any = connection.execute(text(_HOLDER), {"tables": [*METADATA.tables, "alembic_version"]}).first()
    except DBAPIError:
        return None
    if found is None:
        return None
    program = f" ({found.application_name})" if found.application_name else ""
    return f"process {found.pid} of user {found.usename}{program} holds {found.mode} on the table {found.relname}"
