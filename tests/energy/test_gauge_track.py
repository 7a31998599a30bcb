"""Power readings integrated to energy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.sensor import AVERAGE, INSTANT
from trainwatt.core.point import Provenance
from trainwatt.core.sensing import Gauge, Reading
from trainwatt.energy.gauge_track import GaugeTrack, Piece

S = 10**9
quick = settings(derandomize=True, max_examples=150)
INTERVAL = Gauge("interval", provenance=Provenance.MODELLED, low_factor=0.5, high_factor=1.6)


def pieces_of(track: GaugeTrack, readings: list[tuple[float, float]]) -> list[Piece]:
    return [p for t_s, watts in readings if (p := track.take(Reading(round(t_s * S), watts))) is not None]


def joules(pieces: list[Piece]) -> float:
    return sum(p.energy_j for p in pieces)


def with_tail(gauge: Gauge, readings: list[tuple[float, float]], end_s: float) -> list[Piece]:
    track = GaugeTrack(gauge, 700.0)
    pieces = pieces_of(track, readings)
    tail = track.tail(round(end_s * S), None)
    return pieces if tail is None else [*pieces, tail]


def test_the_first_reading_books_nothing() -> None:
    for gauge in (INSTANT, AVERAGE, INTERVAL):
        assert GaugeTrack(gauge, 300.0).take(Reading(S, 250.0)) is None


def test_an_instantaneous_gauge_is_the_trapezoid() -> None:
    """A ramp from 100 to 300 W over 10 s is 2 kJ however it is sampled."""
    readings = [(t, 100 + 20 * t) for t in (0, 0.3, 0.7, 1.9, 2.5, 3.7, 5, 6, 7.2, 8.4, 9.1, 10)]
    assert joules(pieces_of(GaugeTrack(INSTANT, 700.0), readings)) == pytest.approx(2000)


def test_between_two_different_samples_the_power_may_have_been_either() -> None:
    [piece] = pieces_of(GaugeTrack(INSTANT, 700.0), [(0, 100), (0.1, 500)])
    assert piece.energy_j - piece.slack_low_j == pytest.approx(10)
    assert piece.energy_j + piece.slack_high_j == pytest.approx(50)
    assert piece.provenance is Provenance.MEASURED_POWER


def test_what_an_average_read_less_often_than_it_is_long_has_not_seen_is_unknown() -> None:
    """Read every 1.5 s, a mean of 1 s says nothing of every third half second."""
    [_, piece] = pieces_of(GaugeTrack(AVERAGE, 700.0), [(0, 100), (1.5, 100), (3.0, 500)])
    assert piece.energy_j == pytest.approx(450)
    assert (piece.slack_low_j, piece.slack_high_j) == pytest.approx((100, 100))


def test_a_model_is_held_backward_and_carries_its_factors() -> None:
    [piece] = pieces_of(GaugeTrack(INTERVAL, 700.0), [(0, 999), (2, 100)])
    assert piece[:-1] == pytest.approx((2 * S, 2.0, 200.0, 100.0, 120.0))
    assert piece.provenance is Provenance.MODELLED


@pytest.mark.parametrize("gauge", [INSTANT, Gauge("window", 0.1), Gauge("interval")], ids=["instant", "window", "interval"])
def test_unchanged_samples_count(gauge: Gauge) -> None:
    """100 W for 9.9 s, then 500 W for 0.1 s, read every 0.1 s: 1,040 J ± 2 %."""
    readings = [(t / 10, 100.0) for t in range(100)] + [(10.0, 500.0)]
    if gauge.shape == "instant":
        readings[99] = (9.9, 500.0)
    pieces = with_tail(gauge, readings, 10.0)
    assert joules(pieces) == pytest.approx(1040, rel=0.02)
    if gauge.shape == "interval":  # the mean since the last read is exact
        assert joules(pieces) == pytest.approx(1040)


def _average(t_s: float, step_s: float, low_w: float, high_w: float, window_s: float = 1.0) -> float:
    """The mean of the last `window_s` of a step from low to high at `step_s`."""
    return low_w + (high_w - low_w) * min(1.0, max(0.0, (t_s - step_s) / window_s))


def test_an_average_is_not_booked_before_the_run_began() -> None:
    """What the window averaged before the first reading is not the run's."""
    track = GaugeTrack(AVERAGE, 700.0)
    pieces = pieces_of(track, [(5 + t / 10, 200.0) for t in range(11)])
    assert joules(pieces) == pytest.approx(200 * 0.5)
    assert sum(p.dt_s for p in pieces) == pytest.approx(0.5)


def test_the_last_half_window_is_held_and_imputed() -> None:
    track = GaugeTrack(AVERAGE, 300.0)
    pieces_of(track, [(t / 10, 200.0) for t in range(51)])
    tail = track.tail(5 * S, None)
    assert tail is not None
    assert tail.energy_j == pytest.approx(200 * 0.5)
    assert tail.provenance is Provenance.IMPUTED
    assert tail.energy_j + tail.slack_high_j == pytest.approx(300 * 0.5)


def test_the_last_half_window_takes_the_instantaneous_gauge_where_there_is_one() -> None:
    average, instant = GaugeTrack(AVERAGE, 300.0), GaugeTrack(INSTANT, 300.0)
    for tick in range(51):
        t_s = tick / 10
        average.take(Reading(tick * S // 10, _average(t_s, 4.5, 100, 280)))
        instant.take(Reading(tick * S // 10, 100.0 if t_s < 4.5 else 280.0))
    tail = average.tail(5 * S, instant)
    assert tail is not None
    assert tail.energy_j == pytest.approx(280 * 0.5)


@pytest.mark.parametrize("window_s", [0.1, 0.025])
def test_the_last_half_of_a_short_window_is_not_lost(window_s: float) -> None:
    """One second at 500 W is 500 J, whatever the window."""
    assert joules(with_tail(Gauge("window", window_s), [(t / 10, 500.0) for t in range(11)], 1.0)) == pytest.approx(500, rel=1e-3)


def test_a_gap_is_filled_and_bounded() -> None:
    """60 W idle was seen, 300 W is the limit: a minute unseen is between 3.6 and 18 kJ."""
    track = GaugeTrack(INSTANT, 300.0)
    readings = [(0.0, 60.0), *((t / 10, 250.0) for t in range(1, 51)), (65.0, 250.0)]
    last = pieces_of(track, readings)[-1]
    assert last.provenance is Provenance.IMPUTED
    assert last.dt_s == pytest.approx(60)
    assert last.energy_j == pytest.approx(15_000)
    assert last.energy_j - last.slack_low_j <= 3_600 + 1e-6
    assert last.energy_j + last.slack_high_j >= 18_000 - 1e-6


def test_a_slow_rate_is_no_gap() -> None:
    pieces = pieces_of(GaugeTrack(INSTANT, 300.0), [(t, 250.0) for t in range(20)])
    assert {p.provenance for p in pieces} == {Provenance.MEASURED_POWER}


def test_the_power_is_known_while_it_is_fresh() -> None:
    track = GaugeTrack(INSTANT, 300.0)
    assert track.power_w(0, 2.0) is None
    track.take(Reading(S, 120.0))
    assert track.power_w(3 * S, 2.0) == 120.0
    assert track.power_w(3 * S + 1, 2.0) is None


_gaps_ms = st.lists(st.integers(1, 900), min_size=3, max_size=40)


@given(_gaps_ms, st.floats(0, 300), st.sampled_from([INSTANT, AVERAGE, INTERVAL, Gauge("window", 0.2)]), st.sets(st.integers(1, 39)))
@quick
def test_constant_power_is_exact_at_any_ticks_and_with_any_reading_repeated(
    gaps_ms: list[int], power_w: float, gauge: Gauge, repeated: set[int]
) -> None:
    track, energy_j, t_ns = GaugeTrack(gauge, 300.0), 0.0, S
    for i, gap in enumerate([0, *gaps_ms]):
        t_ns += gap * 10**6
        for _ in range(2 if i in repeated else 1):
            piece = track.take(Reading(t_ns, power_w))
            energy_j += piece.energy_j if piece else 0.0
    tail = track.tail(t_ns, None)
    energy_j += tail.energy_j if tail else 0.0
    assert energy_j == pytest.approx(power_w * (t_ns - S) / S, rel=1e-9, abs=1e-9)


@given(_gaps_ms, st.data())
@quick
def test_pieces_join_without_overlap(gaps_ms: list[int], data: st.DataObject) -> None:
    gauge = data.draw(st.sampled_from([INSTANT, AVERAGE, INTERVAL]))
    track, t_ns, end_ns = GaugeTrack(gauge, 300.0), S, S
    for gap in [0, *gaps_ms]:
        t_ns += gap * 10**6
        piece = track.take(Reading(t_ns, data.draw(st.floats(0, 600))))
        if piece is not None:
            assert piece.t_ns - round(piece.dt_s * S) == pytest.approx(end_ns, abs=2)
            end_ns = piece.t_ns
            assert 0 <= piece.slack_low_j <= piece.energy_j * (1 + 1e-9)
            assert 0 <= piece.slack_high_j < math.inf


@given(
    st.lists(st.tuples(st.integers(10, 400), st.floats(0, 300), st.floats(0, 1), st.booleans()), min_size=2, max_size=30),
    st.floats(0, 300),
)
@quick
def test_the_range_holds_any_power_that_changes_once_between_two_samples(
    steps: list[tuple[int, float, float, bool]], first_w: float
) -> None:
    """The power goes from one sample's to the next's at any moment between them; while it stays, samples may be missed."""
    track, t_ns, true_j, power_w = GaugeTrack(INSTANT, 300.0), S, 0.0, first_w
    track.take(Reading(t_ns, power_w))
    low_j = high_j = 0.0
    for ms, next_w, where, read in [*steps, (100, 0.0, 0.5, True)]:
        if not read:
            next_w = power_w
        t_ns += ms * 10**6
        true_j += (power_w * where + next_w * (1 - where)) * ms / 1000
        power_w = next_w
        if read:
            piece = track.take(Reading(t_ns, power_w))
            assert piece is not None
            low_j += piece.energy_j - piece.slack_low_j
            high_j += piece.energy_j + piece.slack_high_j
    assert low_j - 1e-6 <= true_j <= high_j + 1e-6
