"""The chart of a sweep: its numbers can be read, also where runs reach the same place."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.work.test_sweep import logged
from trainwatt.cli.main import cli
from trainwatt.presentation.sweep.section import HIGH, HIGH_OF_NUMBER, NARROW, WIDE_OF_NUMBER, numbers_at

PLACES = st.tuples(st.floats(0, 1), st.floats(14, HIGH - 10))


@given(st.lists(PLACES, min_size=1, max_size=9), st.floats(0, 1))
def test_no_number_covers_another_one_or_a_dot(dots: list[tuple[float, float]], closeness: float) -> None:
    """On a phone and on a wide page, however near to each other the dots are."""
    near = [(x * closeness, 14 + (y - 14) * closeness) for x, y in dots]
    heights = numbers_at(near)
    assert all(-HIGH_OF_NUMBER <= height <= HIGH for height in heights)
    numbers = [(x, height) for (x, _), height in zip(near, heights, strict=True)]
    for width in (NARROW, 1000):
        pairs = [*combinations(numbers, 2), *((number, dot) for number in numbers for dot in near)]
        assert not [(a, b) for a, b in pairs if abs(a[0] - b[0]) * width < WIDE_OF_NUMBER and abs(a[1] - b[1]) < HIGH_OF_NUMBER - 1e-9]


def test_more_runs_than_have_room_get_a_number_all_the_same() -> None:
    assert len(numbers_at([(0.5, 100.0)] * 40)) == 40


def test_a_number_in_the_chart_is_that_of_the_table(tmp_path: Path) -> None:
    """Three runs with the same values: their numbers stand at three heights."""
    db = tmp_path / "runs.db"
    for name in ("aaa", "bbb", "ccc"):
        logged(db, name, val_accuracy=[0.6, 0.9])
    page = CliRunner().invoke(cli, ["report", "aaa", "bbb", "ccc", "-o", "-", "--db", str(db)], standalone_mode=False).stdout
    section = page.partition('class="sweep"')[2].partition("</section>")[0]
    numbers = re.findall(r'<text[^>]* y="([\d.-]+)"[^>]*class="middle[^"]*">(\d)</text>', section)
    assert [number for _, number in numbers] == ["1", "2", "3"]
    assert len({y for y, _ in numbers}) == 3
    assert re.findall(r"</svg> (\d) <a ", section) == ["1", "2", "3"]
