"""`tracker.summary()`: a stored run, to print or as the dictionary of the JSON contract."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, cast

from ...analysis.view import describe, energy_each_j, known_count
from ...texts import shown
from ..words.attribution import attribution_lines
from ..words.carbon import Least, carbon_headline, place, ranges_text
from ..words.quantities import count, format_duration, format_energy, format_range, largest_j
from ..words.runs import device_titles, headline, idle_text, phase_energy, phase_notes, provenance, title_of, unmeasured_lines, work_lines
from ..words.safe_text import cleaned
from ..words.work.ahead import ahead_lines
from .elements import paragraph, table

if TYPE_CHECKING:
    import sqlite3

    from ...core.contract import ShowJson

MOST_EVENTS = 8


class Summary:
    """The energy of a run. `print()` it, or call `to_dict()`. `headline` is its first line.

    Characters that the encoding of stdout does not have are replaced.
    """

    def __init__(self, view: ShowJson) -> None:
        self._view = view

    @classmethod
    def load(cls, place: str, run_id: str, patience_s: float = 0.0) -> Summary:
        """The run `run_id` of the database at `place`. `patience_s`: how long to wait for another process that still computes the energy
        of phases. Raises StoreError and RunNotFoundError."""
        from ...analysis.footprint import view_of
        from ...storage.read.store import Store

        store = Store.open(place)
        try:
            deadline = time.monotonic() + patience_s
            while True:
                stored = store.load(run_id)
                if time.monotonic() >= deadline or not any(p.pending > p.open for p in stored.phases):
                    return cls(view_of(store, stored))
                time.sleep(0.1)
        finally:
            store.close()

    @classmethod
    def of(cls, image: sqlite3.Connection, place: str, run_id: str, *, grams: bool = True) -> Summary:
        """The run `run_id` of a database in memory, which is to be in that at `place`; without a footprint if `grams` is false. Raises
        RunNotFoundError."""
        from ...analysis.footprint import view_of
        from ...storage.engine import engine_of
        from ...storage.read.store import Store

        store = Store(engine_of(image), place)
        stored = store.load(run_id)
        return cls(view_of(store, stored) if grams else describe(stored))

    @property
    def headline(self) -> str:
        """ "1.84 kWh (1.79–1.90, 96 % measured, GPU+CPU+DRAM)"."""
        return shown(headline(cleaned(self._view)), sys.stdout)

    def to_dict(self) -> dict[str, Any]:
        """The dictionary that `trainwatt show --json` prints (schema 1)."""
        return cast("dict[str, Any]", self._view)

    def __str__(self) -> str:
        return shown("\n".join(_lines(cleaned(self._view))), sys.stdout)

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows."""
        run = self._view["run"]
        about = f"{title_of(self._view)} · run {run['id']} · {run['status']} · {format_duration(run['duration_s'] or 0.0)}"
        parts = [paragraph(headline(cleaned(self._view)), strong=True), paragraph(about)]
        rows = _rows(self._view)
        parts += [table(("part", "energy (range)", "from", ""), rows)] if rows else []
        parts += [paragraph(line) for line in _after(self._view)]
        return "".join(parts)

    def __repr__(self) -> str:
        return f"<Summary of run {self._view['run']['id']}: {self.headline}>"


def _lines(view: ShowJson) -> list[str]:
    run = view["run"]
    lines = [headline(view), f"{title_of(view)} · {run['id']} · {run['status']} · {format_duration(run['duration_s'] or 0.0)}"]
    rows = _rows(view)
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    lines += ["  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip() for row in rows]
    return [*lines, *(f"  {line}" for line in _after(view))]


def _rows(view: ShowJson) -> list[tuple[str, str, str, str]]:
    """The devices and the phases, all energies in the unit of the total: a name, an energy, its source or parts, and a note."""
    run, energy = view["run"], view["energy"]
    largest_each_j = largest_j(energy_each_j(p) for p in view["phases"])
    rows = [
        (title, format_range(d["energy_j"], d["low_j"], d["high_j"], energy["total_j"]), provenance(d), d["model"] or "")
        for title, d in zip(device_titles(energy["devices"]), energy["devices"], strict=True)
    ]
    rows += [
        (
            f"phase {p['name']}",
            phase_energy(p, run["status"], energy["total_j"]),
            "" if (each_j := energy_each_j(p)) is None else f"{known_count(p):,} × {format_energy(each_j, largest_each_j)}",
            phase_notes(p),
        )
        for p in view["phases"]
    ]
    return rows


def _after(view: ShowJson) -> list[str]:
    """The work, the grams, and the first events."""
    lines = [*attribution_lines(view["energy"]), *unmeasured_lines(view["energy"]), *work_lines(view), *ahead_lines(view)]
    lines += [] if (idle := idle_text(view["energy"])) is None else [idle]
    if view["carbon"] is not None:
        carbon = view["carbon"]
        lines += [f"{carbon_headline(carbon, Least.of(view['energy'], carbon))} ({place(carbon)})", ranges_text(carbon["ranges"])]
    if view["carbon_missing"]:
        lines.append(f"no grams: {view['carbon_missing']}")
    lines += [f"{e['kind']}: {e['device'] or 'run'}: {e['detail']}" for e in view["events"][:MOST_EVENTS]]
    if len(view["events"]) > MOST_EVENTS:
        lines.append(f"… and {count(len(view['events']) - MOST_EVENTS, 'more event')}: trainwatt show {view['run']['id']}")
    return lines
