"""Several runs are read in as many questions as one, whatever is asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, event, text

from tests.fakes.stored_rows import device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.cli.main import cli
from trainwatt.errors import RunNotFoundError
from trainwatt.storage.engine import make_engine, reading
from trainwatt.storage.read.load import select_runs
from trainwatt.storage.read.rows import CHUNK, batches, ordered
from trainwatt.storage.read.store import AT_ONCE_S, Store

S = 10**9
START = 1_790_000_000 * S
COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("list", "--project", "digits"),
    "list --by": ("list", "--project", "digits", "--by", "project", "--json"),
    "footprint": ("footprint", "--project", "digits", "--zone", "FR"),
    "footprint --json": ("footprint", "--project", "digits", "--json"),
    "footprint of two zones": ("footprint", "--project", "digits", "--zone", "FR", "--zone", "DE"),
    "compare": ("compare", "--project", "digits", "--json"),
    "report": ("report", "--project", "digits", "--format", "json", "-o", "-"),
    "export of runs": ("export", "--project", "digits", "-o", "-"),
    "export of phases": ("export", "--project", "digits", "--what", "phases", "-o", "-"),
}


def rows_of(count: int, project: str = "digits") -> dict[str, list[Any]]:
    """Runs one after the other, each with two processes, and everything that a run can have."""
    rows: dict[str, list[Any]] = {name: [] for name in ("run", "segment", "device", "curve_point", "clock_anchor", "phase")}
    rows |= {name: [] for name in ("phase_energy", "phase_fold", "phase_fold_energy", "work", "event", "finding", "inventory")}
    for number in range(count):
        run_id, begin = f"{project}{number:03}", START + number * 1000 * S
        times = {"started_utc_ns": begin, "ended_utc_ns": begin + 900 * S, "last_seen_utc_ns": begin + 900 * S, "status": "completed"}
        rows["run"].append(run(run_id, project=project, zone="FR", duration_s=None if number % 2 else 900.0, **times))
        for name in "ab":
            of = f"{run_id}-{name}"
            rows["segment"].append(segment(of, run_id, host=name, boot_id=f"boot-{name}", start_t_ns=0, end_t_ns=900 * S, **times))
            rows["device"] += [device("gpu0", of), device("package-0", of, kind="cpu", gain_class="rapl")]
            rows["curve_point"] += [point(t * S, 100.3 * t, d, of) for t in (0, 450, 900) for d in ("gpu0", "package-0")]
            rows["clock_anchor"] += [{"segment_id": of, "monotonic_ns": t, "utc_ns": begin + t, "boottime_ns": t} for t in (0, 60 * S)]
            rows["phase"] += [phase(q, f"p{q % 2}", of, run_id, start_utc_ns=begin + q) for q in range(3)]
            rows["phase_energy"] += [phase_energy(q, 3.7, segment_id=of, owner_segment_id=of) for q in range(3)]
            rows["phase_fold"].append(phase_fold("p0", of))
            rows["phase_fold_energy"].append(phase_fold_energy(9.1, name="p0", segment_id=of, owner_segment_id=of))
            rows["work"].append({"segment_id": of, "unit": "samples", "phase": "", "amount": 10 + number})
            rows["event"].append({"segment_id": of, "seq": 0, "kind": "gap", "t_ns": 1, "utc_ns": begin + 1, "detail": name})
            found = {"source": "nvml", "availability": "ok", "what": "w", "detail": "d", "remedy": "", "worth": ""}
            rows["finding"].append({"segment_id": of, "seq": 0, **found})
            rows["inventory"].append({"run_id": run_id, "host": name, "kind": "cpu", "name": "AMD EPYC", "detail": '{"sockets": 2}'})
    return rows


@contextmanager
def questions() -> Iterator[list[str]]:
    """The statements that any engine executes."""
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_each_of_several_runs_is_what_it_is_alone(place: str, load: Any) -> None:
    load(rows_of(5))
    store = Store.open(place)
    ids = ["digits003", "digits000", "digits004", "digits001"]
    together = [stored for some in store.load_all(ids) for stored in some]
    assert together == [store.load(run_id) for run_id in ids]
    first = together[0]
    assert [len(part) for part in (first.segments, first.devices, first.phases, first.work, first.events)] == [2, 4, 4, 2, 2]
    assert [p.instances for p in first.phases] == [102, 102, 1, 1]
    assert first.run.duration_s == pytest.approx(900)
    assert store.anchors(ids) == {stored.run.id: stored.anchors for stored in together}
    assert store.load(ids[0], first) == first


def test_what_is_damaged_in_one_run_is_said_of_that_run(place: str, load: Any) -> None:
    rows = rows_of(3)
    of = "digits001-b"
    for table, column, value in (("work", "amount", -1), ("phase_energy", "energy_j", -7.0), ("phase_fold", "duration_ns", -5)):
        next(row for row in rows[table] if row["segment_id"] == of)[column] = value
    load(rows)
    [one, damaged, other] = next(iter(Store.open(place).load_all(["digits000", "digits001", "digits002"])))
    assert one.damage == other.damage == ()
    assert {(d.table, d.column) for d in damaged.damage} == {
        *(("work", "amount"), ("phase_energy", "energy_j"), ("phase_fold", "duration_ns")),
    }


def test_a_run_that_is_not_there_is_named(place: str, load: Any) -> None:
    load(rows_of(1))
    with pytest.raises(RunNotFoundError, match="'other'"):
        list(Store.open(place).load_all(["digits000", "other"]))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_asks_as_much_of_many_runs_as_of_few(place: str, load: Any, name: str) -> None:
    load(rows_of(3))
    asked: list[int] = []
    for more in ({}, {key: rows[len(rows) // 4 :] for key, rows in rows_of(12).items()}):
        load(more)
        with questions() as statements:
            ended = CliRunner().invoke(cli, [*COMMANDS[name], "--db", place])
        assert ended.exit_code == 0, ended.output
        asked.append(len(statements))
    assert asked[0] == asked[1] < 50


def test_long_runs_are_not_all_in_memory(place: str, load: Any) -> None:
    days = 86_400 * S
    times = {"status": "completed", "started_utc_ns": START}
    load({"run": [run(f"r{n}", last_seen_utc_ns=START + n * days, **times) for n in (1, 20, 15, 10, 40, 3)]})
    ids = ["r1", "r20", "r15", "r10", "r40", "r3"]
    assert [[s.run.id for s in some] for some in Store.open(place).load_all(ids)] == [["r1", "r20"], ["r15", "r10"], ["r40"], ["r3"]]


def test_batches_keep_the_order_and_lose_nothing() -> None:
    ids = [str(n) for n in range(3 * CHUNK)]
    assert [each for batch in batches(ids, dict.fromkeys(ids, AT_ONCE_S / 7), AT_ONCE_S) for each in batch] == ids
    assert list(batches(ids[:3], {"0": 0.5, "1": 9.0, "2": 0.0}, 1.0)) == [["0"], ["1"], ["2"]]


@pytest.mark.parametrize("sort", ["started", "-started"])
def test_the_newest_runs_are_found_by_their_index(place: str, load: Any, sort: str) -> None:
    """Not by sorting all runs. PostgreSQL sorts a few rows in any case, unless it is told not to read them one after the other."""
    load(rows_of(4))
    engine = make_engine(place)
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        query = ordered(select_runs(), sort).limit(2)
        explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        written = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = str(connection.exec_driver_sql(f"{explain} {written}").all())
    assert "run_by_start" in plan
