"""Names of a sweep in a narrow column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from trainwatt.presentation.terminal.elision import elided

START = "vision/resnet-50-imagenet-with-warm-up-c"
END = "-batch-256-fp16-cosine-decay-on-one-node"
SWEEP = [f"lr={lr}-wd={wd}" for lr in ("0.1", "0.01", "0.001", "3e-4") for wd in ("0", "0.1", "0.01")]


@pytest.mark.parametrize(("start", "end"), [(START, ""), ("", END), (START, END), ("漢字" * 20, ""), (START, "字" * 30)])
@pytest.mark.parametrize("width", [16, 24, 40])
def test_twelve_runs_of_a_sweep_can_be_told_apart(start: str, end: str, width: int) -> None:
    names = [f"{start}/{each}{end}" for each in SWEEP]
    assert len(names) == len(set(names)) == 12
    shown = elided(names, width)
    assert len(set(shown)) == 12, shown
    assert max(map(cell_len, shown)) <= width


def test_what_fits_is_left_and_the_beginning_is_kept_where_it_tells_enough() -> None:
    assert elided(["digits/a", "digits/" + "b" * 30], 12) == ["digits/a", "digits/bbbb…"]
    assert elided([f"{START}/lr=0.1", f"{START}/lr=0.01"], 14)[0].endswith("lr=0.1")
    assert elided([f"{START}/lr=0.1{END}", f"{START}/lr=0.01{END}"], 12) == ["…/lr=0.1-ba…", "…/lr=0.01-b…"]
    assert elided([START] * 3, 10) == ["vision/re…"] * 3
    assert elided([], 8) == []


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=60), max_size=8), st.integers(8, 40))
def test_every_name_fits(names: list[str], width: int) -> None:
    shown = elided(names, width)
    assert len(shown) == len(names)
    for name, text in zip(names, shown, strict=True):
        assert cell_len(text) <= width
        assert text == name or (cell_len(name) > width and "…" in text)
        assert all(part in name for part in text.strip("…").split("…")) or "…" in name


@given(st.text("ab/", max_size=60), st.sets(st.text("01", min_size=3, max_size=3), min_size=2), st.text("xy-", max_size=60))
def test_names_that_differ_in_one_place_still_do(start: str, middles: set[str], end: str) -> None:
    names = [f"{start}{middle}{end}" for middle in middles]
    assert len(set(elided(names, 8))) == len(names)
