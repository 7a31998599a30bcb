"""Each piece of a curve meets the intensity of its own hour: exactly, whatever the wall clock did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.carbon.join import UNKNOWN, Constant, Joined, join, join_all, total
from trainwatt.carbon.series import Series, Slot, read_series, series, utc_ns
from trainwatt.carbon.tables.basis import Basis
from trainwatt.core.clock import Anchor
from trainwatt.core.point import Point
from trainwatt.errors import ConfigurationError

S = 1_000_000_000
HOUR = 3600 * S
BOOT = 7_000 * S
"""The monotonic clock at the start of the runs below."""


def point(t_ns: int, energy_j: float) -> Point:
    return Point(t_ns, counter_j=energy_j)


def anchor(monotonic_ns: int, utc_ns_: int) -> Anchor:
    return Anchor(monotonic_ns, utc_ns_, monotonic_ns)


def hourly(start: str, values: list[float], source: str = "csv", basis: Basis | None = None) -> Series:
    first = utc_ns(start)
    return series([Slot(first + i * HOUR, first + (i + 1) * HOUR, g, False, source) for i, g in enumerate(values)], source, basis)


def exact(joined: Joined, grams: float) -> bool:
    assert math.isclose(math.fsum(p.grams for p in joined.pieces), joined.total_g, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(math.fsum(p.energy_j for p in joined.pieces), joined.energy_j, rel_tol=1e-9, abs_tol=1e-9)
    assert joined.low_g <= joined.total_g * (1 + 1e-12)
    assert joined.total_g <= joined.high_g * (1 + 1e-12)
    return math.isclose(joined.total_g, grams, rel_tol=1e-9)


POWERS_W = [100.0 + 25.0 * (h % 7) for h in range(24)]
GRAMS = [50.0 + 17.0 * ((h * 5) % 11) for h in range(24)]
DAY_CSV = "start,intensity_g_per_kwh\n" + "".join(f"2026-11-24T{h:02d}:00Z,{g}\n" for h, g in enumerate(GRAMS))


def day(offset_s: int = 0) -> list[Point]:
    """A day with another power each hour, a point each ten seconds."""
    points, energy = [], 0.0
    for i in range(24 * 360 + 1):
        points.append(point(BOOT + (10 * i + offset_s) * S, energy))
        energy += 10 * POWERS_W[min(23, i // 360)]
    return points


def test_a_day_by_the_hour_is_the_exact_sum_and_not_the_total_times_the_mean() -> None:
    joined = join(day(), [anchor(BOOT, utc_ns("2026-11-24T00:00Z"))], [read_series(DAY_CSV, "grid.csv")])
    assert exact(joined, sum(p / 1000 * g for p, g in zip(POWERS_W, GRAMS, strict=True)))
    assert math.isclose(joined.energy_j, 3600 * sum(POWERS_W), rel_tol=1e-9)
    assert abs(joined.total_g / (joined.energy_j / 3.6e6 * sum(GRAMS) / 24) - 1) > 0.001
    assert joined.mean_g_per_kwh is not None
    assert math.isclose(joined.mean_g_per_kwh, joined.total_g / (joined.energy_j / 3.6e6), rel_tol=1e-12)
    assert [p.source for p in joined.pieces] == ["grid.csv"]


def test_the_curve_is_cut_within_its_points_at_the_edge_of_an_hour() -> None:
    """One straight line over three hours, from half past: the edges lie between its two points."""
    points = [point(BOOT, 0.0), point(BOOT + 2 * HOUR, 7200e3)]
    joined = join(points, [anchor(BOOT, utc_ns("2026-11-24T00:30Z"))], [hourly("2026-11-24T00:00Z", [100, 200, 400])])
    assert exact(joined, 0.5 * 100 + 1.0 * 200 + 0.5 * 400)


@pytest.mark.parametrize(
    ("night", "offsets"),
    [("2026-03-29", ("+01:00", "+02:00")), ("2026-10-25", ("+02:00", "+01:00"))],
)
def test_a_change_of_daylight_saving_moves_nothing(night: str, offsets: tuple[str, str]) -> None:
    """Local times with their offsets: one hour of the night is missing, or comes twice. The energy is of one true hour each."""
    before, after = offsets
    spring = before < after
    hours = [("00", before), ("01", before), ("03", after)] if spring else [("01", before), ("02", before), ("02", after)]
    text = "start,intensity_g_per_kwh\n" + "".join(
        f"{night}T{h}:00{offset},{g}\n" for (h, offset), g in zip(hours, (100, 300, 700), strict=True)
    )
    start = utc_ns(f"{night}T{hours[0][0]}:00{before}")
    points = [point(BOOT, 0.0), point(BOOT + HOUR, 3.6e6), point(BOOT + 2 * HOUR, 3 * 3.6e6), point(BOOT + 3 * HOUR, 6 * 3.6e6)]
    joined = join(points, [anchor(BOOT, start)], [read_series(text, "night")])
    assert exact(joined, 1 * 100 + 2 * 300 + 3 * 700)
    assert joined.unmatched_j == 0


@pytest.mark.parametrize("step_h", [1, -1])
def test_a_clock_stepped_by_an_hour_changes_no_joule(step_h: int) -> None:
    """The anchor after the step says what time it was from then on; what came before keeps its own."""
    start = utc_ns("2026-11-24T10:00Z")
    points = [point(BOOT + i * HOUR // 4, i * 9e5) for i in range(17)]  # four hours of 1 kW
    anchors = [anchor(BOOT, start), anchor(BOOT + 2 * HOUR, start + (2 + step_h) * HOUR)]
    by_hour: dict[int, float] = {h: 100.0 * h + h * h for h in range(9, 16)}
    joined = join(points, anchors, [hourly("2026-11-24T09:00Z", list(by_hour.values()))])
    assert math.isclose(joined.energy_j, 4 * 3.6e6, rel_tol=1e-12)
    assert exact(joined, by_hour[10] + by_hour[11] + by_hour[12 + step_h] + by_hour[13 + step_h])


def test_what_a_source_lacks_the_next_gives_for_that_time_only() -> None:
    own = series([Slot(utc_ns("2026-11-24T00:00Z"), utc_ns("2026-11-24T01:00Z"), 100, False, "own.csv")], "own.csv")
    first, second, third = (utc_ns(f"2026-11-24T0{h}:00Z") for h in (1, 2, 3))
    live = series([Slot(first, second, 200, True, "provider"), Slot(second, third, 250, False, "provider")], "cache", Basis.LIFECYCLE)
    points = [point(BOOT, 0.0), point(BOOT + 4 * HOUR, 4 * 3.6e6)]
    joined = join(points, [anchor(BOOT, utc_ns("2026-11-24T00:00Z"))], [own, live, Constant(40.0, 20.0, 80.0, "FR 2024", Basis.LIFECYCLE)])
    assert exact(joined, 100 + 200 + 250 + 40)
    assert [(p.source, p.estimated, round(p.grams)) for p in joined.pieces] == [
        ("own.csv", False, 100),
        ("provider", True, 200),
        ("provider", False, 250),
        ("FR 2024", False, 40),
    ]
    assert [round(p.energy_j) for p in joined.pieces] == [3_600_000] * 4
    assert (round(joined.low_g), round(joined.high_g)) == (570, 630)


def test_what_nothing_is_known_of_has_joules_and_no_grams() -> None:
    points = [point(BOOT, 0.0), point(BOOT + 2 * HOUR, 7.2e6)]
    joined = join(points, [anchor(BOOT, utc_ns("2026-11-24T00:00Z"))], [hourly("2026-11-24T00:00Z", [100])])
    assert (round(joined.total_g), round(joined.unmatched_j), round(joined.mean_g_per_kwh or 0)) == (100, 3600000, 100)
    assert [p.source for p in joined.pieces] == ["csv", UNKNOWN]
    assert join(points, [], []).mean_g_per_kwh is None


def test_without_an_anchor_the_time_of_day_is_not_made_up() -> None:
    points = [point(BOOT, 0.0), point(BOOT + HOUR, 3.6e6)]
    joined = join(points, [], [hourly("1970-01-01T00:00Z", [500] * 9), Constant(40.0, 20.0, 80.0, "FR 2024")])
    assert [p.source for p in joined.pieces] == ["FR 2024"]


def test_nothing_measured_is_nothing_emitted() -> None:
    for points in ([], [point(BOOT, 5.0)]):
        assert join(points, [], [Constant(40.0, 20.0, 80.0, "x")]) == Joined(0.0, 0.0, 0.0, 0.0, 0.0, None, ())


def test_bases_are_not_mixed_along_a_chain() -> None:
    with pytest.raises(ConfigurationError, match="direct and lifecycle"):
        join([], [], [hourly("2026-11-24T00:00Z", [1], basis=Basis.DIRECT), Constant(40.0, 20.0, 80.0, "FR", Basis.LIFECYCLE)])


@given(
    st.lists(st.tuples(st.integers(1, 20_000), st.floats(0, 5e4)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(-7200, 7200)), min_size=1, max_size=3),
    st.lists(st.floats(0, 2000), min_size=1, max_size=30),
    st.floats(0, 1),
    st.floats(0.1, 10),
)
@settings(max_examples=100)
def test_splitting_a_runs_time_changes_no_gram_and_scaling_its_energy_scales_them(
    steps: list[tuple[int, float]], clock: list[tuple[int, int]], values: list[float], where: float, factor: float
) -> None:
    points = [point(BOOT, 0.0)]
    for seconds, energy in steps:
        points.append(point(points[-1].t_ns + seconds * S, points[-1].energy_j + energy))
    start = utc_ns("2026-11-24T00:10Z")
    anchors = [anchor(BOOT + at * S, start + (at + step) * S) for at, step in clock]
    chain: list[Series | Constant] = [hourly("2026-11-24T00:00Z", values), Constant(300.0, 150.0, 600.0, "zone")]
    whole = join(points, anchors, chain)

    index = min(int(where * len(steps)), len(steps) - 1)
    a, b = points[index], points[index + 1]
    middle = (a.t_ns + b.t_ns) // 2
    cut = point(middle, a.energy_j + (b.energy_j - a.energy_j) * ((middle - a.t_ns) / (b.t_ns - a.t_ns)))
    split = total([join([*points[: index + 1], cut], anchors, chain), join([cut, *points[index + 1 :]], anchors, chain)])
    assert math.isclose(split.total_g, whole.total_g, rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(split.energy_j, whole.energy_j, rel_tol=1e-9, abs_tol=1e-9)

    scaled = join([point(p.t_ns, p.energy_j * factor) for p in points], anchors, chain)
    assert math.isclose(scaled.total_g, whole.total_g * factor, rel_tol=1e-9, abs_tol=1e-9)
    assert exact(whole, whole.total_g)


def test_many_devices_are_one_sum() -> None:
    curves = [[point(BOOT, 0.0), point(BOOT + HOUR, joules)] for joules in (1e6, 2e6, 5e6)]
    anchors, chain = [anchor(BOOT, utc_ns("2026-11-24T00:30Z"))], (hourly("2026-11-24T00:00Z", [100, 300]),)
    parts = [join(points, anchors, chain) for points in curves]
    assert math.isclose(total(parts).total_g, 8e6 / 3.6e6 * 200, rel_tol=1e-9)
    assert len(total(parts).pieces) == 1
    assert total([]) == join([], [], [])


def test_devices_that_began_or_ended_at_other_times_are_cut_as_if_alone() -> None:
    anchors = [anchor(BOOT, utc_ns("2026-11-24T00:30Z")), anchor(BOOT + HOUR, utc_ns("2026-11-24T01:45Z"))]
    chain: list[Series | Constant] = [hourly("2026-11-24T00:00Z", [100, 300, 700]), Constant(40.0, 20.0, 80.0, "zone")]
    curves = [
        [point(BOOT + a * HOUR // 4, 0.0), point(BOOT + b * HOUR // 4, 1e6 * b)] for a, b in ((0, 20), (1, 3), (3, 4), (4, 9), (15, 19))
    ]
    curves += [[], [point(BOOT, 1.0)]]
    assert join_all(curves, anchors, chain) == [join(points, anchors, chain) for points in curves]
    assert join_all([], anchors, chain) == []


class Week(Sequence[Point]):
    """A point a second for a week at 300 W, each made when it is looked at, and the looks counted."""

    seconds = 7 * 24 * 3600

    def __init__(self) -> None:
        self.looks = 0

    def __len__(self) -> int:
        return self.seconds + 1

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        i = index % (self.seconds + 1)
        return point(BOOT + i * S, 300.0 * i)


def test_a_week_of_ten_devices_with_a_point_a_second_is_only_looked_at_beside_its_edges() -> None:
    """No point is visited that does not lie beside an edge; and a clock that is slewed all week makes no more edges."""
    curves = [Week() for _ in range(10)]
    start = utc_ns("2026-11-24T00:20Z")
    anchors = [anchor(BOOT + i * 60 * S, start + i * 60 * S + i * 1000) for i in range(Week.seconds // 60)]
    own = hourly("2026-11-24T00:00Z", [100.0 + i % 24 for i in range(7 * 24)])
    chain: list[Series | Constant] = [own, Constant(300.0, 150.0, 600.0, "zone")]
    joined = total(join_all(curves, anchors, chain))
    assert joined.energy_j == pytest.approx(10 * 300.0 * Week.seconds)
    assert [p.source for p in joined.pieces] == ["csv", "zone"]
    hours = 7 * 24 + 2
    assert max(c.looks for c in curves) < 30 * hours  # a bisection of 604,801 points takes 20 looks
