"""The pages of `trainwatt serve` in a real browser: no errors, refreshed while a run is running, and usable with the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Opened
from tests.fakes.served import served
from tests.web.test_projects import RUNS, several
from tests.web.test_serve import ODD, TOKEN, many, worked
from trainwatt import EnergyTracker
from trainwatt.web.guard import cookie_name

LONG_MS = 120_000


def width_of(page: Page) -> int:
    """How wide the page is, in pixels, once it has its style sheet, which is a file of its own."""
    page.wait_for_load_state()
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found


@contextmanager
def quiet(browser: Browser, address: str, path: str, width: int = 1280) -> Iterator[Page]:
    """A page of the site. It must write nothing to its console, and must request nothing from other sites."""
    tab = Opened(browser, address + path, width=width)
    yield tab.page
    tab.close()
    assert tab.said == []
    assert [url for url in tab.asked if not url.startswith(address)] == []


@pytest.mark.parametrize("width", [400, 1280])
def test_list_run_and_back(browser: Browser, tmp_path: Path, width: int) -> None:
    with served(many(tmp_path / "runs.db", 60)) as address, quiet(browser, address, "/runs?sort=started", width) as page:
        assert page.locator("tbody tr").count() == 50
        assert width_of(page) <= width
        energy = page.locator("tbody tr").first.locator("td.n", has_text="(").bounding_box()
        assert energy is not None
        assert energy["x"] + energy["width"] <= width  # the energy is on the screen, on a telephone too
        name = page.locator("tbody tr th a .named").first
        expect(name).to_contain_text("<script>alert(1)</script>")
        expect(name).to_have_attribute("title", f"p0/{' '.join(ODD.split())}")
        page.locator("tbody tr th a").first.click()
        expect(page.locator("h1")).to_contain_text("<script>alert(1)</script>")
        page.wait_for_load_state()
        assert page.locator(".plot.power path.layer").count() == 1
        assert width_of(page) <= width
        page.go_back()
        page.get_by_role("searchbox").fill("n31")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("script", [True, False])
def test_the_list_is_sorted_and_filtered_with_links_and_forms_alone(browser: Browser, tmp_path: Path, width: int, script: bool) -> None:
    with served(many(tmp_path / "runs.db", 60)) as address:
        tab = Opened(browser, f"{address}/runs", width=width, script=script)
        page = tab.page
        page.get_by_role("link", name="energy (range)").click()
        expect(page.locator("tbody tr th small").first).to_have_text("run-0059")
        page.get_by_role("link", name="energy (range) ↓").click()
        expect(page.locator("tbody tr th small").first).to_have_text("run-0000")
        page.get_by_label("Group").select_option("sweep-1")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tbody tr")).to_have_count(8)
        page.get_by_role("link", name="each", exact=True).click()
        expect(page.get_by_label("Group")).to_have_value("sweep-1")
        each_j = {i: (i + 1) / worked(i) for i in range(1, 30, 4) if worked(i)}
        expect(page.locator("tbody tr th small:first-of-type").first).to_have_text(f"run-{max(each_j, key=lambda i: each_j[i]):04d}")
        figure = page.locator("tbody tr").first.locator("td[data-head=each]")
        expect(figure).to_contain_text("per sample")
        assert width_of(page) <= width
        box = figure.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        assert tab.said == []
        tab.close()


@pytest.mark.slow
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


@pytest.mark.slow
def test_what_was_opened_stays_open_while_the_page_moves(browser: Browser, tmp_path: Path) -> None:
    with (
        EnergyTracker(project="digits", db=tmp_path / "runs.db") as tracker,
        served(tmp_path / "runs.db") as address,
        quiet(browser, address, f"/runs/{tracker.run_id}") as page,
    ):
        expect(page.locator(".live")).to_contain_text("live", timeout=LONG_MS)
        page.wait_for_selector(".plot.power path.layer")  # from now on, each refresh has the same parts
        page.locator("details summary").first.press("Enter")
        expect(page.locator("details").first).to_have_attribute("open", "")
        before = page.locator(".headline b").text_content()
        expect(page.locator(".headline b")).not_to_have_text(before or "", timeout=LONG_MS)
        assert page.locator("details").first.get_attribute("open") is not None
        expect(page.locator("summary:focus")).to_have_count(1, timeout=LONG_MS)


@pytest.mark.parametrize("width", [400, 1280])
def test_projects_over_time(browser: Browser, tmp_path: Path, width: int) -> None:
    """There is a mark for the energy of each project and day, as high as its joules. The keyboard leads to the page of a project."""
    with served(several(tmp_path / "runs.db")) as address, quiet(browser, address, "/projects", width) as page:
        columns = page.locator(".plot.columns rect.column")
        assert columns.count() == 3  # on the first day, the runs of one project are one mark
        high = columns.evaluate_all("found => found.map(e => Number(e.getAttribute('height')))")
        assert high[0] / high[1] == pytest.approx(150 / 300, abs=0.01)
        assert high[2] / high[1] == pytest.approx(200 / 300, abs=0.01)
        assert page.locator(".plot.columns line.range").count() == 3
        assert width_of(page) <= width
        figures = page.locator("section td").evaluate_all("found => found.map(e => e.getBoundingClientRect().right)")
        assert max(figures) <= width
        names = page.locator(".plot.columns text.middle").evaluate_all(
            "found => found.map(e => e.getBoundingClientRect()).filter(box => box.width).map(box => [box.left, box.right])"
        )
        assert all(right < left for (_, right), (left, _) in pairwise(names))
        page.locator(".plot.columns").press("End")
        expect(page.locator(".readout")).to_contain_text("2026-11-10")
        page.get_by_role("link", name="vision").press("Enter")
        expect(page.locator("h1")).to_have_text("vision")
        page.wait_for_load_state()
        assert page.locator(".plot.columns rect.column").count() == sum(project == "vision" for project, *_ in RUNS)
        assert width_of(page) <= width


def test_a_link_opens_beside_the_cookies_of_other_services_and_its_token_is_seen_nowhere(browser: Browser, tmp_path: Path) -> None:
    """The token is in no later address, and in no cookie, which every service of the host gets."""
    with served(many(tmp_path / "runs.db", 3), TOKEN) as address:
        context = browser.new_context()
        cookies = {"prefs": '{"theme": "dark"}', "odd": "a=b, c", cookie_name(TOKEN): "another", "trainwatt-token": "old"}
        context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"} for name, value in cookies.items()])
        context.add_cookies([{"name": cookie_name(TOKEN), "value": "deeper", "domain": "127.0.0.1", "path": "/runs"}])
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer')}"))
        page.goto(f"{address}/?sort=started&token={TOKEN}")
        assert page.url == f"{address}/runs?sort=started"
        page.locator("tbody a").first.click()
        expect(page.locator("h1")).to_be_visible()
        assert page.url == f"{address}/runs/run-0000"
        page.wait_for_load_state()
        assert [url for url in asked[1:] if TOKEN in url] == []
        assert TOKEN not in str(context.cookies())
        context.close()


def test_a_token_can_be_typed(browser: Browser, tmp_path: Path) -> None:
    with served(many(tmp_path / "runs.db", 3), TOKEN) as address:
        tab = Opened(browser, f"{address}/runs/run-0001")
        page = tab.page
        page.get_by_label("give its token").fill("another-of-such-length")
        page.get_by_role("button").press("Enter")
        expect(page.get_by_label("give its token")).to_have_value("")
        page.get_by_label("give its token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("n1")
        assert page.url == f"{address}/runs/run-0001"
        tab.close()
