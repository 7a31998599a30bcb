"""A run that is read again and again. It must show the same with what is kept from earlier looks as without."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, phase, phase_energy, point, run, segment
from trainwatt.analysis.over_time.figures import Figures, figures
from trainwatt.analysis.over_time.live import LiveRun
from trainwatt.analysis.over_time.outlines import PIECES, thinned
from trainwatt.core.point import Point
from trainwatt.storage.read.store import Store

NS = 10**9
WATTS = {"gpu0": 300.0, "package-0": 90.0}
KINDS = {"gpu0": "gpu", "package-0": "cpu"}


class Growing:
    """A running run that grows step by step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begin_ns = time.time_ns()
        write(path, run=[run(started_utc_ns=self.begin_ns, last_seen_utc_ns=self.begin_ns)])
        self.joules = dict.fromkeys(WATTS, 0.0)
        self.begin("seg-1", 0)
        self.store = Store.open(str(path))
        self.live = LiveRun(self.store, "run-1", lambda: self.store)

    def begin(self, segment_id: str, at_s: int) -> None:
        """A process begins to measure."""
        utc_ns = self.begin_ns + at_s * NS
        of = segment(segment_id, start_t_ns=at_s * NS, started_utc_ns=utc_ns, last_seen_utc_ns=utc_ns)
        write(self.path, segment=[of], device=[device(name, segment_id, kind=KINDS[name]) for name in WATTS])

    def measure(self, segment_id: str, seconds: range, factor: float = 1.0) -> None:
        """Write a point of each device for each of the seconds."""
        rows = []
        for t in seconds:
            for name, watts in WATTS.items():
                rows.append(point(t * NS, self.joules[name], name, segment_id))
                self.joules[name] += factor * watts * seconds.step * (1.5 + math.sin(t / 50))
        last_ns = self.begin_ns + seconds[-1] * NS
        write(self.path, curve_point=rows)
        with sqlite3.connect(self.path) as connection:
            connection.execute("UPDATE run SET last_seen_utc_ns = ?", (last_ns,))
            connection.execute("UPDATE segment SET last_seen_utc_ns = ? WHERE id = ?", (last_ns, segment_id))
        connection.close()

    def shows_everything(self) -> Figures:
        """Look at the run, and compare the result with a new reading of everything."""
        kept, anew = self.live.figures(), figures(self.store, "run-1")
        assert self.live._stored == self.store.load("run-1")
        bin_s = anew.drawing.cuts[1] - anew.drawing.cuts[0]
        assert kept.view["energy"]["total_j"] == anew.view["energy"]["total_j"]
        assert kept.drawing.cuts[-1] == pytest.approx(anew.drawing.cuts[-1], abs=1.001 * bin_s)
        assert [layer.label for layer in kept.drawing.layers] == [layer.label for layer in anew.drawing.layers]
        for of_kept, of_anew in zip(kept.drawing.layers, anew.drawing.layers, strict=True):
            beyond_j = 3 * bin_s * max(w or 0.0 for w in of_anew.watts)
            for tenth in range(1, 11):
                until_s = anew.drawing.cuts[-1] * tenth / 10
                assert drawn_j(kept, of_kept.watts, until_s) == pytest.approx(drawn_j(anew, of_anew.watts, until_s), abs=beyond_j)
        return kept


def drawn_j(f: Figures, watts: list[float | None], until_s: float) -> float:
    """The drawn energy up to a time."""
    bins = zip(watts, pairwise(f.drawing.cuts), strict=True)
    return math.fsum((w or 0.0) * (min(b, until_s) - a) for w, (a, b) in bins if a < until_s)


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Growing]:
    made = Growing(tmp_path / "runs.db")
    yield made
    made.store.close()


def test_a_short_run_is_drawn_anew_with_each_point(growing: Growing) -> None:
    growing.measure("seg-1", range(0, 10))
    for t in range(10, 20):
        growing.measure("seg-1", range(t, t + 1))
        kept = growing.shows_everything()
        assert len(kept.drawing.cuts) == t + 1
        assert kept.drawing.cuts[-1] == pytest.approx(t)


def test_a_long_run_is_drawn_anew_when_it_has_grown_by_a_bin(growing: Growing) -> None:
    growing.measure("seg-1", range(0, 6000, 2))
    before = growing.shows_everything().drawing
    assert len(before.cuts) == PIECES + 1
    growing.measure("seg-1", range(6000, 6006, 2))  # a bin is ten seconds
    assert growing.live.figures().drawing is before
    growing.measure("seg-1", range(6006, 6012, 2))
    assert growing.shows_everything().drawing is not before


def test_the_outlines_stay_small_and_true_while_a_run_becomes_long(growing: Growing) -> None:
    for begin in range(0, 12_000, 250):
        growing.measure("seg-1", range(begin, begin + 250, 2), factor=1 + begin % 1000 / 500)
        growing.live.figures()
    growing.shows_everything()
    assert max(len(curve) for curve in growing.live._outlines.curves.values()) <= 2 * PIECES


def test_only_what_cannot_be_continued_is_read_again(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    outline = Store.outline
    monkeypatch.setattr(Store, "outline", lambda *arguments: asked.append(1) or outline(*arguments))  # type: ignore[func-returns-value]
    growing.measure("seg-1", range(0, 100))
    growing.live.figures()
    for t in range(100, 110):
        growing.measure("seg-1", range(t, t + 1))
        growing.live.figures()
    assert len(asked) == 1
    growing.measure("seg-1", range(110, 900))  # more than the latest points that a look reads
    growing.live.figures()
    assert len(asked) == 2
    growing.begin("seg-2", 900)
    growing.measure("seg-2", range(901, 910))
    growing.live.figures()
    assert len(asked) == 3
    growing.shows_everything()


def test_a_phase_that_began_is_drawn(growing: Growing) -> None:
    growing.measure("seg-1", range(0, 10))
    assert growing.live.figures().drawing.bands == []
    write(growing.path, phase=[phase(9, "train", end_t_ns=None, resolved=None, start_utc_ns=growing.begin_ns)])
    growing.measure("seg-1", range(10, 12))
    assert [band.name for band in growing.shows_everything().drawing.bands] == ["train"]


def test_what_is_kept_of_phases_and_anchors_is_what_is_stored(growing: Growing) -> None:
    def anchor(segment_id: str, t: int) -> Row:
        return {"segment_id": segment_id, "monotonic_ns": t * NS, "utc_ns": growing.begin_ns + t * NS, "boottime_ns": t * NS}

    growing.measure("seg-1", range(0, 10))
    write(growing.path, clock_anchor=[anchor("seg-1", 0)], phase=[phase(0, end_t_ns=None, resolved=None)])
    growing.shows_everything()
    write(growing.path, phase=[phase(0, resolved=None)])  # has ended, and its energy is not known yet
    growing.shows_everything()
    write(growing.path, phase=[phase(0)], phase_energy=[phase_energy(0, 9.0)])
    assert [p["energy_j"] for p in growing.shows_everything().view["phases"]] == [9.0]
    write(growing.path, phase=[phase(1), phase(2, "test")], phase_energy=[phase_energy(1, 5.0), phase_energy(2, 3.0)])
    assert [p["energy_j"] for p in growing.shows_everything().view["phases"]] == [14.0, 3.0]
    growing.begin("seg-2", 20)
    growing.measure("seg-2", range(21, 30))
    write(growing.path, clock_anchor=[anchor("seg-1", 15), anchor("seg-2", 20), anchor("seg-2", 25)])
    growing.shows_everything()
    write(growing.path, clock_anchor=[anchor("seg-2", 29)], phase=[phase(3, resolved=0)])
    growing.shows_everything()


def test_a_run_without_a_point_has_no_drawing_until_it_has(growing: Growing) -> None:
    assert growing.live.figures().drawing.cuts == []
    growing.measure("seg-1", range(0, 1))
    assert growing.live.figures().drawing.cuts == []
    growing.measure("seg-1", range(1, 2))
    assert len(growing.live.figures().drawing.cuts) == 2


def test_a_curve_is_thinned_to_the_points_at_which_equal_parts_begin() -> None:
    def of(t_ns: int) -> Point:
        return Point(t_ns, float(t_ns), *(0.0,) * (len(Point._fields) - 2))

    few = [of(t) for t in range(8)]
    assert thinned(few, 4) is few
    assert [p.t_ns for p in thinned([of(t) for t in range(0, 101, 10)], 4)] == [0, 20, 50, 70, 100]
    bunched = [of(t) for t in (*range(9), 100)]
    assert [p.t_ns for p in thinned(bunched, 4)] == [0, 8, 100]


def test_ranks_in_a_phase_of_one_name_are_shown_as_one(tmp_path: Path) -> None:
    """Each instance has stored what it adds to those of the other ranks: their sum is what an epoch took."""
    growing = Growing(tmp_path / "runs.db")
    growing.measure("seg-1", range(60))
    ranks = [segment(f"rank-{i}", role="joined", rank=i, started_utc_ns=growing.begin_ns) for i in range(2)]
    known: list[Row] = []
    for of in ranks:
        known += [phase(seq, "epoch", of["id"], start_utc_ns=growing.begin_ns + seq, step=seq) for seq in (1, 2)]
        known.append(phase(3, "epoch", of["id"], start_utc_ns=growing.begin_ns + 3, step=3, end_t_ns=None, resolved=None))
        known.append(phase(4, "train", of["id"], start_utc_ns=growing.begin_ns + 4, end_t_ns=None, resolved=None))
    joules = {("rank-0", 1): 100.0, ("rank-1", 1): 4.0, ("rank-0", 2): 2.0, ("rank-1", 2): 110.0}
    energies = [phase_energy(seq, j, "gpu0", segment_id, owner_segment_id="seg-1") for (segment_id, seq), j in joules.items()]
    write(growing.path, segment=ranks, phase=known, phase_energy=energies)
    epoch, train = growing.live.look().view["phases_now"]
    assert (epoch["name"], epoch["step"], epoch["count"], epoch["newest_count"]) == ("epoch", 3, 3, 2)
    assert epoch["newest_mean_j"] == pytest.approx((100 + 4 + 2 + 110) / 2)
    assert (train["name"], train["count"], train["newest_mean_j"]) == ("train", 1, None)
