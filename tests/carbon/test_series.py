"""A user's series: read exactly, or refused with the line and the mend."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.carbon.series import PRICE, Series, Slot, iso, read_series, series, utc_ns
from trainwatt.carbon.tables.basis import Basis
from trainwatt.errors import ConfigurationError

HOUR = 3_600_000_000_000
T0 = utc_ns("2026-03-29T00:00Z")


def test_rows_with_and_without_an_end() -> None:
    text = (
        "start,end,intensity_g_per_kwh,estimated,basis\n2026-03-29T00:00Z,2026-03-29T01:00Z,100,yes,lifecycle\n2026-03-29T01:00Z,,200.5,,\n"
    )
    found = read_series(text, "grid.csv")
    slots = (Slot(T0, T0 + HOUR, 100.0, True, "grid.csv"), Slot(T0 + HOUR, T0 + 2 * HOUR, 200.5, False, "grid.csv"))
    assert found == Series(slots, "grid.csv", Basis.LIFECYCLE)


def test_rows_in_any_order_with_a_byte_order_mark_and_spaces() -> None:
    found = read_series("\ufeffstart, intensity_g_per_kwh\r\n2026-03-29T01:00Z, 2\r\n2026-03-29T00:00Z, 1\r\n", "x")
    assert [slot.value for slot in found.slots] == [1.0, 2.0]
    assert found.basis is None


def test_a_missing_hour_stays_missing() -> None:
    times = ("00", "01", "02", "05", "06")
    text = "start,intensity_g_per_kwh\n" + "".join(f"2026-03-29T{t}:00Z,{t}\n" for t in times)
    found = read_series(text, "x")
    assert found.gaps(T0, T0 + 8 * HOUR) == [(T0 + 3 * HOUR, T0 + 5 * HOUR), (T0 + 7 * HOUR, T0 + 8 * HOUR)]


def test_the_hour_that_comes_twice_when_the_clocks_go_back() -> None:
    hours = ("02:00+02:00", "02:00+01:00", "03:00+01:00", "04:00+01:00")
    text = "start,intensity_g_per_kwh\n" + "".join(f"2026-10-25T{hour},{i}\n" for i, hour in enumerate(hours))
    found = read_series(text, "x")
    assert [iso(slot.start_utc_ns) for slot in found.slots] == [f"2026-10-25T0{h}:00:00Z" for h in range(4)]
    assert found.gaps(found.slots[0].start_utc_ns, found.slots[-1].end_utc_ns) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2026-03-29T00:00,1", r"x, line 2: the time '2026-03-29T00:00' has no offset from UTC: write it as"),
        ("yesterday,1", r"x, line 2: the time 'yesterday' is not an ISO 8601 time"),
        (",1", r"x, line 2: the time '' is not an ISO 8601 time"),
        ("2026-03-29T00:00Z,-1", r"x, line 2: intensity_g_per_kwh=-1 cannot be true: give a number from 0 to 2000 g/kWh"),
        ("2026-03-29T00:00Z,2000.1", r"line 2: intensity_g_per_kwh=2000.1 cannot be true"),
        ("2026-03-29T00:00Z,nan", r"cannot be true"),
        ("2026-03-29T00:00Z,", r"line 2: intensity_g_per_kwh='' is not a number; leave the row out"),
        ("2026-03-29T00:00Z,12,5", r"line 2 has more cells than the header"),
        ("2026-03-29T00:00Z,1", r"a single row does not say how long"),
        ("2026-03-29T00:00Z,1\n2026-03-29T01:00Z,1\n2026-03-29T01:00+00:00,2", r"x, line 4: it overlaps line 3"),
        ("", r"x has no rows"),
    ],
)
def test_a_bad_row_is_refused_with_line_value_and_mend(rows: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_series(f"start,intensity_g_per_kwh\n{rows}\n", "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"x has no column 'start' \(it has: nothing\): write the header start,end,intensity_g_per_kwh"),
        ("start,value\n", r"x has no column 'intensity_g_per_kwh' \(it has: start, value\)"),
        (
            "start,end,intensity_g_per_kwh\n2026-03-29T00:00Z,2026-03-29T02:00Z,1\n2026-03-29T01:00Z,2026-03-29T03:00Z,1\n",
            "line 3: it overlaps line 2",
        ),
        ("start,end,intensity_g_per_kwh\n2026-03-29T01:00Z,2026-03-29T00:00Z,1\n", r"line 2: it ends .* before it begins"),
        (
            "start,end,intensity_g_per_kwh,basis\n2026-03-29T01:00Z,2026-03-29T02:00Z,1,direct\n2026-03-29T02:00Z,2026-03-29T03:00Z,1,lifecycle\n",
            r"x mixes direct and lifecycle values",
        ),
        ("start,end,intensity_g_per_kwh,basis\n2026-03-29T01:00Z,2026-03-29T02:00Z,1,marginal\n", "basis='marginal' is none of"),
        ("start,end,intensity_g_per_kwh,estimated\n2026-03-29T01:00Z,2026-03-29T02:00Z,1,perhaps\n", "estimated='perhaps'"),
        ("start,end,intensity_g_per_kwh\n2026-03-29T01:00Z\n", "intensity_g_per_kwh='' is not a number"),
    ],
)
def test_a_bad_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_series(text, "x")


def test_prices_are_read_the_same_way_and_may_be_negative() -> None:
    found = read_series("start,end,price_per_kwh\n2026-03-29T01:00Z,2026-03-29T02:00Z,-0.02\n", "x", PRICE)
    assert found.slots[0].value == -0.02


def test_slots_of_a_provider_must_not_overlap_either() -> None:
    with pytest.raises(ConfigurationError, match=r"cache: the intervals at 2026-03-29T00:00:00Z and 2026-03-29T00:30:00Z overlap"):
        series([Slot(T0 + HOUR // 2, T0 + HOUR, 1, False, "a"), Slot(T0, T0 + HOUR, 1, False, "a")], "cache")
    with pytest.raises(ConfigurationError, match="ends before it begins"):
        series([Slot(T0, T0, 1, False, "a")], "cache")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=8), st.integers(-5, 40), st.integers(0, 40),
)  # fmt: skip
@settings(max_examples=100)
def test_a_time_is_covered_once_and_whole(steps: list[tuple[int, int]], start: int, length: int) -> None:
    at, slots = 0, []
    for gap, span in steps:
        slots.append(Slot(at + gap, at + gap + span, 1.0, False, "s"))
        at += gap + span
    pieces = list(series(slots, "s").between(start, start + length))
    edges = [start, *(b for _, b, _ in pieces)]
    assert [a for a, _, _ in pieces] == edges[:-1]
    assert edges[-1] == start + length
    for a, b, slot in pieces:
        assert a < b
        inside = [s for s in slots if s.start_utc_ns < b and s.end_utc_ns > a]
        assert inside == ([] if slot is None else [slot])


# ---- long files, and files that are none


def hours(count: int, first: int = 0) -> Iterator[str]:
    yield "start,intensity_g_per_kwh\n"
    for hour in range(first, first + count):
        yield f"{iso(T0 + hour * HOUR)},{hour % 1000}\n"


def peak_bytes(count: int) -> int:
    """The most memory that reading so many rows takes, of which the same ten hours are wanted."""
    tracemalloc.start()
    try:
        found = read_series(lambda: hours(count), "grid.csv", within=[(T0 + 500 * HOUR, T0 + 510 * HOUR)])
        assert [slot.value for slot in found.slots] == [*range(500, 510)]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_is_that_of_the_wanted_times_not_of_the_file() -> None:
    assert peak_bytes(10_000) < 2 * peak_bytes(1_000)


def test_each_row_of_an_ordered_file_is_read_once() -> None:
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in hours(100):
            read.append(line)
            yield line

    assert len(read_series(lines, "x", within=[(T0, T0 + HOUR)]).slots) == 1
    assert len(read) == 101


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=12, unique_by=lambda row: row[0]),
    st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 10)), max_size=3),
)
@settings(max_examples=150)
def test_what_is_kept_is_what_the_whole_file_has_for_those_times(rows: list[tuple[int, int]], spans: list[tuple[int, int]]) -> None:
    """In whatever order the rows are, and whether or not they state their end."""
    text = "start,end,intensity_g_per_kwh\n"
    text += "".join(f"{iso(T0 + s * HOUR)},{iso(T0 + (s + n) * HOUR) if n else ''},{s}\n" for s, n in rows)
    try:
        whole = read_series(text, "x")
    except ConfigurationError as error:
        with pytest.raises(ConfigurationError, match=re.escape(str(error))):
            read_series(text, "x", within=[(T0 - 99 * HOUR, T0 + 99 * HOUR)])
        return
    wanted = [(T0 + start * HOUR, T0 + (start + length) * HOUR) for start, length in spans]
    kept = read_series(text, "x", within=wanted).slots
    assert kept == tuple(s for s in whole.slots if any(s.start_utc_ns < end and s.end_utc_ns > start for start, end in wanted))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start,intensity_g_per_kwh\n2026-03-29T00:00Z," + "1" * 200_000, "line 2 has more than 10,000 characters"),
        ("x" * 200_000, "line 1 has more than 10,000 characters"),
        ('start,intensity_g_per_kwh\n"' + "1,2\n" * 50_000, r"line \d+: it is not CSV \(field larger than field limit"),
        ("start,intensity_g_per_kwh\n2026-03-29T00:00Z," + "9" * 4_000, r"line 2: intensity_g_per_kwh=9{60} cannot be true"),
        ("start,intensity_g_per_kwh\n" + "y" * 5_000 + ",1", r"the time 'y{60}' is not an ISO 8601 time"),
        (",".join(f"column{n}" for n in range(900)), r"has no column 'start' \(it has: column0, .{1,60}\): write the header"),
        ("start,end,intensity_g_per_kwh\n2026-03-29T00:00Z,2026-03-29T01:00Z,1\n2026-03-29T00:00Z,,1", "line 3: it overlaps line 2"),
    ],
)
def test_a_file_that_is_no_series_is_refused_in_few_words(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_series(text, "x")
    assert len(str(caught.value)) < 300
