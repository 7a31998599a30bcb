"""The report in a real browser: it loads nothing, only its own script runs, and every chart has its marks, a name and a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Opened
from tests.browser.runs import PHASES, POWER_W, hour, intensities
from trainwatt.analysis.over_time.figures import Figures, figures
from trainwatt.presentation.report.page import page
from trainwatt.presentation.words.runs import headline
from trainwatt.storage.read.store import Store

NASTY = "<script>document.title='run'</script><img src=x onerror=alert(1)> 🔥\nnew line \x1b[31m" + "long " * 60
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Figures]:
    """A run that has everything, and a run in which every text is hostile."""
    db = tmp_path_factory.mktemp("report") / "runs.db"
    gap = {"kind": "gap", "device": "gpu0", "detail": "no reading for 12 s"}
    hour(db, "aaa111", name="resnet", command="python train.py", powers={**POWER_W, "psys": 700.0}, events=[gap])
    words: dict[str, Any] = {"project": NASTY, "name": NASTY, "host": NASTY, "command": NASTY, "end_reason": NASTY, "git_commit": NASTY}
    hour(
        db, "bbb222", **words, status="failed", zone=None, phases=((NASTY, 0, 1800), ("<b>b</b>", 1800, 3600)),
        events=[{"kind": NASTY, "device": NASTY, "detail": NASTY}],
    )  # fmt: skip
    intensities(db, 40, 55, 72, 38)
    store = Store.open(str(db))
    try:
        return [figures(store, run_id) for run_id in ("aaa111", "bbb222")]
    finally:
        store.close()


@pytest.fixture(scope="module")
def one(runs: list[Figures], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the first run."""
    path = tmp_path_factory.mktemp("one") / "report with spaces.html"
    path.write_text(page(runs[:1], "2026-11-24T12:00:00+00:00"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def two(runs: list[Figures], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of both."""
    path = tmp_path_factory.mktemp("two") / "report.html"
    path.write_text(page(runs, "2026-11-24T12:00:00+00:00"), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, one: Path) -> Iterator[Opened]:
    tab = Opened(browser, one)
    yield tab
    tab.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [400, 1280])
def test_it_opens_without_a_word_and_asks_for_nothing_but_itself(
    browser: Browser, two: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    tab = Opened(browser, two, scheme=scheme, width=width)
    assert tab.said == []
    assert tab.asked == [two.as_uri()]
    assert tab.value("document.documentElement.scrollWidth") <= width
    tab.close()


def test_the_policy_lets_no_other_script_style_or_image_in(opened: Opened) -> None:
    """Without this, a page without messages would prove little: a foreign script could run silently."""
    with opened.page.expect_event("requestfailed") as blocked:
        opened.page.evaluate(
            """() => { for (const [tag, key, value] of [['script', 'textContent', 'window.ran = 1'], ['img', 'src', 'http://127.0.0.1:9/x.png'],
            ['style', 'textContent', 'body{display:none}']]) {
            const made = document.createElement(tag); made[key] = value; document.body.append(made); } }"""
        )
    assert opened.value("window.ran") is None
    assert opened.value("getComputedStyle(document.body).display") == "block"
    assert len(opened.said) == 3
    assert all("Content Security Policy" in said for said in opened.said)
    assert "csp" in str(blocked.value.failure).lower()


def test_the_headline_reads_as_in_the_terminal(opened: Opened, runs: list[Figures]) -> None:
    assert opened.texts(".headline") == [headline(runs[0].view)]
    assert opened.count("h1") == 1


def test_marks_are_as_many_as_the_data(opened: Opened, runs: list[Figures]) -> None:
    view = runs[0].view
    devices, phases = view["energy"]["devices"], view["phases"]
    assert opened.count(".plot.power path.layer") == len(POWER_W)
    assert opened.count(".plot.power path.modelled") == 1
    assert opened.count(".plot.power rect.band") == opened.count(".plot.power rect.strip") == len(PHASES)
    assert opened.count(".plot.grid rect.grid") == 4
    assert opened.count("figure[aria-label='Energy by device'] rect.bar") == len(devices) == 5
    assert opened.count("figure[aria-label='Energy by phase'] rect.bar") == len(phases) == 3
    assert opened.count("figure[aria-label^='Operational beside'] rect.bar") == 3
    parts = sum(1 for d in devices for joules in d["provenance"].values() if joules)
    assert opened.count("figure[aria-label^='Where the energy'] rect.part") == parts == 9


def test_marks_are_as_large_as_the_data(opened: Opened, runs: list[Figures]) -> None:
    """Measured on the screen: bars against joules, the stack against watts, bands against seconds."""
    devices = runs[0].view["energy"]["devices"]
    widths = "[...document.querySelectorAll(`figure[aria-label='Energy by device'] rect.bar`)].map(e => e.getBoundingClientRect().width)"
    bars = opened.value(widths)
    for bar, device in zip(bars, devices, strict=True):
        assert bar / bars[0] == pytest.approx(device["energy_j"] / devices[0]["energy_j"], rel=0.01)
    highs = opened.value("[...document.querySelectorAll('.plot.power path.layer')].map(e => e.getBoundingClientRect().height)")
    stack_w = sum(POWER_W[name] for name in POWER_W)
    assert highs[-1] / highs[0] == pytest.approx(POWER_W["gpu0"] / stack_w, rel=0.01)
    bands = opened.value("[...document.querySelectorAll('.plot.power rect.band')].map(e => e.getBoundingClientRect().width)")
    whole = opened.value("document.querySelector('.plot.power .marks').getBoundingClientRect().width")
    for band, (_, start, end) in zip(bands, PHASES, strict=True):
        assert band / whole == pytest.approx((end - start) / 3600, abs=0.003)


def test_the_dot_of_the_share_stands_where_the_run_does(opened: Opened, runs: list[Figures]) -> None:
    """Measured on the screen: across at its intensity, up at its share, and on the curve."""
    carbon = runs[0].view["carbon"]
    assert carbon is not None
    opened.value("document.querySelector('.plot.share').closest('details').open = true")
    plot, dot = (
        opened.value(f"(({{x, y, width, height}}) => [x, y, width, height])(document.querySelector('{of}').getBoundingClientRect())")
        for of in (".plot.share .marks", ".plot.share circle")
    )
    across, up = (dot[0] + dot[2] / 2 - plot[0]) / plot[2], (plot[1] + plot[3] - dot[1] - dot[3] / 2) / plot[3]
    share = (carbon["embodied_g"] or 0.0) / carbon["total_g"]
    assert (across, up) == pytest.approx((carbon["intensity_g_per_kwh"] / 800, share), abs=0.005)
    curve = f"""(() => {{
        const path = document.querySelector('.plot.share path.lane'), at = {1000 * across};
        for (let i = 0; i <= 4000; i++) {{
            const point = path.getPointAtLength(path.getTotalLength() * i / 4000);
            if (point.x >= at) return (200 - point.y) / 194;
        }}
    }})()"""
    assert opened.value(curve) == pytest.approx(share, abs=0.01)


def test_every_chart_has_a_name_and_the_same_data_as_a_table(opened: Opened, runs: list[Figures]) -> None:
    assert opened.count("figure") == 7
    unnamed = "[...document.querySelectorAll('figure, svg[role=img]')].filter(e => !e.getAttribute('aria-label')).length"
    assert opened.value(unnamed) == 0
    assert opened.count("svg:not([role=img]):not([aria-hidden]):not(.marks)") == 0
    without = "[...document.querySelectorAll('figure')].filter(e => !e.querySelector('details table')).length"
    assert opened.value(without) == 0
    assert opened.count("figure[data-read=power] tbody tr") == len(runs[0].drawing.cuts) - 1
    assert opened.count("figure[aria-label^='Intensity'] tbody tr") == 4
    names = opened.texts("figure[data-read=power] thead th")
    assert names == ["from", "total W", *(f"{name} W" for name in POWER_W), "phase"]
    assert opened.count("details[open]") == 0


def test_the_tree_of_a_screen_reader_names_sections_charts_and_tables(opened: Opened) -> None:
    for level, name in ((1, "digits/resnet completed"), (2, "Power over time"), (2, "Emissions"), (2, "Methods")):
        assert opened.page.get_by_role("heading", level=level, name=name, exact=True).count() == 1
    assert opened.page.get_by_role("img", name="Power over time, stacked by device").count() == 1
    opened.page.get_by_text("By device as a table").click()
    assert opened.page.get_by_role("rowheader", name="gpu0").count() == 1


def test_tables_open_and_the_chart_is_read_with_the_keyboard_alone(opened: Opened) -> None:
    seen = []
    for _ in range(40):
        opened.page.keyboard.press("Tab")
        what = opened.value(
            "document.activeElement.className + ' ' + document.activeElement.tagName + ' ' + document.activeElement.textContent"
        )
        seen.append(what[:40])
        assert opened.value("getComputedStyle(document.activeElement).outlineStyle") == "solid", what[:80]
        if what.startswith("plot power"):
            opened.page.keyboard.press("End")
            last = opened.texts(".readout")[0]
            opened.page.keyboard.press("ArrowLeft")
            before = opened.texts(".readout")[0]
            opened.page.keyboard.press("Home")
            first = opened.texts(".readout")[0]
            assert len({first, before, last}) == 3
            assert first.startswith("0:00:00  ·  total W ")
            assert "gpu0 W " in first
            assert opened.value("document.querySelector('.cursor').getAttribute('visibility')") == "visible"
        if "Power as a table" in what:
            opened.page.keyboard.press("Enter")
            assert opened.count("figure[data-read=power] details[open]") == 1
            break
    assert any(s.startswith("plot power") for s in seen), seen
    assert "Point at the chart" in opened.texts(".readout")[0]


def test_pointing_at_the_chart_reads_the_row_of_that_time(opened: Opened, runs: list[Figures]) -> None:
    box = opened.page.locator(".plot.power").bounding_box()
    assert box is not None
    opened.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
    assert opened.texts(".readout")[0].startswith("0:30:00  ·  total W ")
    opened.page.mouse.move(box["x"], box["y"] - 200)
    assert "Point at the chart" in opened.texts(".readout")[0]


def test_names_are_text_whatever_they_hold(browser: Browser, two: Path) -> None:
    tab = Opened(browser, two)
    assert tab.said == []
    assert tab.value("document.title") == "2 runs · trainwatt"
    assert tab.count("img, b:not(.headline b), iframe, script:not(body > script:last-child)") == 0
    [_, name] = tab.texts("article h2 > .text:first-child")
    shown = NASTY.replace("\x1b", "�")
    assert name == f"{shown}/{shown}"
    assert tab.texts("article:nth-of-type(2) pre code") == [shown]
    assert tab.texts("article:nth-of-type(2) figure[aria-label='Energy by phase'] .name > .text") == [shown, "<b>b</b>"]
    tab.close()


def test_several_runs_are_side_by_side_at_the_top_and_a_section_each(browser: Browser, two: Path, runs: list[Figures]) -> None:
    tab = Opened(browser, two)
    assert tab.count("article") == 2
    assert tab.count("header.top tbody tr") == 2
    for f, cells in zip(runs, (tab.texts(f"header.top tbody tr:nth-child({i}) > *") for i in (1, 2)), strict=True):
        assert cells[0].endswith(f.view["run"]["id"])
        assert cells[1] == f.view["run"]["status"]
    tab.page.locator("header.top a").nth(1).click()
    assert tab.value("Math.abs(document.querySelectorAll('article')[1].getBoundingClientRect().top) < 60")
    tab.close()


SWEEP = [
    f"resnet50-pretrained/lr_{10.0 ** -(i % 4):g}-wd_1e-4-batch_{2 ** (5 + i % 3)}-seed_{i}" if i % 5 else f"{'unseparated' * 5}_{i}"
    for i in range(12)
]
"""Names that differ at their ends. Some have a word that is longer than the column."""

WORDS_ON_TWO_LINES = """() => {
  const found = [];
  for (const link of document.querySelectorAll('header.top tbody th a')) {
    const walker = document.createTreeWalker(link, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      for (const word of node.data.matchAll(/[^\\s…/_=,:+-]+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index); range.setEnd(node, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word[0]);
      }
  }
  return found;
}"""
PRINTED = 688
"""Pixels of a page of A4 between its margins of 14 mm."""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> list[Figures]:
    """Twelve runs of a sweep."""
    db = tmp_path_factory.mktemp("sweep") / "runs.db"
    ids = [f"{i:02x}aaa111" for i in range(len(SWEEP))]
    statuses = ("completed", "interrupted", "failed")
    for i, (run_id, name) in enumerate(zip(ids, SWEEP, strict=True)):
        powers = {"gpu0": 300.0 * (i + 1), "package-0": 90.0}
        hour(db, run_id, project="imagenet-sweep", name=name, powers=powers, status=statuses[i % 3])
    store = Store.open(str(db))
    try:
        return [figures(store, run_id) for run_id in ids]
    finally:
        store.close()


@pytest.mark.parametrize("count", [6, 12])
@pytest.mark.parametrize(("width", "media"), [(1280, "screen"), (400, "screen"), (PRINTED, "print")])
def test_many_runs_side_by_side_are_all_on_the_page_and_no_word_of_a_name_is_broken(
    browser: Browser, sweep: list[Figures], tmp_path: Path, count: int, width: int, media: Literal["screen", "print"]
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(sweep[:count], "2026-11-24T12:00:00+00:00"), encoding="utf-8")
    tab = Opened(browser, path, width=width)
    tab.page.emulate_media(media=media)
    cells = tab.page.locator("header.top tbody :is(th, td)")
    boxes = cells.evaluate_all("found => found.map(e => [e.getBoundingClientRect().right, e.scrollWidth - e.clientWidth])")
    assert len(boxes) == 8 * count
    assert max(right for right, _ in boxes) <= width
    assert max(beyond for _, beyond in boxes) <= 0
    assert tab.value(WORDS_ON_TWO_LINES) == []
    names = tab.texts("header.top tbody th a")
    assert len(set(names)) == count
    titles = tab.page.locator("header.top tbody th a .named").evaluate_all("found => found.map(e => e.title || e.textContent)")
    assert titles == [f"imagenet-sweep/{name}" for name in SWEEP[:count]]
    tab.close()


def test_without_script_every_chart_is_there(browser: Browser, one: Path) -> None:
    tab = Opened(browser, one, script=False)
    assert tab.said == []
    assert tab.page.locator(".plot.power path.layer").last.is_visible()
    assert tab.page.get_by_text("Point at the chart").count() == 0
    tab.page.get_by_text("Power as a table").click()
    assert tab.page.get_by_role("rowheader", name="0:00:10", exact=True).is_visible()
    tab.close()


CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = text => { const [r, g, b] = rgb(text).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const back = light(getComputedStyle(document.body).backgroundColor);
  const of = (selector, property) => [...document.querySelectorAll(selector)].map(e => {
    const l = light(getComputedStyle(e)[property]); return (Math.max(l, back) + 0.05) / (Math.min(l, back) + 0.05); });
  return {text: Math.min(...of('p, h1, h2, h3, dt, dd, td, th, a, summary, figcaption, small', 'color'), ...of('.chart text', 'fill')),
    marks: Math.min(...of('rect.strip', 'fill')), layers: of('path.layer', 'fill'), back: getComputedStyle(document.body).backgroundColor};
}"""


def test_both_schemes_have_enough_contrast(browser: Browser, one: Path) -> None:
    """WCAG 2.2 asks for a contrast of 4.5 to 1 for words, and of 3 to 1 for marks."""
    backs = set()
    for scheme in SCHEMES:
        tab = Opened(browser, one, scheme=scheme)
        found = tab.value(CONTRAST)
        backs.add(found["back"])
        assert found["text"] >= 4.5, scheme
        assert found["marks"] >= 3, scheme
        assert min(found["layers"]) >= 3, scheme
        tab.close()
    assert len(backs) == 2


def test_it_prints_on_white_without_what_needs_a_screen(browser: Browser, one: Path) -> None:
    tab = Opened(browser, one, scheme="dark")
    tab.page.emulate_media(media="print")
    assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.value("getComputedStyle(document.querySelector('.readout')).display") == "none"
    assert tab.value("getComputedStyle(document.querySelector('figure details')).display") == "none"
    assert tab.page.pdf().startswith(b"%PDF")
    tab.close()
