"""The pictures in the README: `python -m tests.browser.screenshots report RUN --db PLACE docs/report.png`, and
`python -m tests.browser.screenshots watch docs/watch.png`, which takes three minutes: it watches a run on an emulated node."""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser
from rich.console import Console

from tests.benchmarks._emulator import Load
from tests.benchmarks._machine import Machine, build_library
from tests.browser.chromium import chromium
from trainwatt.analysis.over_time.live import Watcher
from trainwatt.presentation.terminal.watch import Frame
from trainwatt.storage.read.store import Store

WIDTH, HEIGHT = 1100, 1100
COLUMNS, LINES = 100, 27
EPOCH_S, WATCHED_S = 24.0, 170.0
TRAINING = f"""
import sys, time
from trainwatt import EnergyTracker
begin_s, half_s = float(sys.argv[1]), {EPOCH_S / 2}
time.sleep(begin_s + 2 * half_s - time.monotonic())
with EnergyTracker(project="vision", name="resnet50", zone="FR") as tracker:
    for epoch in range(1, 90):
        start_s = begin_s + 2 * half_s * epoch
        for name, samples, until_s in (("train", 320, start_s + half_s), ("validate", 0, start_s + 2 * half_s)):
            with tracker.phase(name, step=epoch):
                while time.monotonic() < until_s:
                    time.sleep(0.2)
                    tracker.update(samples=samples)
"""
"""Its phases have the period of the emulated node, which draws more power in the first half of each epoch."""


def report(browser: Browser, run: str, db: str, picture: Path) -> None:
    """The beginning of a run's report."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.html")
        command = [sys.executable, "-m", "trainwatt", "report", run, "--db", db, "-o", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(file.as_uri())
        page.screenshot(path=picture)


def watch(browser: Browser, picture: Path) -> None:
    """What `trainwatt watch` shows in the terminal while a run is running."""

    def load(high_w: float, low_w: float) -> Load:
        return Load(high_w, low_w, EPOCH_S)

    with tempfile.TemporaryDirectory() as folder:
        gpus = (load(640, 290), load(615, 270), load(652, 300), load(628, 282))
        machine = Machine(Path(folder, "node"), packages=[load(210, 150), load(160, 120)], drams=[load(24, 14), load(18, 12)], gpus=gpus)
        db = Path(folder, "runs.db")
        environ = machine.environ(build_library(Path(folder, "library")), rooted=True, TRAINWATT_DB=str(db))
        training = subprocess.Popen([sys.executable, "-c", TRAINING, str(machine.begin_s)], env=environ, cwd=folder)
        try:
            time.sleep(EPOCH_S + WATCHED_S)
            store = Store.open(str(db))
            watcher = Watcher(lambda: Store.open(str(db)), store.find("latest"))
            look = watcher.look()
            watcher.close()
            store.close()
        finally:
            training.terminate()
            training.wait()
            machine.close()
    out = Console(record=True, width=COLUMNS, height=LINES, force_terminal=True, color_system="truecolor", file=io.StringIO())
    out.print(Frame(look.view, look.curves, fills=True))
    svg = re.sub(r"@font-face \{.*?\}", "", out.export_svg(title="trainwatt watch"), flags=re.DOTALL).replace(
        "Fira Code", "DejaVu Sans Mono"
    )
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    page.set_content(f"<style>body{{margin:0}}</style>{svg}")
    page.locator("svg").first.screenshot(path=picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    of = parser.add_subparsers(dest="of", required=True)
    of_report, of_watch = of.add_parser("report"), of.add_parser("watch")
    of_report.add_argument("run", help="an id, a unique prefix, or latest")
    of_report.add_argument("--db", required=True, help="the database of the run")
    for each in (of_report, of_watch):
        each.add_argument("picture", type=Path, help="the PNG file to write")
    options = parser.parse_args()
    with chromium() as browser:
        if options.of == "report":
            report(browser, options.run, options.db, options.picture)
        else:
            watch(browser, options.picture)


if __name__ == "__main__":
    main()
