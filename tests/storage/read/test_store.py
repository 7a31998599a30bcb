"""The reading side, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.fakes.privilege import without_privilege
from tests.fakes.stored_rows import device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.errors import (
    AmbiguousRunError,
    ConfigurationError,
    NewerSchemaError,
    NotADatabaseError,
    RunNotFoundError,
    StoreBusyError,
    StoreError,
)
from trainwatt.storage import engine as dialect
from trainwatt.storage.engine import make_engine, reading
from trainwatt.storage.read.records import PhaseDeviceSum, WorkRow
from trainwatt.storage.read.store import Store
from trainwatt.storage.schema import METADATA
from trainwatt.storage.write.writer import Writer


def test_lists_newest_first_and_filters(place: str, load: Any) -> None:
    load(
        {
            "run": [
                run("a", started_utc_ns=1, status="completed", tags='{"lr": "0.1"}'),
                run("b", started_utc_ns=3, project="other", group_name="sweep"),
                run("c", started_utc_ns=2),
            ]
        }
    )
    store = Store.open(place)

    def ids(**filters: Any) -> list[str]:
        return [row.id for row in store.list_runs(**filters)]

    assert ids() == ["b", "c", "a"]
    assert ids(limit=1) == ["b"]
    assert ids(project="digits") == ["c", "a"]
    assert ids(since_utc_ns=2) == ["b", "c"]
    assert ids(status="completed") == ["a"]
    assert ids(group="sweep") == ["b"]
    assert ids(project="none") == []
    assert store.list_runs(status="completed")[0].tags == {"lr": "0.1"}


def test_finds_by_id_prefix_and_latest(place: str, load: Any) -> None:
    store = Store.open(place)
    with pytest.raises(RunNotFoundError, match="trainwatt list"):
        store.find("latest")
    load(
        {
            "run": [
                run("ab", started_utc_ns=2),
                run("abc", started_utc_ns=1),
                run("Ax_1", started_utc_ns=3),
                run("axy1", started_utc_ns=0, name="named"),
            ]
        }
    )
    assert store.find("latest") == "Ax_1"
    assert store.find("ab") == "ab"
    assert store.find("abc") == "abc"
    assert store.find("Ax") == "Ax_1"
    assert store.find("axy") == store.find("named") == store.find("digits/named") == "axy1"
    with pytest.raises(AmbiguousRunError, match=r"'a': ab, .*abc"):
        store.find("a")
    for absent in ("", "zz", "%", "ax_"):
        with pytest.raises(RunNotFoundError, match=repr(absent)):
            store.find(absent)


def _full() -> dict[str, list[dict[str, Any]]]:
    joined = segment("seg-2", role="joined", rank=1, started_utc_ns=1_001)
    pending = phase(4, resolved=None, end_t_ns=None)
    return {
        "run": [run(settings='{"period_s": 0.1}')],
        "segment": [segment(rank=0), joined],
        "device": [device(), device("gpu1"), device("psys", included_in_total=0)],
        "curve_point": [*(point(t, t * 2.0) for t in range(1, 50)), point(3, 1.0, "gpu1")],
        "phase": [
            phase(1),
            phase(2, exact=1, synchronized=1),
            phase(3, "validate", resolved=0),
            pending,
            phase(1, segment_id="seg-2"),
        ],
        "phase_energy": [
            phase_energy(1, 10.0),
            phase_energy(2, 20.0),
            phase_energy(1, 1.0, "gpu1"),
            phase_energy(1, 7.0, segment_id="seg-2"),
        ],
        "work": [{"segment_id": "seg-1", "unit": "samples", "phase": "", "amount": 2**40}],
        "event": [{"segment_id": "seg-1", "seq": 1, "kind": "reset", "t_ns": 3, "utc_ns": 2**60, "detail": "x"}],
        "clock_anchor": [
            {"segment_id": "seg-1", "monotonic_ns": 9, "utc_ns": 90, "boottime_ns": 10},
            {"segment_id": "seg-1", "monotonic_ns": 5, "utc_ns": 50, "boottime_ns": 6},
        ],
        "finding": [{"segment_id": "seg-1", "seq": 1, "source": "rapl", "availability": "denied", "what": "w", "detail": "d"}],
        "inventory": [{"run_id": "run-1", "host": "node-a", "kind": "cpu", "name": "cpu0", "detail": '{"cores": 64}'}],
        "sensor_state": [{"segment_id": "seg-1", "device": "gpu0", "sensor": "energy", "raw": "1", "t_ns": 1, "boot_id": "b"}],
        "footprint": [{"id": "f", "run_id": "run-1", "created_utc_ns": 1, "inputs": "{}", "result": "{}"}],
    }


def test_loads_everything_of_a_run(place: str, load: Any) -> None:
    load(_full())
    load({"run": [run("run-2")], "segment": [segment("seg-9", "run-2")], "device": [device(segment_id="seg-9")]})
    stored = Store.open(place).load("run-1")
    assert not stored.ended
    assert stored.run.settings == {"period_s": 0.1}
    assert [(row.id, row.rank, row.samples) for row in stored.segments] == [("seg-1", 0, 0), ("seg-2", 1, 0)]
    gpu0, gpu1, psys = stored.devices
    edges = {"edge_low_j": 0.5, "edge_high_j": 0.5}
    assert (gpu0.first, gpu0.last) == (Point(1, counter_j=2.0, **edges), Point(49, counter_j=98.0, **edges))
    assert gpu1.first == gpu1.last == Point(3, counter_j=1.0, **edges)
    assert (psys.first, psys.last, psys.included_in_total) == (None, None, False)
    assert stored.work == (WorkRow("seg-1", "samples", "", 2**40),)
    assert stored.events[0].utc_ns == 2**60
    assert stored.anchors == {"seg-1": (Anchor(5, 50, 6), Anchor(9, 90, 10))}
    assert stored.findings[0].remedy == ""
    assert stored.inventory[0].detail == {"cores": 64}


def test_adds_up_phases_by_name(place: str, load: Any) -> None:
    load(_full())
    phases = {(row.segment_id, row.name): row for row in Store.open(place).load("run-1").phases}
    assert list(phases) == [("seg-1", "train"), ("seg-2", "train"), ("seg-1", "validate")]
    train = phases["seg-1", "train"]
    assert (train.instances, train.open, train.pending, train.unresolved, train.exact, train.synchronized) == (3, 1, 1, 0, 1, 1)
    assert type(train.duration_s) is float
    assert train.duration_s == 1.0
    assert train.devices == (
        PhaseDeviceSum("seg-1", "gpu0", 30.0, 0.5, 1.0, 2.0, 4.0, 6.0),
        PhaseDeviceSum("seg-1", "gpu1", 1.0, 0.25, 0.5, 1.0, 2.0, 3.0),
    )
    assert phases["seg-2", "train"].devices[0].energy_j == 7.0
    assert (phases["seg-1", "validate"].unresolved, phases["seg-1", "validate"].devices) == (1, ())


def test_folded_phases_are_added_to_the_others(place: str, load: Any) -> None:
    load(_full())
    load(
        {
            "phase_fold": [phase_fold(), phase_fold("old", unresolved=0, first_start_utc_ns=2**60), phase_fold(segment_id="seg-2")],
            "phase_fold_energy": [phase_fold_energy(1000.0), phase_fold_energy(50.0, "gpu2"), phase_fold_energy(7.0, name="old")],
        }
    )
    load({"run": [run("run-2")], "segment": [segment("seg-9", "run-2")], "phase_fold": [phase_fold(segment_id="seg-9")]})
    phases = {(row.segment_id, row.name): row for row in Store.open(place).load("run-1").phases}
    assert list(phases) == [("seg-1", "train"), ("seg-2", "train"), ("seg-1", "validate"), ("seg-1", "old")]
    train = phases["seg-1", "train"]
    assert (train.instances, train.open, train.pending, train.unresolved, train.exact, train.synchronized) == (103, 1, 1, 3, 2, 3)
    assert (train.duration_s, train.first_start_utc_ns) == (51.0, 500)
    assert {type(n) for n in (train.instances, train.open, train.first_start_utc_ns)} == {int}
    assert train.devices == (
        PhaseDeviceSum("seg-1", "gpu0", 1030.0, 25.5, 51.0, 102.0, 204.0, 306.0),
        PhaseDeviceSum("seg-1", "gpu1", 1.0, 0.25, 0.5, 1.0, 2.0, 3.0),
        PhaseDeviceSum("seg-1", "gpu2", 50.0, 25.0, 50.0, 100.0, 200.0, 300.0),
    )
    assert phases["seg-2", "train"].instances == 101
    old = phases["seg-1", "old"]
    assert (old.instances, old.unresolved, old.first_start_utc_ns, old.devices[0].energy_j) == (100, 0, 2**60, 7.0)


def test_points_and_devices(place: str, load: Any) -> None:
    load(_full())
    store = Store.open(place)
    curves = store.points("run-1")
    assert [point.t_ns for point in curves["seg-1", "gpu0"]] == list(range(1, 50))
    assert list(curves) == [("seg-1", "gpu0"), ("seg-1", "gpu1")]
    found = store.devices(["run-1", "absent"])
    assert found["absent"] == []
    assert [(row.name, row.last and row.last.energy_j) for row in found["run-1"]] == [
        ("gpu0", 98.0),
        ("gpu1", 1.0),
        ("psys", None),
    ]


def test_deletes_with_all_that_belongs_to_a_run(place: str, load: Any) -> None:
    load({**_full(), "phase_fold": [phase_fold()], "phase_fold_energy": [phase_fold_energy(1.0)]})
    load({"run": [run("run-2")]})
    store = Store.open(place)
    assert store.delete(["run-1", "run-1", "absent"]) == 1
    assert [row.id for row in store.list_runs()] == ["run-2"]
    with pytest.raises(RunNotFoundError, match="run-1"):
        store.load("run-1")
    with reading(make_engine(place)) as connection:
        left = {table.name: connection.scalar(select(func.count()).select_from(table)) for table in METADATA.sorted_tables}
    assert {name for name, count in left.items() if count} == {"run"}


def test_nothing_there_yet(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been tracked"):
        Store.open(str(tmp_path / "runs.db"))
    assert not (tmp_path / "runs.db").exists()
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(StoreError, match="nothing has been tracked"):
        Store.open(str(tmp_path / "empty.db"))


def test_empty_server(empty_server: str) -> None:
    with pytest.raises(StoreError, match="nothing has been tracked"):
        Store.open(empty_server)


def test_unusable_places(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(NotADatabaseError, match="not a SQLite database"):
        Store.open(str(tmp_path / "text"))
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        connection.execute("CREATE TABLE run (id TEXT)")
    with pytest.raises(NotADatabaseError, match="another program"):
        Store.open(str(tmp_path / "theirs.db"))
    with pytest.raises(StoreError, match=r"ada:\*\*\*@") as caught:
        Store.open("postgresql://ada:secret@127.0.0.1:1/d")
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        Store.open("postgresql://ada:secret@h:port/d")


def test_newer_schema(place: str) -> None:
    with dialect.writing(make_engine(place, writes=True)) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(NewerSchemaError, match="0999"):
        Store.open(place)


def test_reads_while_another_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    writer = Writer.open(path)
    writer.write({"run": [run()]})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(dialect, "_TIMEOUT_S", 0.05)
    store = Store.open(str(path))
    assert store.find("latest") == "run-1"
    with pytest.raises(StoreBusyError):
        store.delete(["run-1"])


READ = """
import sys
from trainwatt.storage.read.store import Store
from tests.fakes.here import Here
store = Store.open(sys.argv[1])
marked = store.mark_vanished(Here(alive=()))
print(store.find("latest"), marked, [r.status for r in store.list_runs(status="interrupted")], store.load("run-1").run.end_reason)
print(store.load("run-1").segments[0].status, store.list_runs(status="running"))
"""


@pytest.mark.parametrize("writer_lives", [False, True])
def test_read_only_database_shows_vanished_runs(writer_lives: bool) -> None:
    with tempfile.TemporaryDirectory() as name:  # none of pytest's folders, which other users may not enter
        folder = Path(name)
        writer = Writer.open(folder / "runs.db")
        writer.write({"run": [run()], "segment": [segment()]})
        if not writer_lives:
            writer.close()
        folder.chmod(0o555)
        for file in folder.iterdir():
            file.chmod(0o444)
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            result = subprocess.run(
                [sys.executable, "-c", READ, str(folder / "runs.db")],
                env=environ,
                text=True,
                capture_output=True,
                preexec_fn=without_privilege,
            )
        finally:
            folder.chmod(0o755)
    reason = "vanished: the process was killed or died"
    assert result.stdout == f"run-1 ['run-1'] ['interrupted'] {reason}\ninterrupted []\n", result.stderr


def test_the_outline_of_a_curve_is_its_ends_and_the_points_where_equal_parts_begin(place: str, load: Any) -> None:
    points = [point(t, float(t)) for t in (0, 1, 9, 50, 51, 99, 100)]
    load({"run": [run()], "segment": [segment()], "device": [device(), device("gpu1")], "curve_point": points})
    store = Store.open(place)
    outline = store.outline(store.load("run-1"), 4)
    assert {key: [p.t_ns for p in found] for key, found in outline.items()} == {("seg-1", "gpu0"): [0, 9, 50, 51, 100]}
