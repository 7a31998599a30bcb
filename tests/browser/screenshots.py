"""The picture of a report in the README: `python -m tests.browser.screenshots RUN --db PLACE docs/report.png`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import chromium

WIDTH, HEIGHT = 1100, 1180


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("run", help="an id, a unique prefix, or latest")
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    parser.add_argument("--db", required=True, help="the database of the run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        report = Path(folder, "report.html")
        command = [sys.executable, "-m", "trainwatt", "report", options.run, "--db", options.db, "-o", str(report)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.as_uri())
        page.screenshot(path=options.picture)


if __name__ == "__main__":
    main()
