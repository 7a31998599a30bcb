"""The words, numbers and colours of a report, also for runs that lack something."""

from __future__ import annotations

import random
import re
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from tests.browser.runs import NS, START, hour, read, write
from tests.fakes.stored_rows import device, phase, point, run, segment
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.over_time.outlines import PIECES
from trainwatt.presentation.report.elements import el, linked, table
from trainwatt.presentation.report.markdown import markdown_of
from trainwatt.presentation.report.names import breaking, elided, short_name
from trainwatt.presentation.report.page import page
from trainwatt.presentation.report.scale import elapsed, ticks, time_text, time_ticks
from trainwatt.presentation.report.style import DARK, LIGHT
from trainwatt.presentation.words.quantities import watts_tick
from trainwatt.presentation.words.runs import headline
from trainwatt.presentation.words.safe_text import visible
from trainwatt.storage.read.store import Store

WRITTEN = "2026-11-24T12:00:00+00:00"


# ---- numbers and words


def test_ticks_are_round_and_reach_the_top() -> None:
    for top in (0.003, 1.0, 9.99, 437.0, 1000.0, 2760.0, 123_456.0):
        found = ticks(top)
        assert found[0] == 0
        assert found[-1] >= top * (1 - 1e-9)
        assert found[-2] < top
        assert len(found) <= 6
    assert ticks(0.0) == [0.0, 1.0]
    assert [watts_tick(w) for w in (0, 50, 2500)] == ["0", "50 W", "2.5 kW"]


def test_times_are_round_and_within() -> None:
    for span in (0.08, 3.0, 59.0, 3600.0, 604_800.0, 3e7, 1e9, 2e10):
        found = time_ticks(0.0, span)
        assert 1 <= len(found) <= 7
        assert found[-1] <= span * (1 + 1e-9)
    assert [time_text(t, 1800) for t in (0, 1800, 5400)] == ["0", "30 min", "90 min"]
    assert (elapsed(12.4, 60), elapsed(3725, 7200), elapsed(90_000, 604_800)) == ("12.40 s", "1:02:05", "1 d 01:00")


def test_text_is_never_markup() -> None:
    nasty = "<script>\"'&\x1b[31m\x00\u202e\n🔥"
    made = el("p", nasty, title=nasty)
    assert made == ('<p title="&lt;script&gt;&quot;&#x27;&amp;�[31m��\n🔥">&lt;script&gt;"\'&amp;�[31m��\n🔥</p>')
    assert visible("a\ud800b") == "a�b"
    assert "<b>" not in table(["<b>", "<b>"], [["<b>", "<b>"]], caption="<b>")


def test_only_web_addresses_become_links() -> None:
    made = linked("see (https://example.org/a?b=1&c=2), javascript:alert(1) <a>")
    assert made.count("<a ") == 1
    assert 'href="https://example.org/a?b=1&amp;c=2"' in made
    assert "javascript:alert(1) &lt;a&gt;" in made


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a/b_c-d", ["a/", "b_", "c-", "d"]),
        ("lr=1e-4,wd=0.01", ["lr=", "1e-4,", "wd=", "0.01"]),
        ("batch-64", ["batch-", "64"]),
        ("--flag/", ["--", "flag/"]),
        ("plain words", ["plain words"]),
        ("", [""]),
    ],
)
def test_a_name_breaks_after_its_separators_only(text: str, pieces: list[str]) -> None:
    assert breaking(text) == "<wbr>".join(pieces)


def test_a_long_name_loses_its_middle_and_keeps_it_in_its_title() -> None:
    assert elided("abcdefghij", 7) == "abc…hij"
    assert elided("abcdefg", 7) == "abcdefg"
    assert short_name("short/one") == '<span class="named">short/<wbr>one</span>'
    long = f"project/{'word-' * 40}seed_7"
    made = short_name(long)
    assert f'title="{long}"' in made
    assert made.endswith("seed_<wbr>7</span>")
    unseparated = short_name(f"<b>{'x' * 60}")
    assert f"<b>{'x' * 9}…{'x' * 11}".replace("<", "&lt;").replace(">", "&gt;") in unseparated


# ---- pages of runs that lack something


def test_the_headline_is_that_of_show(tmp_path: Path) -> None:
    db = hour(tmp_path / "runs.db")
    store = Store.open(str(db))
    view = view_of(store, store.load("aaa111"))
    store.close()
    f = read(db)
    assert f.view == view
    large, rest = headline(view).split(" (", 1)
    assert f"<b>{large}</b> ({rest}</p>" in page([f], WRITTEN)
    assert f"**{headline(view)}**" in markdown_of([f])


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("running", None, "This run has not ended. It was last seen at 2026-11-01 03:26 UTC; all figures are up to then."),
        ("interrupted", "SIGTERM", "This run was interrupted: SIGTERM."),
        ("failed", "ValueError: <no>", "This run failed: ValueError: &lt;no&gt;."),
    ],
)
def test_a_run_that_did_not_complete_says_so(tmp_path: Path, status: str, reason: str | None, said: str) -> None:
    assert START == 1_793_500_000 * NS
    assert said in page([read(hour(tmp_path / "runs.db", status=status, end_reason=reason))], WRITTEN)


def test_a_column_of_energies_has_one_unit(tmp_path: Path) -> None:
    """In J, Wh and kWh, they could not be compared at a glance."""
    db = tmp_path / "runs.db"
    for run_id, watts in (("aaa", 0.3), ("bbb", 30.0), ("ccc", 300.0)):
        hour(db, run_id, powers={"gpu0": watts})
    runs = [read(db, run_id) for run_id in ("aaa", "bbb", "ccc")]
    several = page(runs, WRITTEN).partition("</header>")[0]
    for head, unit in (("energy (range)", "kWh"), ("each", "J")):
        cells = [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(rf'data-head="{re.escape(head)}">(.*?)</td>', several)]
        assert [cell.split()[1] for cell in cells] == [unit] * 3
    one = page(runs[1:2], WRITTEN)
    for head in ("each", "imputed"):
        [table_] = [found for found in re.findall(r"<table>.*?</table>", one) if f">{head}</th>" in found]
        at = re.findall(r"<th[^>]*>([^<]*)</th>", table_.partition("</thead>")[0]).index(head)
        cells = [
            re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)[at] for row in re.findall(r"<tr>(.*?)</tr>", table_.partition("</thead>")[2])
        ]
        assert len({cell.split()[1] for cell in cells}) == 1


def test_the_share_that_was_measured_has_one_spelling(tmp_path: Path) -> None:
    """A share that is less than all never reads "100 %"."""
    db = hour(tmp_path / "runs.db", "aaa", powers={"gpu0": 300.0, "dram": 0.001})
    hour(db, "bbb", powers={"gpu0": 300.0})
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE curve_point SET counter_j = counter_j + imputed_j, imputed_j = 0")
    connection.close()
    several = page([read(db, "aaa"), read(db, "bbb")], WRITTEN)
    assert re.findall(r'data-head="measured">(.*?)</td>', several) == ["&gt;99 %", "100 %"]


@pytest.mark.parametrize(("number", "said"), [(1, "1 event<"), (2, "2 events<"), (1200, "1,200 events<")])
def test_events_are_counted_in_the_singular_and_the_plural(tmp_path: Path, number: int, said: str) -> None:
    db = hour(tmp_path / "runs.db", powers={"gpu0": 300.0}, events=[{"kind": "gap", "detail": "no reading"}] * number)
    text = page([read(db)], WRITTEN)
    assert f">{said}" in text
    assert "The sum of 1 device: " in text


def test_a_run_without_points_phases_or_grams_says_so(tmp_path: Path) -> None:
    db = write(tmp_path / "runs.db", run=[run("r", status="completed")], segment=[segment("seg-1", "r")], device=[device()])
    text = page([read(db, "r")], WRITTEN)
    for said in ("no points of any device", "No phases were marked", "No grams: no energy is known", "no energy recorded"):
        assert said in text
    assert 'class="layer' not in text
    assert "no energy recorded" in markdown_of([read(db, "r")])


def test_what_could_not_be_measured_and_what_was_filled_in_is_listed(tmp_path: Path) -> None:
    db = hour(tmp_path / "runs.db")
    found = {"segment_id": "seg-aaa111", "what": "CPU", "detail": "the kernel <denies> it", "remedy": "chmod", "worth": "±3 %"}
    write(db, finding=[{**found, "seq": 0, "source": "powercap", "availability": "denied"}])
    write(db, finding=[{**found, "seq": 1, "source": "nvml", "availability": "ok", "detail": "all is well"}])
    text = page([read(db)], WRITTEN)
    assert "CPU: the kernel &lt;denies&gt; it." in text
    assert " ±3 % chmod</small>" in text
    assert "all is well" not in text
    assert "gpu0: 9.05 Wh imputed where readings are missing" in text


def test_an_unknown_zone_is_named(tmp_path: Path) -> None:
    f = read(hour(tmp_path / "runs.db", zone="NOWHERE"))
    assert f.view["carbon"] is None
    assert "No grams: " in page([f], WRITTEN)
    assert "NOWHERE" in page([f], WRITTEN)


def test_a_phase_that_goes_on_is_drawn_to_the_last_sign_of_life(tmp_path: Path) -> None:
    db = hour(tmp_path / "runs.db", phases=())
    write(
        db, phase=[{"segment_id": "seg-aaa111", "seq": 0, "run_id": "aaa111", "name": "train", "start_t_ns": 1800 * NS, "start_utc_ns": 0}]
    )
    [band] = read(db).drawing.bands
    assert (band.start_s, band.end_s) == (1800.0, 3600.0)


def test_markdown_has_the_figures_of_the_page_and_the_methods(tmp_path: Path) -> None:
    text = markdown_of([read(hour(tmp_path / "runs.db", name="<script>|x|"))])
    assert r"# digits/\<script\>\|x\|" in text
    for said in ("| gpu0 | 0.302 kWh", "| validate | 1 |", "| operational |", "## Methods", "```bibtex"):
        assert said in text


def test_a_week_of_ten_devices_is_below_a_megabyte(tmp_path: Path) -> None:
    """The power never repeats, and the phases alternate too quickly to be seen."""
    db, week_s, rng = tmp_path / "runs.db", 7 * 86_400, random.Random(1)
    end = {"started_utc_ns": START, "last_seen_utc_ns": START + week_s * NS, "status": "completed"}
    names = [f"gpu{i}" for i in range(10)]
    write(
        db,
        run=[run("r", **end, ended_utc_ns=START + week_s * NS, duration_s=float(week_s))],
        segment=[segment("seg-1", "r", **end, start_t_ns=0, end_t_ns=week_s * NS)],
        device=[device(name) for name in names],
        clock_anchor=[{"segment_id": "seg-1", "monotonic_ns": 0, "utc_ns": START, "boottime_ns": 0}],
        phase=[
            phase(i, "train" if i % 7 else "validate", "seg-1", "r", start_t_ns=i * 300 * NS, end_t_ns=(i * 300 + 290) * NS)
            for i in range(2016)
        ],
    )
    for name in names:
        joules = [0.0]
        for _ in range(week_s // 300):
            joules.append(joules[-1] + 300 * rng.uniform(80, 700))
        write(db, curve_point=[point(i * 300 * NS, j, name) for i, j in enumerate(joules)])
    f = read(db, "r")
    assert len(f.drawing.cuts) == PIECES + 1
    assert len(f.drawing.layers) == 10
    text = page([f], WRITTEN)
    assert text.count('class="layer ') == 10
    assert len(text.encode()) < 1_000_000


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_every_colour_stands_out_from_its_ground_and_from_the_next_of_its_kind(palette: str) -> None:
    """WCAG 2.2 asks for 3 to 1 for marks and 4.5 to 1 for words. Devices of one kind are drawn next to each other."""
    colours = dict(re.findall(r"--([\w-]+):(#(?:[0-9a-f]{6}|fff))\b", palette))
    ground = colours["bg"].replace("#fff", "#ffffff") if len(colours["bg"]) == 4 else colours["bg"]
    marks = {name: c for name, c in colours.items() if re.match(r"gpu|cpu|dram|platform|phase|counter|gauge|imputed|model|grid", name)}
    assert len(marks) == 21
    assert {name: c for name, c in marks.items() if contrast(c, ground) < 3} == {}
    words = ("text", "muted", "accent", "good", "bad", "warn")
    assert {name for name in words if contrast(colours[name], ground) < 4.5} == set()
    for kind, count in (("gpu", 4), ("cpu", 3), ("dram", 2)):
        shades = [colours[f"{kind}-{i}"] for i in range(count)]
        assert min(contrast(a, b) for a, b in pairwise([*shades, shades[0]])) > 1.2, kind
