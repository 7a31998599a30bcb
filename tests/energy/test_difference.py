"""How far two measured energies lie apart: what cancels, what does not, and that the truth is within."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trainwatt.carbon.difference import change_of
from trainwatt.energy.difference import Change, change, exact, scaled
from trainwatt.energy.intervals import COMMON, Share, interval

quick = settings(derandomize=True, max_examples=200)
CLASSES = ("gpu", "cpu", "dram")


def part(
    sensor: str,
    energy_j: float,
    gain: float = 0.05,
    gain_class: str = "gpu",
    *,
    wrong_j: float = 0.0,
    scatter_j2: float = 0.0,
    offset_j: float = 0.0,
) -> Share:
    return Share(energy_j, wrong_j, wrong_j, 0.0, 0.0, gain, gain_class, scatter_j2, offset_j, (sensor,))


def test_on_one_sensor_the_scale_error_is_in_the_difference_only() -> None:
    found = change([part("a", 1000.0)], [part("a", 1100.0)])
    assert (found.difference, found.low, found.high) == pytest.approx((100.0, 95.0, 105.0))
    assert (found.ratio, found.ratio_low, found.ratio_high) == pytest.approx((1.1, 1.1, 1.1))
    assert found.direction == 1


def test_between_sensors_of_an_unknown_class_both_scale_errors_stay_in_full() -> None:
    found = change([part("a", 1000.0, gain_class="x")], [part("b", 1100.0, gain_class="x")])
    assert (found.low, found.high) == pytest.approx((100.0 - 50.0 - 55.0, 100.0 + 50.0 + 55.0))
    assert (found.ratio_low, found.ratio_high) == pytest.approx((1.1 * 0.95 / 1.05, 1.1 * 1.05 / 0.95))
    assert found.direction == 0


def test_between_boards_the_common_part_cancels_and_their_own_parts_do_not() -> None:
    found = change([part("a", 1000.0)], [part("b", 1000.0)])
    own = 0.05 * math.sqrt(1 - COMMON["gpu"] ** 2)
    assert found.high == pytest.approx(1000.0 * own * math.sqrt(2))


def test_a_constant_error_of_one_sensor_is_in_the_difference_of_the_times_only() -> None:
    longer = change([part("a", 1000.0, 0.0, offset_j=50.0)], [part("a", 1000.0, 0.0, offset_j=60.0)])
    assert longer.high == pytest.approx(10.0)
    other = change([part("a", 1000.0, 0.0, offset_j=50.0)], [part("b", 1000.0, 0.0, offset_j=60.0)])
    assert other.high == pytest.approx(math.hypot(50.0, 60.0))


def test_classes_are_independent_and_sensors_of_an_unknown_one_are_not() -> None:
    unknown = [part(name, joules, gain_class="x") for name, joules in (("a", 1000.0), ("b", 1000.0), ("a", 1100.0), ("b", 900.0))]
    one_class = change(unknown[:2], unknown[2:])
    assert one_class.high == pytest.approx(5.0 + 5.0)  # they may err against each other, so that nothing cancels between them
    two = change([part("a", 1000.0), part("b", 1000.0, 0.05, "cpu")], [part("a", 1100.0), part("b", 900.0, 0.05, "cpu")])
    assert two.high == pytest.approx(math.hypot(5.0, 5.0))


def test_bounds_and_chance_happen_anew_in_each_run() -> None:
    bounds = change([part("a", 1000.0, 0.0, wrong_j=10.0)], [part("a", 1000.0, 0.0, wrong_j=20.0)])
    assert (bounds.low, bounds.high) == pytest.approx((-30.0, 30.0))
    chance = change([part("a", 1000.0, 0.0, scatter_j2=9.0)], [part("a", 1000.0, 0.0, scatter_j2=16.0)])
    assert chance.high == pytest.approx(2 * 5.0)


def test_the_wider_gain_holds_where_it_was_set_anew() -> None:
    assert change([part("a", 1000.0, 0.02)], [part("a", 1100.0, 0.10)]).high == pytest.approx(110.0)


def test_a_ratio_has_no_end_where_the_baseline_may_be_nothing() -> None:
    found = change([part("a", 100.0, 0.0, wrong_j=100.0)], [part("b", 100.0, 0.0)])
    assert (found.ratio_high, found.direction) == (None, 0)
    assert found.ratio_low == pytest.approx(0.5)
    nothing = change([part("a", 0.0)], [part("a", 100.0)])
    assert (nothing.ratio, nothing.ratio_low, nothing.ratio_high) == (None, None, None)
    assert nothing.low == pytest.approx(95.0)


def test_what_is_a_lower_bound_opens_one_end() -> None:
    a, b = [part("a", 1000.0)], [part("a", 1100.0)]
    other = change(a, b, other_is_least=True)
    assert (other.high, other.ratio_high, other.direction) == (None, None, 1)  # it used more, whatever it used beyond
    base = change(a, b, base_is_least=True)
    assert (base.low, base.ratio_low, base.direction, base.bounded) == (None, 0.0, 0, False)


def test_what_is_exact_has_no_range() -> None:
    assert exact(10.0, 12.0) == Change(2.0, 2.0, 2.0, 1.2, 1.2, 1.2)
    assert exact(0.0, 12.0).ratio is None


joules = st.floats(1.0, 1e6)
small = st.floats(0.0, 0.3)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Share], list[Share]]:
    """Two runs on up to four sensors of three classes, which they may or may not share."""

    def run(which: str) -> list[Share]:
        found = []
        for number in range(draw(st.integers(1, 4))):
            sensor = draw(st.sampled_from((f"shared{number}", f"{which}{number}")))
            energy, share = draw(joules), st.floats(0.0, 0.05)
            low, high, before, after = (energy * draw(share) for _ in range(4))
            scatter = (energy * draw(share)) ** 2
            found.append(Share(energy, low, high, before, after, GAINS[number % 3], CLASSES[number % 3], scatter, 0.0, (sensor,)))
        return found

    return run("a"), run("b")


GAINS = (0.05, 0.03, 0.10)


def errors_of(a: list[Share], b: list[Share], data: st.DataObject) -> dict[tuple[str, ...], float]:
    """Scale errors by sensor, in parts of the gain: of all sensors of a class in common, or of one sensor alone."""
    classes = {s.sensor: s.gain_class for s in (*a, *b)}
    error = data.draw(st.sampled_from((-1.0, -0.5, 0.5, 1.0)))
    if data.draw(st.booleans()):
        wrong = data.draw(st.sampled_from(CLASSES))
        return {sensor: error * COMMON[wrong] if of == wrong else 0.0 for sensor, of in classes.items()}
    one = data.draw(st.sampled_from(sorted(classes)))
    return {sensor: error * math.sqrt(1 - COMMON[of] ** 2) if sensor == one else 0.0 for sensor, of in classes.items()}


@given(runs(), st.data())
@quick
def test_the_truth_is_within_whatever_the_errors_within_their_bounds(both: tuple[list[Share], list[Share]], data: st.DataObject) -> None:
    """Each sensor has one scale error for both runs. Either the common part of a class or one sensor's own part is at its limit."""
    a, b = both
    unit = st.floats(-1.0, 1.0)
    scale = errors_of(a, b, data)

    def truth(parts: list[Share]) -> float:
        total = 0.0
        for s in parts:
            error = data.draw(unit)
            bound = (s.slack_high_j + s.edge_high_j) if error > 0 else (s.slack_low_j + s.edge_low_j)
            total += s.energy_j * (1 + scale[s.sensor] * s.gain) + error * bound
        return total

    true_a, true_b = truth(a), truth(b)
    found = change(a, b)
    assert found.low is not None
    assert found.high is not None
    slack = 1e-9 * (true_a + true_b)
    assert found.low - slack <= true_b - true_a <= found.high + slack
    assert found.ratio_low is not None
    assert found.ratio_low * (1 - 1e-9) <= true_b / true_a
    assert found.ratio_high is None or true_b / true_a <= found.ratio_high * (1 + 1e-9)


@given(runs())
@quick
def test_difference_and_ratio_agree_on_what_is_beyond_the_error(both: tuple[list[Share], list[Share]]) -> None:
    found = change(*both)
    assert found.low is not None
    assert found.high is not None
    assert found.ratio_low is not None
    assert found.low <= found.difference <= found.high
    size = sum(p.energy_j for p in both[0])
    assume(min(abs(found.low), abs(found.high)) > 1e-6 * size)
    assert (found.low > 0) == (found.ratio_low > 1)
    assert (found.high < 0) == (found.ratio_high is not None and found.ratio_high < 1)


@given(runs())
@quick
def test_turned_round_the_difference_is_its_opposite_and_the_ratio_its_inverse(both: tuple[list[Share], list[Share]]) -> None:
    there, back = change(*both), change(both[1], both[0])
    assert there.low is not None
    assert back.high is not None
    assert there.low == pytest.approx(-back.high, rel=1e-9, abs=1e-6)
    if there.ratio_low and back.ratio_high is not None:
        assert there.ratio_low == pytest.approx(1 / back.ratio_high, rel=1e-6)


@given(runs(), st.floats(1e-6, 1e3))
@quick
def test_per_unit_of_equal_work_the_ratio_is_that_of_the_energies(both: tuple[list[Share], list[Share]], factor: float) -> None:
    a, b = both
    found, per = change(a, b), change(scaled(a, factor), scaled(b, factor))
    assert per.ratio == pytest.approx(found.ratio)
    assert per.ratio_low == pytest.approx(found.ratio_low, rel=1e-6)
    assert (per.ratio_high is None) == (found.ratio_high is None)
    if found.ratio_high is not None:
        assert per.ratio_high == pytest.approx(found.ratio_high, rel=1e-6)


@given(runs())
@quick
def test_apart_from_shared_sensors_no_difference_is_surer_than_the_two_figures_allow(both: tuple[list[Share], list[Share]]) -> None:
    """Where nothing is shared the range is about as wide as that of either run: only the common part of a class cancels."""
    a, b = both
    apart = [p._replace(sensor=("other", *p.sensor)) for p in b]
    found = change(a, apart)
    assert found.low is not None
    assert found.high is not None
    up, down = found.high - found.difference, found.difference - found.low
    of_a, of_b = interval(a), interval(b)
    tolerance = 1e-9 * (of_a.high_j + of_b.high_j)
    own = math.sqrt(1 - max(COMMON[name] for name in CLASSES) ** 2)
    assert up >= own * max(of_b.high_j - of_b.energy_j, of_a.energy_j - of_a.low_j) - tolerance  # B is more than it seems, or A is less
    assert down >= own * max(of_b.energy_j - of_b.low_j, of_a.high_j - of_a.energy_j) - tolerance
    together = change(a, b)
    assert together.high is not None
    assert together.high <= found.high + 1e-9 * abs(found.high) + 1e-6  # sharing a sensor never makes it wider


def carbon(energy: tuple[float, float, float], hours: float, grid: tuple[float, float, float], per_hour: tuple[float, float, float]) -> Any:
    """A footprint as accounting.py builds it: (value, low, high) of energy in J, of g/kWh, and of grams an hour."""
    bounds = ("", "_low", "_high")
    operational = [j / 3.6e6 * 1.2 * i for j, i in zip(energy, grid, strict=True)]
    embodied = [hours * g for g in per_hour]
    grams = {f"operational{b}_g": o for b, o in zip(bounds, operational, strict=True)}
    grams |= {f"embodied{b}_g": m for b, m in zip(bounds, embodied, strict=True)}
    grams |= {f"total{b}_g": o + m for b, o, m in zip(bounds, operational, embodied, strict=True)}
    grams |= {f"intensity{b}_g_per_kwh": i for b, i in zip(bounds, grid, strict=True)}
    line = dict.fromkeys(("part", "name", "count", "unit", "row", "footprint_kg", "footprint_low_kg", "footprint_high_kg"), "x")
    same = {"zone": "FR", "intensity_source": "x", "intensity_basis": "life-cycle", "pue": 1.2, "assumptions": []}
    return {**grams, **same, "embodied_lines": [{**line, "host": str(per_hour)}]}


_range = st.tuples(st.floats(1.0, 500.0), st.floats(0.1, 1.0), st.floats(1.0, 5.0)).map(lambda r: (r[0], r[0] * r[1], r[0] * r[2]))
_place = st.floats(0.0, 1.0)


@given(runs(), _range, _range, st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.data())
@quick
def test_the_true_grams_are_within_where_intensity_and_hardware_are_common(
    both: tuple[list[Share], list[Share]],
    grid: tuple[float, float, float],
    made: tuple[float, float, float],
    hours_a: float,
    hours_b: float,
    data: st.DataObject,
) -> None:
    a, b = both
    energies = [interval(parts) for parts in both]
    footprints = carbon(energies[0], hours_a, grid, made), carbon(energies[1], hours_b, grid, made)
    found = change_of(*footprints, change(a, b), exact(hours_a, hours_b), hours_a)
    assert found is not None
    scale = errors_of(a, b, data)

    def joules_of(parts: list[Share]) -> float:
        return sum(s.energy_j * (1 + scale[s.sensor] * s.gain) for s in parts)

    intensity = grid[1] + data.draw(_place) * (grid[2] - grid[1])
    hourly = made[1] + data.draw(_place) * (made[2] - made[1])
    true_a, true_b = (j / 3.6e6 * 1.2 * intensity + hourly * h for j, h in ((joules_of(a), hours_a), (joules_of(b), hours_b)))
    tolerance = 1e-9 * (true_a + true_b)
    assert found.low is None or found.low - tolerance <= true_b - true_a
    assert found.high is None or true_b - true_a <= found.high + tolerance
    assert found.ratio_low is not None
    assert found.ratio_low * (1 - 1e-9) <= true_b / true_a
    assert found.ratio_high is None or true_b / true_a <= found.ratio_high * (1 + 1e-9)
