"""Phases on a device that two processes have read at the same time, because they did not see each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.stored_rows import device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.energy.intervals import JOULES
from trainwatt.storage.read.several.twice import Instance, counted_once
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer

ONE, TWO, THREE = ("one", "gpu0"), ("two", "gpu1"), ("three", "gpu0")
S = 10**9


def instance(reader: tuple[str, str], start_s: float, end_s: float, watts: float = 100.0, name: str = "train") -> Instance:
    """A phase of the process that has computed it."""
    joules = [watts * (end_s - start_s), *[1.0] * (len(JOULES) - 1)]
    return Instance(reader[0], name, int(start_s * S), int(end_s * S), reader, joules)


def energies(*instances: Instance) -> dict[tuple[str, str], float]:
    return {key: found.energy_j for key, found in counted_once(instances, (ONE, TWO, THREE)).items()}


def test_what_one_process_has_counted_does_not_count_again() -> None:
    found = energies(instance(ONE, 0, 10), instance(TWO, 0, 10), instance(THREE, 2, 3))
    assert found == {("one", "train"): 1000, ("two", "train"): 0, ("three", "train"): 0}


def test_what_only_one_process_was_in_counts() -> None:
    """A later part, a gap between two, and a phase of its own."""
    found = energies(instance(ONE, 0, 4), instance(ONE, 6, 8), instance(TWO, 2, 7), instance(TWO, 8, 10), instance(TWO, 1, 3, name="load"))
    assert found == {("one", "train"): 600, ("two", "train"): pytest.approx(400), ("two", "load"): 200}


def test_the_energies_are_those_of_the_first_reader() -> None:
    """The row of another reader's device is left out where its time is that of the first one."""
    [found] = counted_once([instance(TWO, 0, 1)], (ONE, TWO)).values()
    assert (found.owner_segment_id, found.device, found.energy_j) == ("one", "gpu0", 100)


def test_a_phase_without_length_has_its_edges_once() -> None:
    found = counted_once([instance(ONE, 0, 2), instance(TWO, 1, 1), instance(TWO, 3, 3)], (ONE, TWO))
    assert [found[key].edge_low_j for key in (("one", "train"), ("two", "train"))] == [1.0, 1.0]


_spans = st.lists(st.tuples(st.sampled_from([ONE, TWO, THREE]), st.integers(0, 30), st.integers(1, 9)), max_size=30)


@given(_spans)
def test_at_constant_power_all_readers_together_have_the_union_of_their_times(spans: list[tuple[tuple[str, str], int, int]]) -> None:
    """Each reader counts its own instances once already: here they follow one another."""
    ends: dict[tuple[str, str], int] = {}
    instances, seconds = [], set[int]()
    for reader, gap, length in spans:
        start = ends.get(reader, 0) + gap
        ends[reader] = start + length
        instances.append(instance(reader, start, start + length))
        seconds |= set(range(start, start + length))
    assert sum(energies(*instances).values()) == pytest.approx(100 * len(seconds))


@pytest.fixture
def containers(tmp_path: Path) -> Store:
    """A run of two containers that have both read one GPU for 20 s at 100 W, each with 10 phases of a second that begin together."""
    writer = Writer.open(tmp_path / "runs.db")
    ids = ("one", "two")
    phases = [phase(seq, segment_id=id_, start_t_ns=seq * S, end_t_ns=(seq + 1) * S) for id_ in ids for seq in range(10)]
    energies = [phase_energy(seq, 100.0, segment_id=id_, owner_segment_id=id_) for id_ in ids for seq in range(10)]
    writer.write(
        {
            "run": [run(status="completed", ended_utc_ns=20 * S, duration_s=20.0)],
            "segment": [segment(id_, rank=rank, start_t_ns=5, end_t_ns=20 * S, status="completed") for rank, id_ in enumerate(ids)],
            "device": [device(segment_id=id_, uuid="GPU-1") for id_ in ids],
            "curve_point": [point(t_ns, joules, segment_id=id_) for id_ in ids for t_ns, joules in ((5, 0.0), (20 * S, 2_000.0))],
            "phase": phases,
            "phase_energy": energies,
            "phase_fold": [phase_fold(segment_id=id_) for id_ in ids],
            "phase_fold_energy": [phase_fold_energy(30.0, segment_id=id_, owner_segment_id=id_) for id_ in ids],
        }
    )
    writer.close()
    return Store.open(str(tmp_path / "runs.db"))


def test_the_phases_of_a_run_are_counted_once_with_those_that_are_added_up(containers: Store) -> None:
    """What is added up has no times: that of the first reader counts."""
    stored = containers.load("run-1")
    found = {(p.segment_id, s.owner_segment_id, s.device): s.energy_j for p in stored.phases for s in p.devices}
    assert found == {("one", "one", "gpu0"): 1_030.0, ("two", "one", "gpu0"): 0.0}
    assert sum(d.last.energy_j - d.first.energy_j for d in stored.devices if d.first and d.last) == 2_000.0
    containers.close()
