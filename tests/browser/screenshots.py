"""The pictures in the documentation, of runs on an emulated node: `python -m tests.browser.screenshots report docs/report.png`, with
`watch` and `docs/watch.png`, or `front` and `docs/front.png` (three minutes each), or with `life` and `docs/life.png`, which also prints
what examples/life_of_a_model.py says.
`python -m tests.browser.screenshots show` prints the sample of `show` in the README."""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect
from rich.console import Console

from tests.benchmarks._emulator import Load
from tests.benchmarks._machine import ROOT, Machine
from tests.browser.chromium import chromium
from tests.fakes import nvml
from tests.fakes.served import served
from trainwatt.analysis.over_time.live import Watcher
from trainwatt.presentation.terminal.watch import Frame
from trainwatt.storage.read.store import Store

WIDTH = 1100
REPORT_HIGH, LIFE_HIGH, FRONT_HIGH = 1340, 1200, 1180
COLUMNS, LINES = 100, 27
EPOCH_S, WATCHED_S, REPORTED_EPOCHS, FRONT_S = 24.0, 170.0, 4, 105.0
TRAINING = f"""
import os, random, time
from trainwatt import EnergyTracker
begin_s, epochs, half_s = float(os.environ["BEGIN_S"]), int(os.environ["EPOCHS"]), {EPOCH_S / 2}
time.sleep(begin_s + 2 * half_s - time.monotonic())
told = {{"epochs": epochs, "budget": os.environ["BUDGET"]}} if "BUDGET" in os.environ else {{}}
with EnergyTracker(project="vision", name="resnet50", stage="training", zone="FR", pue=1.2, **told) as tracker:
    for epoch in range(1, 1 + epochs):
        start_s = begin_s + 2 * half_s * epoch
        for name, samples, until_s in (("train", 320, start_s + half_s), ("validate", 0, start_s + 2 * half_s)):
            with tracker.phase(name, step=epoch):
                while time.monotonic() < until_s:
                    time.sleep(random.uniform(0.1, 0.3))  # equal steps may be in step with the sensors
                    tracker.update(samples=samples)
"""
"""Its phases have the period of the emulated node, which draws more power in the first half of each epoch."""
SWEEP = """
import math, time
from trainwatt import EnergyTracker
rates = {"1e-4": (0.91, 0.2), "3e-4": (0.955, 0.3), "1e-3": (0.981, 0.5), "3e-3": (0.976, 0.9), "1e-2": (0.93, 1.2), "3e-2": (0.62, 0.8)}
for rate, (best, haste) in rates.items():
    of_run = {"name": f"lr={rate}", "tags": {"lr": rate}, "group": "learning-rate", "stage": "experimentation"}
    with EnergyTracker(project="digits", zone="FR", **of_run) as tracker:
        for epoch in range(1, 11):
            time.sleep(0.5)
            tracker.update(samples=1500)
            tracker.log(val_accuracy=best * (1 - math.exp(-haste * epoch)), step=epoch)
"""
"""Six runs that learn nothing, and say that they do: only their energy is measured, on the emulated node."""
IDLE = {"packages": (Load(180), Load(90)), "drams": (Load(22), Load(12)), "gpus": (Load(72),)}
"""A node whose GPU does nothing."""


@contextmanager
def node(packages: Sequence[Load], drams: Sequence[Load], gpus: Sequence[Load]) -> Iterator[tuple[Machine, dict[str, str], Path]]:
    """An emulated node whose GPUs tell what they do, the environment of a process on it, and its database."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder, "node"), packages=packages, drams=drams, gpus=gpus, active=True)
        db = Path(folder, "runs.db")
        library = nvml.build(Path(folder))
        try:
            environ = machine.environ(library, rooted=True, TRAINWATT_DB=str(db), OMP_NUM_THREADS="1")
            environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"  # so that `python` is this one, and the run shows no path
            yield machine, environ, db
        finally:
            machine.close()


def load(high_w: float, low_w: float) -> Load:
    """A power that changes with the phases of the training."""
    return Load(high_w, low_w, EPOCH_S)


@contextmanager
def training(gpus: int, epochs: int, before: str = "", **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str], Path]]:
    """A training that uses so many GPUs. `before`: a program that runs first."""
    loads = [load(640, 290), load(615, 270), load(652, 300), load(628, 282)][:gpus]
    with node([load(210, 150), load(160, 120)], [load(24, 14), load(18, 12)], loads) as (machine, environ, db):
        if before:
            db.with_name("before.py").write_text(before)
            subprocess.run(["python", "before.py"], env=environ, cwd=db.parent, check=True)
        db.with_name("train.py").write_text(TRAINING)
        begun_s = EPOCH_S * ((time.monotonic() - machine.begin_s) // EPOCH_S) if before else 0.0
        schedule = {"BEGIN_S": str(machine.begin_s + begun_s), "EPOCHS": str(epochs), **variables}
        process = subprocess.Popen(["python", "train.py"], env={**environ, **schedule}, cwd=db.parent)
        machine.tell(f"pids {process.pid}")
        try:
            yield process, environ, db
        finally:
            process.terminate()
            process.wait()


def picture_of(browser: Browser, page: Path, picture: Path, high: int) -> None:
    """The beginning of a page."""
    tab = browser.new_page(viewport={"width": WIDTH, "height": high}, color_scheme="light")
    tab.goto(page.as_uri())
    tab.screenshot(path=picture)


def trainwatt(*arguments: str | Path, environ: dict[str, str]) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "trainwatt", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environ).stdout


def report(browser: Browser, picture: Path) -> None:
    """The beginning of a run's report."""
    with training(2, REPORTED_EPOCHS) as (process, environ, db):
        process.wait()
        file = db.with_name("report.html")
        trainwatt("report", "latest", "-o", file, environ=environ)
        picture_of(browser, file, picture, REPORT_HIGH)


def watch(browser: Browser, picture: Path) -> None:
    """What `trainwatt watch` shows in the terminal while a run is running."""
    with training(4, 90) as (_, _, db):
        time.sleep(EPOCH_S + WATCHED_S)
        store = Store.open(str(db))
        watcher = Watcher(lambda: Store.open(str(db)), store.find("latest"))
        look = watcher.look()
        watcher.close()
        store.close()
    out = Console(record=True, width=COLUMNS, height=LINES, force_terminal=True, color_system="truecolor", file=io.StringIO())
    out.print(Frame(look.view, look.curves, fills=True))
    svg = re.sub(r"@font-face \{.*?\}", "", out.export_svg(title="trainwatt watch"), flags=re.DOTALL).replace(
        "Fira Code", "DejaVu Sans Mono"
    )
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    page.set_content(f"<style>body{{margin:0}}</style>{svg}")
    page.locator("svg").first.screenshot(path=picture)


def front(browser: Browser, picture: Path) -> None:
    """The first page of `serve` while a run trains."""
    with training(2, 10, SWEEP, BUDGET="0.2 kWh") as (_, _, db):
        time.sleep(FRONT_S)
        with served(db) as address:
            tab = browser.new_page(viewport={"width": WIDTH, "height": FRONT_HIGH}, color_scheme="light")
            tab.goto(address)
            expect(tab.locator(".live")).to_contain_text("live")
            tab.locator(".place").evaluate("place => { place.textContent = 'runs.db' }")
            tab.screenshot(path=picture)
            tab.close()


def life(browser: Browser, picture: Path) -> None:
    """The page of a life, and what the example prints."""
    with node(**IDLE) as (_, environ, db):
        folder = db.with_name("life")
        command = ["python", "examples/life_of_a_model.py", "--folder", str(folder)]
        subprocess.run(command, check=True, env={**environ, "COLUMNS": str(COLUMNS)}, cwd=ROOT)
        picture_of(browser, folder / "life.html", picture, LIFE_HIGH)


def show() -> None:
    """What `show` prints of a training on processors, on a node whose GPU does nothing."""
    with node(**IDLE) as (_, environ, _):
        subprocess.run(
            ["python", "examples/train_digits.py", "--epochs", "10"], check=True, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        print(trainwatt("show", "latest", environ={**environ, "COLUMNS": "80"}))


PICTURES = {"report": report, "watch": watch, "front": front, "life": life}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    of = parser.add_subparsers(dest="of", required=True)
    for name in PICTURES:
        of.add_parser(name).add_argument("picture", type=Path, help="the PNG file to write")
    of.add_parser("show")
    options = parser.parse_args()
    if options.of == "show":
        show()
        return
    with chromium() as browser:
        PICTURES[options.of](browser, options.picture)


if __name__ == "__main__":
    main()
