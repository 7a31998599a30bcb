"""What a report draws over time: power whose area is the energy, phases, and intensities, each at its time."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.runs import HOUR_S, NS, PHASES, POWER_W, START, hour, intensities, read, write
from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.analysis.over_time import timeline as series
from trainwatt.analysis.over_time.figures import Figures
from trainwatt.analysis.over_time.outlines import PIECES
from trainwatt.analysis.over_time.timeline import Clock, Layer, Span
from trainwatt.carbon.series import Series, Slot
from trainwatt.core.clock import Anchor


def drawn_j(f: Figures, layer: Layer) -> float:
    """The area of a layer."""
    return math.fsum((w or 0.0) * (b - a) for w, (a, b) in zip(layer.watts, pairwise(f.drawing.cuts), strict=True))


# ---- power


def test_what_is_drawn_adds_up_to_what_is_printed(tmp_path: Path) -> None:
    f = read(hour(tmp_path / "runs.db"))
    assert [layer.label for layer in f.drawing.layers] == list(POWER_W)
    assert [layer.modelled for layer in f.drawing.layers] == [False, False, False, True]
    assert len(f.drawing.cuts) == HOUR_S // 10 + 1
    for layer, of in zip(f.drawing.layers, f.view["energy"]["devices"], strict=True):
        assert drawn_j(f, layer) == pytest.approx(of["energy_j"], rel=1e-9)


def test_a_device_outside_the_total_is_named_and_not_drawn(tmp_path: Path) -> None:
    f = read(hour(tmp_path / "runs.db", powers={**POWER_W, "psys": 700.0}))
    assert [layer.label for layer in f.drawing.layers] == list(POWER_W)
    assert f.drawing.beside == ["psys"]


def test_a_long_curve_is_drawn_in_few_parts_and_still_adds_up(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    points = [point(t * NS, float(t * t % 977) + 1000 * t) for t in range(5_000)]
    end = {"started_utc_ns": 0, "last_seen_utc_ns": 5_000 * NS, "status": "completed"}
    write(db, run=[run("r", **end, duration_s=5000.0)], segment=[segment("seg-1", "r", **end, start_t_ns=0)], device=[device()])
    write(db, curve_point=points)
    f = read(db, "r")
    assert len(f.drawing.cuts) == PIECES + 1
    assert drawn_j(f, f.drawing.layers[0]) == pytest.approx(points[-1]["counter_j"] - points[0]["counter_j"])


@given(
    st.lists(st.tuples(st.floats(0.01, 50), st.floats(0, 1e5)), min_size=1, max_size=40),
    st.floats(0, 30),
    st.integers(1, 60),
)
def test_bins_keep_every_joule(steps: list[tuple[float, float]], begin: float, bins: int) -> None:
    curve = [(begin, 5.0)]
    for length, joules in steps:
        curve.append((curve[-1][0] + length, curve[-1][1] + joules))
    cuts = series.edges(0.0, curve[-1][0] + 3.0, bins)
    drawn = math.fsum((w or 0.0) * (b - a) for w, (a, b) in zip(series.watts([curve], cuts), pairwise(cuts), strict=True))
    assert drawn == pytest.approx(curve[-1][1] - curve[0][1], rel=1e-9, abs=1e-6)
    assert all(w is None or w >= -1e-6 for w in series.watts([curve], cuts))


def test_where_nothing_was_recorded_there_is_no_power_rather_than_none() -> None:
    """A process was restarted. The power between is unknown; it is not 0 W."""
    cuts = series.edges(0.0, 60.0, 6)
    assert series.watts([[(0.0, 0.0), (20.0, 200.0)], [(40.0, 0.0), (60.0, 400.0)]], cuts) == [10.0, 10.0, None, None, 20.0, 20.0]


def test_so_many_devices_become_one_layer_a_kind_and_host() -> None:
    layers = {("a", "gpu"): [Layer(f"gpu{i}", "gpu", False, [1.0, None]) for i in range(16)]}
    assert series.grouped(layers) == [Layer("16 × gpu on a", "gpu", False, [16.0, None])]


def test_layers_are_stacked_from_the_bottom() -> None:
    assert series.stacked([Layer("a", "gpu", False, [1.0, None]), Layer("b", "cpu", False, [2.0, 3.0])]) == [[1.0, 0.0], [3.0, 3.0]]


# ---- phases


def test_phases_are_where_they_were(tmp_path: Path) -> None:
    f = read(hour(tmp_path / "runs.db"))
    assert [b.name for b in f.drawing.bands] == [name for name, _, _ in PHASES]
    for band, (_, start, end) in zip(f.drawing.bands, PHASES, strict=True):
        assert band.start_s == pytest.approx(start, abs=HOUR_S / series.COLUMNS)
        assert band.end_s == pytest.approx(end, abs=HOUR_S / series.COLUMNS)
    assert f.drawing.phase_of[60] == "train"
    assert f.drawing.phase_of[125] is None


def test_the_innermost_phase_holds() -> None:
    spans = [Span("fit", 0, 100), Span("train", 10, 50), Span("step", 20, 30), Span("validate", 60, 80), Span("after", 120, 130)]
    assert list(series.innermost(spans)) == [
        Span("fit", 0, 10), Span("train", 10, 20), Span("step", 20, 30), Span("train", 30, 50), Span("fit", 50, 60),
        Span("validate", 60, 80), Span("fit", 80, 100), Span("after", 120, 130),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 90), st.floats(0, 30)), max_size=20))
def test_innermost_phases_never_overlap_and_cover_what_phases_cover(spans: list[tuple[str, float, float]]) -> None:
    given_ = [Span(name, start, start + length) for name, start, length in spans]
    found = list(series.innermost(given_))
    assert all(a.end_s <= b.start_s for a, b in pairwise(found))
    for t in (i * 0.37 for i in range(330)):
        inside = any(s.start_s <= t < s.end_s for s in given_)
        assert inside == any(s.start_s <= t < s.end_s for s in found)


def test_phases_too_short_to_be_seen_make_no_marks_of_their_own() -> None:
    """A hundred thousand short phases are drawn as few marks, of the phases that took most of the time."""
    spans = [Span("step" if i % 4 else "log", i * 0.01, (i + 1) * 0.01) for i in range(100_000)]
    assert series.bands(spans, 0.0, 1000.0) == [Span("step", 0.0, 1000.0)]


# ---- the grid


def test_each_intensity_is_drawn_at_its_own_time(tmp_path: Path) -> None:
    db = hour(tmp_path / "runs.db")
    assert read(db).drawing.steps == []
    intensities(db, 40, 55, 72, 38)
    f = read(db)
    assert [(round(s.start_s), round(s.end_s), s.g_per_kwh, s.estimated) for s in f.drawing.steps] == [
        (0, 900, 40, False), (900, 1800, 55, True), (1800, 2700, 72, False), (2700, 3600, 38, True),
    ]  # fmt: skip
    assert f.view["carbon"] is not None
    assert f.view["carbon"]["intensity_source"] == "electricitymaps"


def test_a_sleep_of_the_machine_moves_the_hours_after_it() -> None:
    """The monotonic clock stands still during suspend. The next anchor gives the time of day."""
    slots = tuple(Slot(h * 3600 * NS, (h + 1) * 3600 * NS, 100.0 + h, False, "x") for h in range(6))
    clock = Clock(0.0, 3600.0, 0, (Anchor(0, 0, 0), Anchor(1800 * NS, (4 * 3600 + 1800) * NS, 0)))
    steps = series.intensity([clock], 0, [Series(slots, "x")])
    assert [(round(s.start_s), round(s.end_s), s.g_per_kwh) for s in steps] == [(0, 1800, 100.0), (1800, 3600, 104.0)]


def test_what_a_series_lacks_the_next_gives_and_what_none_has_stays_open() -> None:
    first = Series((Slot(0, 100 * NS, 1.0, False, "a"),), "a")
    second = Series((Slot(50 * NS, 200 * NS, 2.0, False, "b"),), "b")
    steps = series.intensity([Clock(0.0, 300.0, 0, ())], 0, [first, second])
    assert [(round(s.start_s), round(s.end_s), s.source) for s in steps] == [(0, 100, "a"), (100, 200, "b")]


def test_a_clock_that_is_years_off_does_not_stretch_the_axis(tmp_path: Path) -> None:
    """The clock of the second host says 1970. The clock of the first host was set during the run."""
    db = hour(tmp_path / "runs.db", status="running", ended_utc_ns=None, duration_s=None, last_seen_utc_ns=2 * START)
    rows = [point(t * NS, 50.0 * t, "gpu0", "far") for t in range(0, 1801, 10)]
    write(db, segment=[segment("far", "aaa111", host="node-b", boot_id="boot-2", started_utc_ns=0, start_t_ns=0, end_t_ns=1800 * NS)])
    write(db, device=[device("gpu0", "far")], curve_point=rows)
    f = read(db)
    assert (f.drawing.cuts[0], f.drawing.cuts[-1]) == (0.0, HOUR_S)
    assert "gpu0 on node-b" in [layer.label for layer in f.drawing.layers]
    assert math.fsum(drawn_j(f, layer) for layer in f.drawing.layers) == pytest.approx(f.view["energy"]["total_j"])
