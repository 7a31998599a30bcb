"""The first page of `serve` in a real browser: on a telephone, with the keyboard, without scripts, and while a run trains."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import Opened
from tests.browser.runs import write
from tests.browser.test_serve_in_browser import LONG_MS, quiet, width_of
from tests.fakes.served import served
from tests.fakes.stored_rows import point, run
from tests.web.front.test_front import S, team

NARROW = 360
SMALL = 24
TARGETS = """found => found.map(e => [e.textContent.trim().slice(0, 40) || e.name, e.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height).map(([name, box]) => [name, box.height])"""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team(tmp_path_factory.mktemp("front") / "runs.db")


@pytest.fixture(scope="module")
def site(db: Path) -> Iterator[str]:
    with served(db) as address:
        yield address


PATHS = (
    *("/", "/runs", "/runs?metric=val_accuracy&sort=-metric", f"/runs?metric={'W' * 100}", "/runs/slow", "/projects"),
    *("/compare?run=slow&run=fast", "/sweep?project=digits&group=rates"),
)


@pytest.mark.slow
def test_each_page_fits_a_telephone_and_its_links_can_be_hit(browser: Browser, site: str) -> None:
    """Nothing scrolls to the side, and what is to be tapped is 24 pixels high or more. A link in a sentence is as high as its line."""
    with quiet(browser, site, PATHS[0], NARROW) as page:
        for path in PATHS:
            page.goto(site + path)
            assert width_of(page) <= NARROW, path
            inner = page.locator(".cards").evaluate_all("found => found.map(e => e.scrollWidth - e.clientWidth)")
            assert max(inner, default=0) <= 0, path  # nor does a table within it
            heights = page.locator("a:not(p a, .about a), button, select, summary, input").evaluate_all(TARGETS)
            assert [(name, high) for name, high in heights if high < SMALL] == [], path


def test_each_part_has_a_heading_and_each_field_a_label(browser: Browser, site: str) -> None:
    with quiet(browser, site, "/") as page:
        assert page.get_by_role("heading", level=1).text_content() == "Overview"
        headings = [h.split(",")[0] for h in page.get_by_role("heading", level=2).all_text_contents()]
        assert headings == ["Training now", "This month", "Last sweeps", "Newest runs"]
        page.get_by_label("Search all runs").fill("slow")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)
        assert page.url == f"{site}/runs?q=slow"
        page.get_by_role("textbox", name="Tag").fill("lr=1")
        page.get_by_label("Show metric").fill("val_accuracy")
        page.get_by_role("searchbox").fill("")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody tr th a").first).to_contain_text("fast")
        expect(page.locator("td[data-head='best val_accuracy']")).to_have_text("0.9600")


@pytest.mark.slow
def test_what_trains_now_grows_by_itself_and_keeps_the_focus_and_the_rest_follows_when_a_run_ends(browser: Browser, tmp_path: Path) -> None:
    db = team(tmp_path / "runs.db")
    with served(db) as address, quiet(browser, address, "/") as page:
        expect(page.locator(".live")).to_contain_text("live", timeout=LONG_MS)
        figure = page.locator(".now dd").nth(1)
        before = figure.text_content() or ""
        page.locator(".now h3 a").focus()
        write(db, curve_point=[point(100 * S, 90_000.0, segment_id="s-live")])
        expect(figure).not_to_have_text(before, timeout=LONG_MS)
        expect(page.locator(".now h3 a:focus")).to_have_count(1)
        page.locator(".month summary").click()
        page.keyboard.press("Shift+Tab")
        page.locator(".place").click()  # nothing within the part that is renewed has the focus
        write(db, run=[run("fresh", project="fresh", status="completed", started_utc_ns=time.time_ns())])
        with closing(sqlite3.connect(db)) as connection, connection:
            connection.execute("UPDATE run SET status = 'failed', ended_utc_ns = last_seen_utc_ns, duration_s = 100 WHERE id = 'live'")
        expect(page.locator(".now")).to_contain_text("Nothing trains now.", timeout=LONG_MS)
        expect(page.locator(".newest tr", has_text="fresh")).to_have_count(1, timeout=LONG_MS)
        assert page.locator(".month details").get_attribute("open") is not None


def test_without_scripts_it_is_all_there(browser: Browser, site: str) -> None:
    tab = Opened(browser, f"{site}/", script=False)
    assert tab.count(".now .card") == 1
    assert tab.count(".month .bars li") >= 2
    assert tab.count(".sweeps .plot") == 1
    assert tab.page.locator(".live").text_content() == ""
    tab.close()
