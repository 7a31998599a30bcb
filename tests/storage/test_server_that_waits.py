"""A PostgreSQL server on which somebody holds a lock, or that is too slow: a command waits for some seconds, and then says for whom."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tests.fakes.stored_rows import device, run, segment
from trainwatt.errors import StoreBusyError, StoreError
from trainwatt.storage import postgresql
from trainwatt.storage.engine import faults_of, make_engine, reading, writing
from trainwatt.storage.migrate import migrate
from trainwatt.storage.read.store import Store

ROWS = {"run": [run("a", status="completed")], "segment": [segment("s", "a")], "device": [device("gpu0", "s")]}


@pytest.fixture
def place(empty_server: str) -> str:
    """A server's database with the current schema and no rows."""
    migrate(empty_server)
    return empty_server


@pytest.fixture
def other(place: str) -> Iterator[Any]:
    """Another program's connection."""
    with psycopg.connect(place, application_name="psql of anna") as connection:
        yield connection


class Nobody:
    """A machine without processes."""

    host = boot_id = pid_namespace = "nowhere"

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        return False


def said(question: Callable[[], object]) -> str:
    with pytest.raises(StoreBusyError) as caught:
        question()
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["run", "alembic_version"])
def test_a_locked_table_is_named_with_who_holds_it(place: str, load: Any, other: Any, table: str) -> None:
    load(ROWS)
    store = Store.open(place)
    other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    questions: list[Callable[[], object]] = [lambda: Store.open(place), lambda: migrate(place)]
    if table == "run":
        questions = [lambda: store.mark_vanished(Nobody()), lambda: store.load("a"), lambda: store.delete(["a"]), store.list_runs]
    found: list[str] = []
    threads = [threading.Thread(target=lambda q=q: found.append(said(q))) for q in questions]  # they wait at the same time
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holder = rf"process {other.info.backend_pid} of user \S+ \(psql of anna\) holds AccessExclusiveLock on the table {table}\."
    assert len(found) == len(questions)
    for message in found:
        assert re.search(rf"is locked: {holder} trainwatt waited 5 s\. Try again, or end that transaction\.", message), message
    other.rollback()
    assert [found.id for found in store.list_runs()] == ["a"]


@pytest.mark.slow
def test_a_row_that_another_transaction_changes_is_not_waited_for_without_end(place: str, load: Any, other: Any) -> None:
    load(ROWS)
    other.execute("UPDATE run SET name = 'mine'")
    assert "holds RowExclusiveLock on the table run" in said(lambda: Store.open(place).delete(["a"]))
    other.rollback()
    assert Store.open(place).delete(["a"]) == 1


def fails(place: str, statement: str) -> StoreError:
    """The error that a statement raises."""

    def ask() -> None:
        with faults_of(place), reading(make_engine(place)) as connection:
            for part in statement.split("; "):
                connection.execute(text(part))

    with pytest.raises(StoreError) as caught:
        ask()
    return caught.value


def test_a_statement_that_takes_too_long_is_cancelled(place: str) -> None:
    with reading(make_engine(place)) as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "1min"
    error = fails(place, "SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(30)")
    assert isinstance(error, StoreBusyError)
    assert "gave no answer within 60 s" in str(error)
    assert "--limit or --project" in str(error)


def test_the_bounds_are_of_a_transaction_and_an_upgrade_may_take_longer(place: str) -> None:
    """A pool between the server and this process may hand the connection to another program afterwards."""
    engine = make_engine(place, writes=True)
    with writing(engine) as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "5s"
        postgresql.lock_schema(connection)
        shown = [connection.execute(text(f"SHOW {name}")).scalar() for name in ("lock_timeout", "statement_timeout")]
        assert shown == ["5s", "0"]
        raw = connection.connection.dbapi_connection
        assert raw is not None
        connection.rollback()
        assert raw.cursor().execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_lock_of_nobody_is_still_said(place: str) -> None:
    """It may have been released while it was looked for."""
    error = fails(place, "DO $$ BEGIN RAISE lock_not_available USING MESSAGE = 'lock timeout';END $$")
    assert isinstance(error, StoreBusyError)
    assert "is locked: lock timeout" in str(error)


def test_another_error_of_the_server_is_no_lock(place: str) -> None:
    error = fails(place, "SELECT 1 / 0")
    assert not isinstance(error, StoreBusyError)
    assert "division by zero" in str(error)
