"""The models and the SQL are the same schema, and older databases are upgraded."""

from __future__ import annotations

import re
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Float, inspect
from sqlalchemy.exc import IntegrityError

from tests.fakes.stored_rows import phase, run, segment
from trainwatt.core.run import STORED_AS, Status
from trainwatt.energy.intervals import JOULES
from trainwatt.errors import StoreError
from trainwatt.storage import revision
from trainwatt.storage.engine import make_engine, reading
from trainwatt.storage.migrate import migrate
from trainwatt.storage.read.records import DeviceRow, PhaseDeviceSum
from trainwatt.storage.read.store import Store
from trainwatt.storage.schema import METADATA
from trainwatt.storage.write import compact
from trainwatt.storage.write.statements import KEYS
from trainwatt.storage.write.writer import Writer


def _same_type(_context: Any, _inspected: Any, _column: Any, found: Any, wanted: Any) -> bool | None:
    # SQLAlchemy reads SQLite's DOUBLE PRECISION as REAL; both are eight bytes there.
    return False if isinstance(found, Float) and isinstance(wanted, Float) else None


def test_models_equal_the_sql(place: str) -> None:
    with reading(make_engine(place)) as connection:
        lenient = _same_type if connection.dialect.name == "sqlite" else True
        context = MigrationContext.configure(connection, opts={"compare_type": lenient, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
        # Alembic does not compare these.
        inspector = inspect(connection)
        for table in METADATA.sorted_tables:
            assert inspector.get_pk_constraint(table.name)["constrained_columns"] == [key.name for key in table.primary_key]
            checks = [check for check in table.constraints if isinstance(check, CheckConstraint)]
            assert len(inspector.get_check_constraints(table.name)) == len(checks)


def test_the_energies_of_a_share_have_a_column_each() -> None:
    for table in ("phase_energy", "phase_fold_energy"):
        columns = METADATA.tables[table].columns
        assert tuple(name for name, column in columns.items() if column.type.python_type is float) == JOULES
    assert PhaseDeviceSum._fields == ("owner_segment_id", "device", *JOULES)
    numbers = [float(2**i) for i in range(len(JOULES))]
    device = DeviceRow._make([None] * len(DeviceRow._fields))._replace(gain=0.05, gain_class="gpu", offset_w=5.0, uuid="GPU-a")
    share = PhaseDeviceSum("seg-1", "gpu0", *numbers).share(device, 4.0)
    assert [getattr(share, name) for name in JOULES] == numbers
    assert (share.gain, share.gain_class, share.offset_j, share.sensor) == (0.05, "gpu", 20.0, ("uuid", "GPU-a"))


def test_the_database_takes_every_status_and_no_other(place: str, load: Any) -> None:
    load({"run": [run(status, status=STORED_AS.get(status, status), outcome=status if status in STORED_AS else None) for status in Status]})
    load({"segment": [segment(f"of {status}", "failed", status=STORED_AS.get(status, status)) for status in Status]})
    store = Store.open(place)
    assert {run.id: run.status for run in store.list_runs()} == {status: status for status in Status}
    for status in Status:
        assert [run.id for run in store.list_runs(status=status)] == [status]
        assert store.count_runs(status=status) == 1
        assert store.load(status).run.status == status
    for table, row in (("run", run("x", status="lost")), ("segment", segment("x", "failed", status="lost"))):
        with pytest.raises(IntegrityError):
            load({table: [row]})


def test_the_writer_knows_every_table_and_key() -> None:
    order = list(KEYS)
    assert {name: tuple(table.primary_key.columns.keys()) for name, table in METADATA.tables.items()} == KEYS
    for table in METADATA.tables.values():
        assert all(order.index(key.column.table.name) < order.index(table.name) for key in table.foreign_keys)


def test_written_and_migrated_databases_are_the_same(tmp_path: Path) -> None:
    Writer.open(tmp_path / "written.db").close()
    migrate(str(tmp_path / "migrated.db"))
    written, migrated = (_schema(tmp_path / f"{name}.db") for name in ("written", "migrated"))
    assert written == migrated


def _schema(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {re.sub(r"\s+", "", sql) for (sql,) in rows if "alembic_version" not in sql}


HEAD = revision.head()
NEXT = f"{int(HEAD) + 1:04}"


@pytest.fixture
def next_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add another revision."""
    folder = tmp_path / "migrations"
    shutil.copytree(str(revision.MIGRATIONS), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{NEXT}_more.sql").write_text("CREATE TABLE more (id TEXT NOT NULL PRIMARY KEY);\n")
    [newest] = (folder / "versions").glob(f"{HEAD}_*.py")
    script = newest.read_text()
    script = re.sub(r'down_revision = "\d+"', f'down_revision = "{HEAD}"', script).replace(
        f'\nrevision = "{HEAD}"', f'\nrevision = "{NEXT}"'
    )
    (folder / "versions" / f"{NEXT}_more.py").write_text(script)
    monkeypatch.setattr(revision, "MIGRATIONS", folder)


def _older(place: str, load: Any, request: pytest.FixtureRequest) -> None:
    load({"run": [run()]})
    request.getfixturevalue("next_revision")


def test_opening_upgrades_an_older_database(place: str, load: Any, request: pytest.FixtureRequest) -> None:
    _older(place, load, request)
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store.open(place), range(4)))
    assert [row.id for row in stores[0].list_runs()] == ["run-1"]
    with reading(make_engine(place)) as connection:
        assert "more" in inspect(connection).get_table_names()
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [NEXT]


def test_the_writer_upgrades_an_older_database(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    Writer.open(tmp_path / "runs.db").close()
    request.getfixturevalue("next_revision")
    writer = Writer.open(tmp_path / "runs.db")
    assert writer.query("SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert writer.query("PRAGMA foreign_keys") == [(1,)]


def test_a_database_from_before_folding_reads_as_it_did_and_is_folded_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with sqlite3.connect(path) as old:
        for statement in [*revision.statements_of("0001"), revision.VERSION_TABLE]:
            old.execute(statement)
        old.execute("INSERT INTO alembic_version VALUES ('0001')")
        for table, row in (("run", run()), ("segment", segment()), *(("phase", phase(seq)) for seq in range(1, 21))):
            old.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    old.close()
    (before,) = Store.open(str(path)).load("run-1").phases
    assert (before.instances, before.duration_s, before.pending) == (20, 10.0, 0)
    writer = Writer.open(path)
    writer.write({}, then=compact.fold("seg-1", "train", 15))
    assert writer.query("SELECT count(*), min(seq) FROM phase") == [(5, 16)]
    assert Store.open(str(path)).load("run-1").phases == (before,)


def test_a_failed_upgrade_changes_nothing(place: str, load: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    _older(place, load, request)
    sql = tmp_path / "migrations" / f"{NEXT}_more.sql"
    sql.write_text(sql.read_text() + "CREATE TABLE run (id TEXT);\n")
    with pytest.raises(StoreError, match="already exists"):
        Store.open(place)
    with reading(make_engine(place)) as connection:
        assert "more" not in inspect(connection).get_table_names()
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [HEAD]
