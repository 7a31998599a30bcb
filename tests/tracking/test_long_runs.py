"""A long run stays small, in memory and in the file, and what is shown of it stays what it was."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import stored_rows
from tests.fakes.clock import FakeClock
from tests.fakes.long_run import RUN, SEGMENT, LongRun, swinging
from trainwatt.analysis.view import describe
from trainwatt.carbon.join import Joined, join_all
from trainwatt.carbon.series import Slot, series
from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.energy.thinning import KEEP_NS, SLOT_NS
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.recording.compaction import LOOK_AFTER, MOST_OF_A_NAME, MOST_OF_ALL, instances
from trainwatt.tracking.recording.phases.phase_log import INDIVIDUAL, MOST_NAMES, MOST_WAITING, OTHERS

S = 10**9


def grams(points: list[Point], anchors: list[Anchor] | tuple[Anchor, ...], begin_utc_ns: int, minutes: int) -> Joined:
    """One curve on a grid whose intensity changes every so many minutes of UTC."""
    step = minutes * 60 * S
    starts = range((begin_utc_ns - 10_000 * S) // step * step, begin_utc_ns + 60_000 * S, step)
    slots = [Slot(t, t + step, 50.0 + t // step * 37 % 600, False, "grid") for t in starts]
    return join_all([points], anchors, [series(slots, "grid")])[0]


def assert_nothing_is_missed(run: LongRun) -> None:
    """Every curve as it is stored says what it would with all its points and anchors."""
    stored, curves = run.stored()
    for device, points in curves.items():
        whole, anchors = run.whole(device)
        assert (points[0], points[-1]) == (whole[0], whole[-1])
        assert set(points) <= set(whole)
        for minutes in (5, 30, 60):
            thin = grams(points, stored.anchors[SEGMENT], run.begin_utc_ns, minutes)
            assert thin == grams(whole, anchors, run.begin_utc_ns, minutes)


def phases_one_by_one(run: LongRun) -> dict[str, list[float]]:
    """What the phases would add up to had none been folded: count, unresolved, ns, and the sums over devices of each energy."""
    sums: dict[str, list[float]] = {}
    with sqlite3.connect(run.db) as connection:
        everything = {t: f"(SELECT * FROM {t} UNION SELECT * FROM {t}_aside)" for t in ("phase", "phase_energy")}
        counted = "name, count(*), sum(resolved = 0), sum(end_t_ns - start_t_ns), min(start_utc_ns)"
        for name, *counts in connection.execute(f"SELECT {counted} FROM {everything['phase']} GROUP BY name").fetchall():
            energies = connection.execute(
                "SELECT sum(energy_j), sum(slack_low_j), sum(slack_high_j), sum(edge_low_j), sum(edge_high_j), sum(scatter_j2)"
                f" FROM {everything['phase_energy']} e JOIN {everything['phase']} p USING (segment_id, seq) WHERE name = ?",
                (name,),
            ).fetchone()
            sums[name] = [*counts, *energies]
    return sums


def phases(run: LongRun) -> dict[str, list[float]]:
    """The same of what is loaded."""
    sums: dict[str, list[float]] = {}
    for p in run.stored()[0].phases:
        energies = [sum(column) for column in zip(*(d[2:] for d in p.devices), strict=True)]
        sums[p.name] = [p.instances, p.unresolved, round(p.duration_s * S), p.first_start_utc_ns, *energies]
    return sums


def elements(thing: object, seen: set[int] | None = None) -> int:
    """How many things the containers within an object of ours hold, all in all."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, Mapping):
        return len(thing) + sum(elements(v, seen) for v in thing.values())
    if isinstance(thing, (list, tuple, set, frozenset, deque)):
        return len(thing) + sum(elements(v, seen) for v in thing)
    if not type(thing).__module__.startswith("trainwatt"):
        return 0
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    values = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name, None) for name in slots)]
    return sum(elements(value, seen) for value in values)


@pytest.mark.slow
def test_six_hours_are_as_small_as_two_and_say_the_same(tmp_path: Path) -> None:
    """Ten readings a second of three devices, a phase every second, and a wall clock that is set now and then."""
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 3))
    current = run.begin("train")

    def next_phase() -> None:
        nonlocal current
        if clock.now_ns - current.start_t_ns >= S:
            run.over(current)
            current = run.begin("train")

    held = []
    for hour in range(6):
        clock.step_utc_ns([0, -100 * S, 7 * 60 * S, 1_000, 3 * 3600 * S, -2_500_000_000][hour])
        run.move(1800, each=next_phase)
        if hour == 3:
            clock.sleep(1234)
        run.move(1800, each=next_phase)
        held.append(elements((run.recorder, run.sampler)))
    run.over(current)
    run.end()

    assert max(held[1:]) <= 1.1 * held[0]
    stored, curves = run.stored()
    last_hours = KEEP_NS / S + 2 * SLOT_NS / S
    for device, points in curves.items():
        assert len(run.whole(device)[0]) > 6 * 3590
        assert KEEP_NS / S < len(points) < last_hours + 2 * (5 * 12 + 6)
    assert len(stored.anchors[SEGMENT]) < last_hours / 60 + 5 * 12 + 2 * 6
    assert run.count("phase") <= instances(MOST_OF_A_NAME, 3) + LOOK_AFTER + 10
    assert run.count("phase_energy") == 3 * run.count("phase")

    assert_nothing_is_missed(run)
    assert phases(run)["train"] == pytest.approx(phases_one_by_one(run)["train"], rel=1e-12)
    view = describe(stored)
    true_j = sum(s.joules(clock.now_ns) - s.joules(run.begin_ns) for s in swinging(clock, 3))
    assert view["energy"]["total_j"] == pytest.approx(true_j, rel=1e-9, abs=0.05)  # the power of the last instants is estimated
    (train,) = view["phases"]
    assert train["count"] == run.seq
    assert train["energy_j"] == pytest.approx(view["energy"]["total_j"], rel=1e-9)


def test_a_run_of_less_than_an_hour_keeps_every_point(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 2))
    run.move(3590, tick_s=1.0)
    run.end()
    assert run.count("curve_point_aside") == run.count("clock_anchor_aside") == 0
    assert {len(points) for points in run.stored()[1].values()} == {3591}


@pytest.mark.slow
def test_a_locked_database_only_puts_thinning_off(tmp_path: Path) -> None:
    """It is locked for ten minutes just when thinning is due, and a step of the clock falls in that time; then for an hour and a half."""
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 2))
    run.move(KEEP_NS / S + 200, tick_s=1.0)
    other = sqlite3.connect(run.db, isolation_level=None)

    def locked_for(seconds: float) -> None:
        other.execute("BEGIN IMMEDIATE")
        failed = 0
        for second in range(round(seconds)):
            clock.advance(1)
            run.sampler.poll()
            if second == 100:
                clock.step_utc_ns(400 * S)
            if second % 60 == 0:
                with pytest.raises(Exception, match="locked by another process"):
                    run.commit()
                failed += 1
        assert failed >= seconds / 60
        other.execute("ROLLBACK")

    locked_for(600)
    run.move(600, tick_s=1.0)
    locked_for(5400)
    run.move(7200, tick_s=1.0)
    run.end()
    assert run.count("curve_point_aside") > 3000
    assert_nothing_is_missed(run)


def test_a_lost_device_keeps_its_last_point(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 2))
    run.move(1000, tick_s=1.0)
    run.sampler.integrators["gpu1"].failed("energy", clock.now_ns, "gone", lost=True)
    run.move(9000, tick_s=1.0)
    run.end()
    points = run.stored()[1]["gpu1"]
    assert len(points) <= 2 * 5 + 2
    assert points[-1].t_ns // S == 1001
    assert_nothing_is_missed(run)


@pytest.mark.slow
def test_thousands_of_phases_a_second_are_counted_and_add_up_to_the_run(tmp_path: Path) -> None:
    """Four thousand a second, one after the other: those over what a commit stores are added up at once."""
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 2))
    run.move(1)
    begin_j = {n: i.curve.latest for n, i in run.sampler.integrators.items()}
    outer, held = run.begin("epoch"), []
    for _ in range(15):
        for _ in range(10):
            for n in range(400):
                step = run.begin("forward" if n % 2 else "backward")
                clock.advance(0.1 / 400)
                run.over(step)
            run.sampler.poll()
        run.commit()
        held.append(elements((run.recorder, run.sampler)))
    run.over(outer)
    run.move(1)
    run.end()
    assert max(held) < 5_000
    assert run.count("phase") + run.count("phase_aside") <= 18 * (INDIVIDUAL + 1)
    stored, _ = run.stored()
    view: dict[str, Any] = {p["name"]: p for p in describe(stored)["phases"]}
    assert {name: p["count"] for name, p in view.items()} == {"epoch": 1, "forward": 30_000, "backward": 30_000}
    assert sum(p["duration_s"] for n, p in view.items() if n != "epoch") == pytest.approx(15)
    assert view["forward"]["energy_j"] + view["backward"]["energy_j"] == pytest.approx(view["epoch"]["energy_j"], rel=1e-9)
    assert view["epoch"]["energy_j"] > 0
    assert view["forward"]["unresolved_count"] == 30_000
    assert not [e for e in stored.events if e.kind == "store"]
    assert all(begin_j.values())


def test_what_is_too_much_is_left_out_and_said_once(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 1))
    for _ in range(3):
        for _ in range(2 * MOST_WAITING + 5000):
            run.over(run.begin("step"))
        assert elements(run.recorder) < 4 * MOST_WAITING
        clock.advance(1)
        run.sampler.poll()
        run.commit()
    run.move(1)
    run.end()
    stored, _ = run.stored()
    assert [e.detail for e in stored.events if e.kind == "store"] == [
        "phases end faster than they can be stored; some are left out, but the energy of the run is complete"
    ]
    assert stored.phases[0].instances >= 3 * MOST_WAITING
    assert (describe(stored)["energy"]["total_j"] or 0) > 0


def test_names_without_end_become_one(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 1))
    for n in range(MOST_NAMES + 500):
        record = run.begin(f"step {n}")
        run.recorder.work("samples", [record], 2)
        run.move(0.1)
        run.over(record)
    run.end()
    stored, _ = run.stored()
    assert len(stored.phases) == MOST_NAMES + 1
    assert {p.name: p.instances for p in stored.phases}[OTHERS] == 500
    assert {w.phase: w.amount for w in stored.work}[OTHERS] == 1000
    assert [e.detail for e in stored.events if "names of phases" in e.detail] == [
        "there are more than 1,000 names of phases; the others are added up as 'other phases' (use step= for numbers)"
    ]


@pytest.mark.slow
def test_the_newest_of_all_names_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 1))
    first = run.begin("whole")
    for n in range(30_000):
        record = run.begin(f"part{n % 10}")
        clock.advance(0.01)
        run.over(record)
        if n % 50 == 49:
            run.sampler.poll()
            run.commit()
    run.over(first)
    run.end()
    assert run.count("phase") <= instances(MOST_OF_ALL, 1) + LOOK_AFTER + 100
    assert {name: sums[0] for name, sums in phases(run).items()} == {"whole": 1} | {f"part{n}": 3000 for n in range(10)}
    one_by_one = phases_one_by_one(run)
    for name, sums in phases(run).items():
        assert sums == pytest.approx(one_by_one[name], rel=1e-9)
    with sqlite3.connect(run.db) as connection:
        (oldest,) = connection.execute("SELECT min(seq) FROM phase WHERE name <> 'whole'").fetchone()
        assert oldest > run.seq - instances(MOST_OF_ALL, 1) - LOOK_AFTER - 100
        assert connection.execute("SELECT count(*) FROM phase WHERE name = 'whole'").fetchone() == (1,)


def test_phases_of_joined_processes_are_folded_by_the_owner(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 2), joinable=True)
    other = Writer.open(run.db)
    other.write({"segment": [stored_rows.segment("seg-2", RUN, role="joined", boot_id="boot-1")]})
    seq = 0
    for _ in range(30):
        batch: list[dict[str, Any]] = []
        for _ in range(500):
            seq += 1
            edges = {"start_t_ns": clock.now_ns, "end_t_ns": clock.now_ns + 2_000_000, "start_utc_ns": clock.now_ns}
            batch.append(stored_rows.phase(seq, "step", "seg-2", RUN, resolved=None, **edges))
            clock.advance(0.002)
        other.write({"phase": batch})
        run.sampler.poll()
        run.commit()
    run.end()
    (step,) = run.stored()[0].phases
    assert (step.segment_id, step.instances, step.pending) == ("seg-2", seq, 0)
    assert run.count("phase") <= instances(MOST_OF_A_NAME, 2) + LOOK_AFTER + 1000
    assert phases(run)["step"] == pytest.approx(phases_one_by_one(run)["step"], rel=1e-9)
    assert {d.owner_segment_id for d in step.devices} == {SEGMENT}


def test_an_end_seen_before_its_stamp_counts_once(tmp_path: Path) -> None:
    """The training writes down the end of a phase a moment before it says so: a commit may come in between."""
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 1))
    many = [run.begin("step") for _ in range(INDIVIDUAL + 10)]
    clock.advance(0.5)
    for record in many:
        record.end_t_ns = clock.now_ns
    run.move(2)
    for record in many:
        run.recorder.phase(record)
    run.move(2)
    run.end()
    assert [(p.name, p.instances, p.pending) for p in run.stored()[0].phases] == [("step", len(many), 0)]
    energies = [p.devices[0].energy_j for p in run.stored()[0].phases]
    assert energies == [pytest.approx(50, rel=0.1)]  # all are under way at the same time


def test_curves_are_in_order_and_rise(tmp_path: Path) -> None:
    clock = FakeClock()
    run = LongRun(tmp_path / "runs.db", clock, swinging(clock, 1))
    run.move(8000, tick_s=2.0)
    run.end()
    (points,) = run.stored()[1].values()
    assert all(a.t_ns < b.t_ns and a.energy_j <= b.energy_j for a, b in pairwise(points))
