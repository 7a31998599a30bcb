"""Thinning and folding in SQL: which rows go, which stay, and that a failure changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.fakes.stored_rows import device, phase, phase_energy, point, run, segment
from trainwatt.energy.intervals import JOULES
from trainwatt.errors import StoreBusyError, StoreError
from trainwatt.storage.read.records import PhaseSum
from trainwatt.storage.read.store import Store
from trainwatt.storage.write import compact
from trainwatt.storage.write.writer import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    writer = Writer.open(tmp_path / "runs.db", timeout_s=0.05)
    writer.write({"run": [run()], "segment": [segment(), segment("seg-2")], "device": [device(), device("gpu1")]})
    return writer


def _times(writer: Writer, name: str = "gpu0") -> list[int]:
    return [t for (t,) in writer.query("SELECT t_ns FROM curve_point WHERE device = ? ORDER BY t_ns", [name])]


@pytest.mark.parametrize(
    ("span", "left"),
    [
        ((20, 50), [10, 20, 50, 60, 70]),
        ((15, 55), [10, 20, 50, 60, 70]),
        ((0, 45), [10, 40, 50, 60, 70]),
        ((35, 1000), [10, 20, 30, 40, 70]),
        ((21, 29), [10, 20, 30, 40, 50, 60, 70]),
        ((80, 90), [10, 20, 30, 40, 50, 60, 70]),
    ],
)
def test_a_span_keeps_its_first_and_its_last_point(writer: Writer, span: tuple[int, int], left: list[int]) -> None:
    rows = [point(t, float(t), name) for t in range(10, 80, 10) for name in ("gpu0", "gpu1")]
    writer.write({"curve_point": [*rows, *(point(t, 1.0, segment_id="seg-2") for t in (20, 30, 40))]})
    for _ in range(2):  # the second time there is nothing left to do
        writer.write({}, then=[compact.thin("seg-1", "gpu0", *span)])
        assert writer.query("SELECT t_ns FROM curve_point WHERE device = 'gpu0' AND segment_id = 'seg-1' ORDER BY t_ns") == [
            (t,) for t in left
        ]
    assert len(_times(writer, "gpu1")) == 7
    assert writer.query("SELECT count(*) FROM curve_point WHERE segment_id = 'seg-2'") == [(3,)]


def test_thinning_sees_what_the_same_transaction_writes(writer: Writer) -> None:
    writer.write({"curve_point": [point(t, 0.0) for t in (1, 2, 3, 4)]}, then=[compact.thin("seg-1", "gpu0", 0, 9)])
    assert _times(writer) == [1, 4]


def test_anchors_from_the_one_that_holds(writer: Writer) -> None:
    anchors = [{"segment_id": "seg-1", "monotonic_ns": t, "utc_ns": t + 5, "boottime_ns": t} for t in (10, 20, 30, 40)]
    writer.write({"clock_anchor": anchors})

    def found(t_ns: int, most: int = 9) -> list[int]:
        return [row[0] for row in writer.query(*compact.anchors_from("seg-1", t_ns, most))]

    assert found(25) == [20, 30, 40]
    assert found(20) == [20, 30, 40]
    assert found(5) == [10, 20, 30, 40]
    assert found(99) == [40]
    assert found(5, 2) == [10, 20]
    writer.write({}, then=[compact.drop_anchor("seg-1", 20), compact.drop_anchor("seg-2", 30)])
    assert found(5) == [10, 30, 40]


def _phases(writer: Writer) -> None:
    """Ten resolved instances of two names with two devices, one that is open, one without energy, one of another segment."""
    rows = [phase(seq, ("train", "validate")[seq % 2], exact=seq % 3 == 0, resolved=int(seq % 5 > 0)) for seq in range(1, 11)]
    rows += [phase(3, resolved=None), phase(5, end_t_ns=None, resolved=None), phase(1, segment_id="seg-2")]
    energies = [phase_energy(seq, 1.5**seq, name) for seq in range(1, 11) if seq not in (3, 5) for name in ("gpu0", "gpu1")]
    writer.write({"phase": rows, "phase_energy": energies})


def test_folding_changes_nothing_that_is_loaded(writer: Writer) -> None:
    _phases(writer)

    def loaded() -> list[PhaseSum]:
        found = Store.open(str(writer.path)).load("run-1").phases
        return [p._replace(devices=tuple(d._replace(energy_j=round(d.energy_j, 9)) for d in p.devices)) for p in found]

    before = loaded()
    for name, seq, left in (("train", 4, [1, 3, 5, 6, 7, 8, 9, 10]), (None, 7, [3, 5, 8, 9, 10]), ("train", 99, [3, 5, 9])):
        writer.write({}, then=compact.fold("seg-1", name, seq))
        assert [s for (s,) in writer.query("SELECT seq FROM phase WHERE segment_id = 'seg-1' ORDER BY seq")] == left
        assert loaded() == before
    assert writer.query("SELECT DISTINCT seq FROM phase_energy") == [(9,)]
    assert writer.query("SELECT count(*) FROM phase WHERE segment_id = 'seg-2'") == [(1,)]


def test_counting_and_cutting_leave_out_what_is_not_resolved(writer: Writer) -> None:
    _phases(writer)
    assert dict(writer.query(*compact.kept("seg-1"))) == {"train": 5, "validate": 3}
    assert writer.query(*compact.newest_to_fold("seg-1", "train", 2)) == [(6,)]
    assert writer.query(*compact.newest_to_fold("seg-1", None, 0)) == [(10,)]
    assert writer.query(*compact.newest_to_fold("seg-1", "validate", 3)) == []
    assert writer.query(*compact.newest_to_fold("seg-1", "absent", 0)) == []


def test_a_fold_that_fails_is_as_if_it_had_never_begun(writer: Writer) -> None:
    _phases(writer)
    before = [writer.query(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in ("phase", "phase_energy", "phase_fold", "phase_fold_energy")]
    fold = compact.fold("seg-1", None, 99)
    with pytest.raises(StoreError):
        writer.write({"run": [run(name="x")]}, then=[*fold, ("DELETE FROM absent", {})])
    other = sqlite3.connect(writer.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError):
        writer.write({}, then=fold)
    other.execute("ROLLBACK")
    tables = ("phase", "phase_energy", "phase_fold", "phase_fold_energy")
    assert [writer.query(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in tables] == before
    assert writer.query("SELECT name FROM run") == [(None,)]
    writer.write({}, then=fold)
    assert writer.query("SELECT sum(count) FROM phase_fold") == [(8,)]


def test_what_was_never_stored_one_by_one_is_added(writer: Writer) -> None:
    row = {"segment_id": "seg-1", "name": "step", "count": 2, "duration_ns": 30, "unresolved": 1, "synchronized": 0, "exact": 1}
    energy = {"segment_id": "seg-1", "name": "step", "owner_segment_id": "seg-1", "device": "gpu0"} | dict.fromkeys(JOULES, 1.5)
    for first in (9, 4, 6):
        writer.write({}, then=compact.add_to_fold(row | {"first_start_utc_ns": first}, [energy]))
    assert writer.query("SELECT count, duration_ns, first_start_utc_ns, unresolved, exact FROM phase_fold") == [(6, 90, 4, 3, 3)]
    assert writer.query("SELECT energy_j, edge_high_j FROM phase_fold_energy") == [(4.5, 4.5)]
