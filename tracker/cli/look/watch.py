"""`trainwatt watch [RUN]`: a run while it trains."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import rich_click as click
from rich.console import Console
from rich.live import Live

from ...analysis.open_store import open_store
from ...analysis.over_time.live import Look, Watcher
from ...analysis.selection import find
from ...errors import StoreBusyError
from ...presentation.terminal.run import console
from ...presentation.terminal.watch import Frame
from ...presentation.terminal.watch_line import as_json, line
from ..options import db_option, json_option
from ..output import echo

SLICE_S = 0.2
"""A terminal is redrawn this long after its size has changed."""
REST = 10
"""After each look, wait at least this many times as long as the look took: watching a large run must not slow it down."""


@click.command("watch")
@click.argument("run", required=False)
@click.option("--interval", "interval_s", type=click.FloatRange(min=0.1), default=1.0, show_default=True, help="Seconds between two looks.")
@json_option
@db_option
def command(run: str | None, interval_s: float, as_json: bool, db: str | None) -> None:
    """Watch a run while it trains: power, energy, emissions, phases, events. Ends with the run; Ctrl-C ends it earlier.

    RUN is an id, the beginning of one, a name, project/name, or `latest`; by default the newest run that is still running. In a pipe it
    prints one line per look; with --json, one object per line.
    """
    store = open_store(db)
    with closing(store):
        running = store.list_runs(status="running", limit=1) if run is None else []
        run_id = running[0].id if running else find(store, run or "latest")
    if run is None and not running:
        echo("no run is running; this is the latest one", err=True)
    with closing(Watcher(lambda: open_store(db), run_id)) as watcher:
        out = console()
        look = watcher.look()
        if as_json or not out.is_terminal or out.is_dumb_terminal:
            _stream(watcher, look, interval_s, as_json)
        else:
            _live(watcher, look, interval_s, out)


def _stream(watcher: Watcher, look: Look, interval_s: float, to_json: bool) -> None:
    echo(_said(look, to_json))
    for newer in _looks(watcher, look, interval_s, lambda: None):
        echo(_said(newer, to_json))


def _said(look: Look, to_json: bool) -> str:
    return json.dumps(as_json(look.view)) if to_json else line(look.view)


def _live(watcher: Watcher, look: Look, interval_s: float, out: Console) -> None:
    """Draw on the alternate screen of the terminal, which disappears afterwards. The last frame stays on the normal screen."""
    try:
        if not look.ended:
            with _leaving_in_order(), Live(Frame(look.view, look.curves, fills=True), console=out, screen=True, auto_refresh=False) as live:
                drawn = out.size

                def adapt() -> None:
                    nonlocal drawn
                    if out.size != drawn:
                        drawn = out.size
                        live.refresh()

                live.refresh()
                for newer in _looks(watcher, look, interval_s, adapt):
                    look = newer
                    live.update(Frame(look.view, look.curves, fills=True), refresh=True)
    finally:
        out.print(Frame(look.view, look.curves))


def _looks(watcher: Watcher, look: Look, interval_s: float, meanwhile: Callable[[], None]) -> Iterator[Look]:
    """One look after the other until the run has ended. If the database is busy, the look is repeated."""
    due_s = time.monotonic()
    cost_s = 0.0
    while not look.ended:
        due_s = max(due_s + interval_s, time.monotonic() + REST * cost_s)
        while (left_s := due_s - time.monotonic()) > 0:
            time.sleep(min(left_s, SLICE_S))
            meanwhile()
        began_s = time.monotonic()
        try:
            look = watcher.look()
        except StoreBusyError:
            continue
        cost_s = time.monotonic() - began_s
        yield look


@contextmanager
def _leaving_in_order() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into a normal exit, so that the terminal is restored."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
