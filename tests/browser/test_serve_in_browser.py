"""The pages of `trainwatt serve` in a real browser: quiet, alive while a run is, and usable from the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Opened, chromium
from tests.fakes.served import served
from tests.web.test_serve import ODD, many
from trainwatt import EnergyTracker

LONG_MS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@contextmanager
def quiet(browser: Browser, address: str, path: str, width: int = 1280) -> Iterator[Page]:
    """A page of the site; it must say nothing on its console, and ask nobody else."""
    tab = Opened(browser, address + path, width=width)
    yield tab.page
    tab.close()
    assert tab.said == []
    assert [url for url in tab.asked if not url.startswith(address)] == []


@pytest.mark.parametrize("width", [400, 1280])
def test_list_run_and_back(browser: Browser, tmp_path: Path, width: int) -> None:
    with served(many(tmp_path / "runs.db", 60)) as address, quiet(browser, address, "/?sort=started", width) as page:
        assert page.locator("tbody tr").count() == 50
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert " ".join(ODD.split()) in " ".join((page.locator("tbody tr th a").first.text_content() or "").split())
        page.locator("tbody tr th a").first.click()
        expect(page.locator("h1")).to_contain_text("<script>alert(1)</script>")
        page.wait_for_load_state()
        assert page.locator(".plot.power path.layer").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.go_back()
        page.get_by_role("searchbox").fill("n31")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)


def test_a_run_grows_while_its_page_is_open_and_ends_with_it(browser: Browser, tmp_path: Path) -> None:
    tracker = EnergyTracker(project="digits", name="live", db=tmp_path / "runs.db").start()
    with served(tmp_path / "runs.db") as address, quiet(browser, address, f"/runs/{tracker.run_id}") as page:
        expect(page.locator(".live")).to_contain_text("live", timeout=LONG_MS)
        before = page.locator(".headline b").text_content()
        expect(page.locator(".headline b")).not_to_have_text(before or "", timeout=LONG_MS)
        path = page.locator(".plot.power path.layer").first.get_attribute("d")
        expect(page.locator(".plot.power path.layer").first).not_to_have_attribute("d", path or "", timeout=LONG_MS)
        tracker.stop()
        expect(page.locator("h1 .status")).to_have_text("completed", timeout=LONG_MS)
        expect(page.locator(".live")).to_have_count(0)


def test_what_was_opened_stays_open_while_the_page_moves(browser: Browser, tmp_path: Path) -> None:
    with (
        EnergyTracker(project="digits", db=tmp_path / "runs.db") as tracker,
        served(tmp_path / "runs.db") as address,
        quiet(browser, address, f"/runs/{tracker.run_id}") as page,
    ):
        expect(page.locator(".live")).to_contain_text("live", timeout=LONG_MS)
        page.wait_for_selector(".plot.power path.layer")  # from now on there are the same parts each time
        page.locator("details summary").first.press("Enter")
        expect(page.locator("details").first).to_have_attribute("open", "")
        before = page.locator(".headline b").text_content()
        expect(page.locator(".headline b")).not_to_have_text(before or "", timeout=LONG_MS)
        assert page.locator("details").first.get_attribute("open") is not None
        expect(page.locator("summary:focus")).to_have_count(1, timeout=LONG_MS)
