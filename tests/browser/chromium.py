"""A real headless Chromium, and a page in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Dialog, Page, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of the system."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no Chromium: `bash .ci/system-packages` installs it on Debian"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page in its own tab. `said` are the messages and errors of its console; `asked` are the addresses that it requested."""

    def __init__(
        self, browser: Browser, at: Path | str, *, scheme: Literal["light", "dark"] = "light", width: int = 1280, script: bool = True
    ) -> None:
        self._context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=script)
        self.page: Page = self._context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(at.as_uri() if isinstance(at, Path) else at)

    def _dialog(self, dialog: Dialog) -> None:
        self.said.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def count(self, selector: str) -> int:
        """How many elements there are."""
        return self.page.locator(selector).count()

    def texts(self, selector: str) -> list[str]:
        """The text of each element, as it stands in the document."""
        return [text or "" for text in self.page.locator(selector).evaluate_all("found => found.map(e => e.textContent)")]

    def value(self, script: str) -> Any:
        """The value of a script."""
        return self.page.evaluate(script)

    def close(self) -> None:
        """Close the tab."""
        self._context.close()
