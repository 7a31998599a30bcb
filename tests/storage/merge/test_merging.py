"""Runs of one database are taken into another: a SQLite file or a PostgreSQL server, as often as one likes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from tests.fakes.compared import put
from tests.fakes.stored_rows import device, phase, phase_energy, phase_fold, point, run, segment
from trainwatt.cli.main import cli
from trainwatt.storage.engine import make_engine, reading
from trainwatt.storage.merge import merging, places
from trainwatt.storage.merge import rows as merge_rows
from trainwatt.storage.merge.merging import Merge, Taken
from trainwatt.storage.migrate import migrate
from trainwatt.storage.read.store import Store
from trainwatt.storage.schema import METADATA
from trainwatt.storage.write.statements import KEYS
from trainwatt.storage.write.writer import Writer

DAY_S = 86_400
S = 10**9


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place to merge into, where nothing is yet."""
    if request.param == "sqlite":
        return str(tmp_path / "all" / "runs.db")
    url: str = request.getfixturevalue("empty_server")
    return url


def take(source: Path | str, into: str) -> Taken:
    merge = Merge(places.source(str(source)), places.target(into))
    for batch in merge.batches():
        merge.take(batch)
    merge.take_intensities()
    return merge.taken


def counts(taken: Taken) -> tuple[int, int, int]:
    assert taken.failed == []
    return taken.added, taken.renewed, taken.unchanged


def rows_of(place: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of a database, by table, in the order of the keys."""
    found = {}
    with reading(make_engine(place)) as connection:
        for name, keys in KEYS.items():
            table = METADATA.tables[name]
            found[name] = [tuple(row) for row in connection.execute(select(table).order_by(*(table.c[key] for key in keys)))]
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def write(db: Path, rows: dict[str, list[Any]], then: Any = ()) -> None:
    writer = Writer.open(db)
    writer.write(rows, None, then)
    writer.close()


def three(db: Path) -> Path:
    put(db, "a", {"gpu0": 1e5 / 3, "package-0": 1e4 / 7}, phases={"train": 3, "validate": 2}, slack=0.01, edge_j=2.5, project="vision")
    put(db, "b", {"gpu0": 3e4, "dram-0": 17.1}, phases={"train": 1}, at_s=2 * DAY_S, project="vision", status="failed")
    put(db, "c", {"gpu0": 1e6 / 9}, seconds=7000.3, at_s=3 * DAY_S, project="text", seen=0.5)
    return db


def test_all_rows_are_taken_and_a_second_merge_changes_none(tmp_path: Path, target: str) -> None:
    source = three(tmp_path / "runs.db")
    store = Store.open(str(source))
    store.add_footprints([{"id": "f1", "run_id": "a", "created_utc_ns": 5, "inputs": "{}", "result": '{"total": 1}'}])
    store.cache_intensities(
        [{"provider": "uk", "zone": "GB", "basis": "direct", "start_utc_ns": 1, "end_utc_ns": 2, "g_per_kwh": 5.5, "fetched_utc_ns": 9}]
    )
    before = source.read_bytes()
    assert counts(take(source, target)) == (3, 0, 0)
    once = rows_of(target)
    assert once == rows_of(str(source))
    assert counts(take(source, target)) == (0, 0, 3)
    assert rows_of(target) == once
    assert source.read_bytes() == before


def test_an_amount_of_more_than_64_bits_is_taken_whole(tmp_path: Path, target: str) -> None:
    flops = 38 * 10**24 + 7
    source = tmp_path / "runs.db"
    put(source, "a", {"gpu0": 1e5}, work={"flops": flops, "requests": 12})
    assert counts(take(source, target)) == (1, 0, 0)
    write(
        source,
        {"work": [{"segment_id": "seg-a", "unit": "flops*1e18", "phase": "", "amount": 76_000_000}]},
        [("UPDATE segment SET samples = 99", {})],
    )
    assert counts(take(source, target)) == (0, 1, 0)
    store = Store.open(target)
    assert store.work(["a"]) == {"a": {"flops": 2 * flops - 7, "requests": 12}}
    assert store.load("a").work == Store.open(str(source)).load("a").work
    store.close()


def test_a_run_that_has_grown_is_brought_up_to_date(tmp_path: Path, target: str) -> None:
    """Curves were thinned and phases were folded since: what the source has no more is not kept, so nothing counts twice."""
    db = tmp_path / "runs.db"
    points = [point(t * S, float(t)) for t in range(10)]
    phases = [phase(n, "train") for n in range(1, 6)]
    energies = [phase_energy(n, 10.0) for n in range(1, 6)]
    first = {"run": [run()], "segment": [segment(samples=10)], "device": [device()], "curve_point": points}
    write(db, {**first, "phase": phases, "phase_energy": energies})
    assert counts(take(db, target)) == (1, 0, 0)
    later = {"run": [run(last_seen_utc_ns=9_000)], "segment": [segment(samples=20, last_seen_utc_ns=9_000)]}
    gone: list[Any] = [
        (f"DELETE FROM {table} WHERE {where}", {}) for table, where in (("curve_point", "t_ns BETWEEN 1 AND 8e9"), ("phase", "seq < 4"))
    ]
    gone.append(("DELETE FROM phase_energy WHERE seq < 4", {}))
    write(db, {**later, "curve_point": [point(20 * S, 20.0)], "phase_fold": [phase_fold(count=3)]}, gone)
    assert counts(take(db, target)) == (0, 1, 0)
    assert rows_of(target) == rows_of(str(db))
    assert counts(take(db, target)) == (0, 0, 1)


def test_points_that_are_there_already_are_not_read_again(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    db = tmp_path / "runs.db"
    gpus = [device(), device("gpu1")]
    points = [point(t * S, float(t), name) for t in range(50) for name in ("gpu0", "gpu1")]
    write(db, {"run": [run()], "segment": [segment(samples=10)], "device": gpus, "curve_point": points})
    take(db, target)
    more = [point(60 * S, 60.0), point(61 * S, 61.0), point(60 * S, 60.0, "gpu1")]
    write(db, {"segment": [segment(samples=20)], "device": [device("gpu2")], "curve_point": [*more, point(1, 0.0, "gpu2")]})
    written: list[Any] = []
    put_rows = merge_rows.put

    def noted(connection: Any, table: Any, rows: Any, **how: Any) -> None:
        written.extend(row for row in rows if table.name == "curve_point")
        put_rows(connection, table, rows, **how)

    monkeypatch.setattr(merge_rows, "put", noted)
    assert counts(take(db, target)) == (0, 1, 0)
    assert len(written) == 4
    assert rows_of(target) == rows_of(str(db))
    changed: list[Any] = [("UPDATE curve_point SET counter_j = counter_j + 1 WHERE device = 'gpu1'", {})]
    write(db, {"segment": [segment(samples=30)]}, changed)  # as an import that is made again may do
    take(db, target)
    assert rows_of(target) == rows_of(str(db))


def test_a_run_whose_end_came_after_the_clock_was_set_back_is_brought_up_to_date(tmp_path: Path, target: str) -> None:
    db = tmp_path / "runs.db"
    write(db, {"run": [run(last_seen_utc_ns=9_000)], "segment": [segment(samples=10, last_seen_utc_ns=9_000)]})
    take(db, target)
    end: dict[str, Any] = {"status": "completed", "ended_utc_ns": 1_500, "last_seen_utc_ns": 1_500}
    write(db, {"run": [run(**end, duration_s=1.0)], "segment": [segment(**end, samples=20, end_t_ns=50)]})
    assert counts(take(db, target)) == (0, 1, 0)
    assert rows_of(target) == rows_of(str(db))


def test_an_older_copy_takes_nothing_back(tmp_path: Path, target: str) -> None:
    db, old = tmp_path / "runs.db", tmp_path / "backup.db"
    write(db, {"run": [run()], "segment": [segment(samples=10)], "device": [device()], "curve_point": [point(0, 0.0)]})
    shutil.copyfile(db, old)
    over: dict[str, Any] = {"status": "completed", "ended_utc_ns": 9_000, "last_seen_utc_ns": 9_000}
    write(db, {"run": [run(**over, duration_s=1.0)], "segment": [segment(**over, samples=20, end_t_ns=9)], "curve_point": [point(9, 9.0)]})
    take(db, target)
    assert counts(take(old, target)) == (0, 0, 1)
    assert rows_of(target) == rows_of(str(db))


def node(db: Path, name: str, *, began_s: int, ended_s: int | None, joules: float, status: str = "completed", **of_run: Any) -> Path:
    """What one node has of the run "job"."""
    over: dict[str, Any] = {"status": status, "started_utc_ns": began_s * S, "last_seen_utc_ns": (ended_s or 500) * S}
    over["ended_utc_ns"] = None if ended_s is None else ended_s * S
    of, reason = f"seg-{name}", of_run.get("end_reason")
    ended = {"end_reason": reason, "end_t_ns": None if ended_s is None else ended_s * S}
    write(
        db,
        {
            "run": [run("job", host=name, **over, duration_s=None if ended_s is None else float(ended_s - began_s), **of_run)],
            "segment": [segment(of, "job", host=name, boot_id=name, **over, **ended, samples=9, start_t_ns=began_s * S)],
            "device": [device("gpu0", of, uuid=f"GPU-{name}")],
            "curve_point": [point(began_s * S, 0.0, "gpu0", of), point((ended_s or 500) * S, joules, "gpu0", of)],
        },
    )
    return db


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0, 1)])
def test_the_parts_of_two_nodes_are_one_run(tmp_path: Path, target: str, order: tuple[int, ...]) -> None:
    nodes = [
        node(tmp_path / "one.db", "one", began_s=100, ended_s=200, joules=1000.0, project="first"),
        node(tmp_path / "two.db", "two", began_s=101, ended_s=230, joules=500.0, status="failed", end_reason="boom", zone="FR"),
    ]
    for number in order:
        take(nodes[number], target)
    stored = Store.open(target).load("job")
    kept = stored.run
    assert (kept.project, kept.host, kept.zone, kept.status, kept.end_reason) == ("first", "one", "FR", "failed", "boom")
    assert (kept.started_utc_ns, kept.ended_utc_ns, kept.duration_s) == (100 * S, 230 * S, 130.0)
    assert sorted(d.last.energy_j for d in stored.devices if d.last) == [500.0, 1000.0]
    assert [counts(take(db, target)) for db in nodes] == [(0, 0, 1), (0, 0, 1)]


def test_a_run_runs_while_one_of_its_nodes_does(tmp_path: Path, target: str) -> None:
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    take(node(one, "one", began_s=100, ended_s=200, joules=1.0), target)
    take(node(two, "two", began_s=101, ended_s=None, joules=1.0, status="running"), target)
    assert Store.open(target).load("job").run.status == "running"
    take(node(two, "two", began_s=101, ended_s=600, joules=2.0), target)
    merged = Store.open(target).load("job").run
    assert (merged.status, merged.ended_utc_ns) == ("completed", 600 * S)


def test_a_part_that_was_continued_does_not_decide_how_the_run_ended(tmp_path: Path, target: str) -> None:
    take(node(tmp_path / "one.db", "one", began_s=100, ended_s=200, joules=1.0, status="interrupted", end_reason="preempted"), target)
    take(node(tmp_path / "two.db", "two", began_s=300, ended_s=400, joules=1.0), target)
    merged = Store.open(target).load("job").run
    assert (merged.status, merged.end_reason) == ("completed", None)


def test_a_merge_that_was_ended_in_between_goes_on(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "RUNS_AT_ONCE", 1)
    source = three(tmp_path / "runs.db")
    merge = Merge(places.source(str(source)), places.target(target))
    merge.take(merge.batches()[0])  # and no further
    assert counts(take(source, target)) == (2, 0, 1)
    assert rows_of(target) == rows_of(str(source))


def test_the_rows_of_many_processes_are_read_in_pieces(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwatt.storage.merge.rows.AT_ONCE", 3)
    source = three(tmp_path / "runs.db")
    assert counts(take(source, target)) == (3, 0, 0)
    assert rows_of(target) == rows_of(str(source))


def test_a_damaged_run_is_left_out_and_the_others_are_taken(tmp_path: Path, empty_server: str) -> None:
    source = three(tmp_path / "runs.db")
    with sqlite3.connect(source) as connection:
        connection.execute("UPDATE curve_point SET counter_j = 'much' WHERE segment_id = 'seg-b'")
        connection.execute("UPDATE run SET name = 'a' || char(0) || 'b' WHERE id = 'a'")
    connection.close()
    taken = take(source, empty_server)
    assert (taken.added, [failed.run_id for failed in taken.failed]) == (2, ["b"])
    assert {r.id: r.name for r in Store.open(empty_server).list_runs()} == {"a": "a\ufffdb", "c": None}
    assert counts_without_failed(take(source, empty_server)) == (0, 0, 2)


def counts_without_failed(taken: Taken) -> tuple[int, int, int]:
    return taken.added, taken.renewed, taken.unchanged


def test_an_older_source_is_read_in_a_copy_and_stays_as_it_is(tmp_path: Path, target: str, older: Callable[[Path], Path]) -> None:
    source = older(tmp_path / "old.db")
    before = source.read_bytes()
    assert counts(take(source, target)) == (1, 0, 0)
    assert source.read_bytes() == before
    assert [r.id for r in Store.open(target).list_runs()] == ["old"]


@pytest.fixture
def older() -> Callable[[Path], Path]:
    """Makes a database of the first schema with a run."""
    from trainwatt.storage.revision import VERSION_TABLE, statements_of

    def make(path: Path) -> Path:
        connection = sqlite3.connect(path)
        for statement in (*statements_of("0001"), VERSION_TABLE, "INSERT INTO alembic_version VALUES ('0001')"):
            connection.execute(statement)
        row = run("old")
        connection.execute(f"INSERT INTO run ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        connection.commit()
        connection.close()
        return path

    return make


# ---- the command


def command(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["merge", *arguments])


def test_the_command_merges_files_folders_and_servers(tmp_path: Path, empty_server: str) -> None:
    put(tmp_path / "hosts" / "runs-one.db", "a", {"gpu0": 1.0})
    put(tmp_path / "hosts" / "runs-two.db", "b", {"gpu0": 1.0})
    put(tmp_path / "c.db", "c", {"gpu0": 1.0})
    migrate(empty_server)
    ended = command(str(tmp_path / "hosts"), str(tmp_path / "c.db"), "--into", empty_server)
    assert (ended.exit_code, ended.output.count("1 run added")) == (0, 3)
    back = command(empty_server, "--into", str(tmp_path / "back.db"), "--json")
    found = json.loads(back.stdout)
    assert (found["schema_version"], found["into"]) == (1, str(tmp_path / "back.db"))
    (source,) = found["sources"]
    assert (source["added"], source["renewed"], source["unchanged"], source["failed"], source["error"]) == (3, 0, 0, [], None)
    assert rows_of(str(tmp_path / "back.db")) == rows_of(empty_server)


def test_bad_sources_and_targets_are_said(tmp_path: Path) -> None:
    good, newer, other = tmp_path / "good.db", tmp_path / "newer.db", tmp_path / "other.db"
    put(good, "a", {"gpu0": 1.0})
    put(newer, "n", {"gpu0": 1.0})
    for path, sql in ((newer, "UPDATE alembic_version SET version_num = '9999'"), (other, "CREATE TABLE t (x)")):
        with sqlite3.connect(path) as connection:
            connection.execute(sql)
        connection.close()
    into = str(tmp_path / "all.db")
    ended = command(str(newer), str(other), str(tmp_path / "none.db"), str(good), "--into", into, "--json")
    errors = [source["error"] for source in json.loads(ended.stdout)["sources"]]
    assert ended.exit_code == 1
    assert "written by a newer trainwatt (schema 9999" in errors[0]
    assert "a database of another program" in errors[1]
    assert "there is no file" in errors[2]
    assert errors[3] is None
    assert [r.id for r in Store.open(into).list_runs()] == ["a"]


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "{}/../good.db"])
def test_a_source_that_is_the_target_is_refused(tmp_path: Path, form: str) -> None:
    good = tmp_path / "good.db"
    put(good, "a", {"gpu0": 1.0})
    (tmp_path / "good.db2").mkdir()
    source = form.format(good if "/.." not in form else tmp_path / "good.db2")
    ended = CliRunner().invoke(cli, ["merge", source, "--into", str(good)])
    assert "both a source and the target" in str(ended.exception)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = command(str(tmp_path / "empty"), "--into", str(tmp_path / "all.db"))
    assert "has no database" in str(ended.exception)
    assert not (tmp_path / "all.db").exists()


def test_a_folder_may_hold_what_its_files_are_merged_into(tmp_path: Path) -> None:
    put(tmp_path / "one.db", "a", {"gpu0": 1.0})
    for _ in range(2):
        assert command(str(tmp_path), "--into", str(tmp_path / "all.db")).exit_code == 0
    assert [r.id for r in Store.open(str(tmp_path / "all.db")).list_runs()] == ["a"]


def test_a_server_that_refuses_is_said_without_the_password(tmp_path: Path, server: str) -> None:
    put(tmp_path / "a.db", "a", {"gpu0": 1.0})
    closed = "postgresql://me:hunter2@127.0.0.1:9/runs"
    missing = server.replace("/postgres?", "/nobody?")
    for url, reason in ((closed, "Connection refused"), (missing, "does not exist")):
        ended = command(str(tmp_path / "a.db"), "--into", url)
        assert reason in str(ended.exception)
        assert "hunter2" not in str(ended.exception)
