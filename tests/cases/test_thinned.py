"""A long run is thinned in its file: case 52."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes import stored_rows
from tests.fakes.clock import FakeClock
from tests.fakes.powercap import FakePowercap
from tests.fakes.recorded import Package, RecordedRun
from trainwatt.carbon.join import join_all, total
from trainwatt.carbon.series import Slot, series, utc_ns
from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.storage.write.writer import Writer

S = 10**9
HOUR_NS = 3600 * S
HOURS = 7 * 24
BEGIN_NS = 7_000 * S + 123_456_789
BEGIN_UTC_NS = utc_ns("2026-11-24T09:17Z") + 987_654_321
EVERY_S = {"package-0": 10.0, "dram-0": 30.0}
"""How far apart the points of each device are."""


def curve(every_s: float, watts: Sequence[float]) -> list[Point]:
    """A week of points at uneven times, with another power from each to the next and a joule imputed here and there."""
    points, t_ns, counter_j, imputed_j = [Point(BEGIN_NS)], BEGIN_NS, 0.0, 0.0
    for n in range(int(HOURS * 3600 / every_s)):
        t_ns += round((every_s + (n * 7919 % 100 - 50) * 0.001) * S)
        counter_j += watts[n * 31 % len(watts)] * every_s
        imputed_j += 1.0 if n % 1000 == 999 else 0.0
        points.append(Point(t_ns, counter_j, 0.0, imputed_j, 0.0, imputed_j / 2, imputed_j, 0.5, 0.5))
    return points


def fill(run: RecordedRun, curves: dict[str, list[Point]], offset_ns: int) -> None:
    """Write a week of it to the file, as if it had been committed every second: points, an anchor every ten minutes, a thousand phases."""
    mine = {"segment_id": run.begun.segment_id}
    anchors = [Anchor(t_ns, t_ns + offset_ns, t_ns) for t_ns in range(BEGIN_NS + 600 * S, BEGIN_NS + HOURS * HOUR_NS, 600 * S)]
    phases = {"segment_id": run.begun.segment_id, "run_id": run.begun.run_id}
    energies = {"segment_id": run.begun.segment_id, "owner_segment_id": run.begun.segment_id}
    writer = Writer.open(run.db)
    writer.write(
        {
            "curve_point": [mine | {"device": name} | p._asdict() for name, points in curves.items() for p in points[1:]],
            "clock_anchor": [mine | anchor._asdict() for anchor in anchors],
            "phase": [stored_rows.phase(seq, name=f"part{seq % 3}", **phases) for seq in range(1000)],
            "phase_energy": [stored_rows.phase_energy(seq, 1 + seq / 7, name, **energies) for seq in range(1000) for name in curves],
        }
    )
    writer.close()


def read(run: RecordedRun) -> tuple[dict[str, Any], list[float], int]:
    """The run as it is shown, its grams by the hour, and the number of its points."""
    stored, curves = run.stored, run.curves
    grams = []
    for number, start_ns in enumerate(range(BEGIN_UTC_NS // HOUR_NS * HOUR_NS, BEGIN_UTC_NS + (HOURS + 1) * HOUR_NS, HOUR_NS)):
        hour = series([Slot(start_ns, start_ns + HOUR_NS, 50.0 + number * 37 % 600, False, "grid")], "grid.csv")
        grams.append(total(join_all(list(curves.values()), stored.anchors[run.begun.segment_id], [hour])).total_g)
    return run.view, grams, sum(map(len, curves.values()))


@pytest.mark.slow
def test_case_52_thinning_a_week_leaves_run_phases_and_hourly_grams(machine: FakePowercap) -> None:
    """The commits of a run that has lasted a week delete most points from its file. The figures that are shown stay equal to 1e-9."""
    clock = FakeClock(BEGIN_NS, BEGIN_UTC_NS)
    package = Package(machine)
    machine.zone("intel-rapl:0:0", "dram")
    run = RecordedRun(machine, clock, package.draw)
    curves = {name: curve(every_s, [60.0, 310.0, 290.0, 150.0, 402.5]) for name, every_s in EVERY_S.items()}
    fill(run, curves, clock.anchor().utc_ns - clock.anchor().monotonic_ns)
    view, grams, count = read(run)
    assert view["energy"]["total_j"] == pytest.approx(sum(points[-1].energy_j for points in curves.values()))
    assert sum(g > 0 for g in grams) == HOURS + 1
    assert [p["count"] for p in view["phases"]] == [334, 333, 333]

    clock.advance(HOURS * 3600.0)
    for _ in range(HOURS + 2):  # an hour of the curves at most goes with one commit
        run.begun.recorder.flush()
    thin_view, thin_grams, thin_count = read(run)
    assert count == HOURS * (360 + 120) + 2
    assert thin_count <= len(curves) * (2 * 12 * HOURS + 10) + 360 + 120  # the last hour is whole
    assert thin_view["phases"] == view["phases"]
    for key in ("total_j", "low_j", "high_j"):
        assert thin_view["energy"][key] == pytest.approx(view["energy"][key], rel=1e-9)
    for now, before in zip(thin_view["energy"]["devices"], view["energy"]["devices"], strict=True):
        assert {k: now[k] for k in ("device", "energy_j", "low_j", "high_j", "provenance")}.items() <= before.items()
    assert thin_grams == pytest.approx(grams, rel=1e-9, abs=1e-12)
    with sqlite3.connect(run.db) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    run.end()
