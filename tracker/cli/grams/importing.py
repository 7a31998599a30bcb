"""`trainwatt import FILE…`: runs that other tools recorded."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import rich_click as click

from ...carbon.tables.zones import figure
from ...errors import ConfigurationError
from ...importing.asked import Asked
from ...importing.formats import lines_of, read
from ...importing.keeping import Kept, keep
from ...importing.lines import Refused
from ...importing.record import Record
from ...presentation.words.quantities import count, format_duration, format_energy
from ...presentation.words.runs import title, when
from ...presentation.words.safe_text import clean
from ..kept_options import KeptAs, kept_options, opened
from ..options import json_option
from ..output import echo, say

if TYPE_CHECKING:
    from ...core.contract import ImportJson

SCHEMA_VERSION = 1
STDIN = "-"
MOST_SHOWN = 20
"""Runs that are listed one by one, and refused rows that are named."""
FAILED = 1


class _Told:
    """What was found while runs are stored one after the other."""

    def __init__(self) -> None:
        self.runs = 0
        self.shown: list[Record] = []
        self.refused = 0
        self._notes: dict[str, int] = {}

    def passing(self, found: Iterator[Record | Refused]) -> Iterator[Record]:
        """The runs of a file. Rows that cannot be used are named on stderr."""
        for each in found:
            if isinstance(each, Refused):
                self.refused += 1
                if self.refused <= MOST_SHOWN:
                    say(f"left out: {each.why}")
                continue
            self.runs += 1
            if len(self.shown) < MOST_SHOWN:
                self.shown.append(each)
            for note in each.notes:
                if len(self._notes) < MOST_SHOWN or note in self._notes:
                    self._notes[note] = self._notes.get(note, 0) + 1
            yield each

    def say_notes(self) -> None:
        """What is to know of the runs, once for each note."""
        for note, runs in self._notes.items():
            say(note if runs == 1 else f"{note} ({count(runs, 'run')})")
        if self.refused > MOST_SHOWN:
            say(f"left out: {self.refused - MOST_SHOWN:,} more rows")


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--zone", help="The zone of the grid, such as FR, where the file does not name it.")
@click.option("--exclusive", is_flag=True, help="Slurm: the jobs had their nodes to themselves, so their energy is that of the nodes.")
@click.option("--every", "every_s", type=float, metavar="SECONDS", help="dcgmi dmon: the time between two lines of a GPU (1).")
@click.option("--dry-run", is_flag=True, help="Show what would be stored, and store nothing.")
@kept_options
@json_option
def command(
    files: tuple[str, ...], zone: str | None, exclusive: bool, every_s: float | None, dry_run: bool, kept: KeptAs, as_json: bool
) -> None:
    """Store what other tools recorded as runs, labelled as imported; the format is known by the first line of a FILE, or of stdin (-).

    CodeCarbon's emissions.csv, `sacct -P` of Slurm, logs of `nvidia-smi --query-gpu=timestamp,index,power.draw --format=csv`, and of
    `dcgmi dmon -e 155,156`. Importing a file again changes nothing. Rows that cannot be used are named and left out (exit code 1).
    """
    if every_s is not None and not 0.001 <= every_s <= 3600:
        raise ConfigurationError(f"--every {every_s:g}: it is the time between two lines; give 0.001 to 3600 seconds")
    known = figure(zone, named=f"--zone {zone}").zone if zone is not None else None
    told, total = _Told(), Kept()

    def runs_of(file: str) -> Iterator[Record]:
        asked = Asked(
            now_utc_ns=time.time_ns(), fallback_name="stdin" if file == STDIN else Path(file).stem, project=kept.project, name=kept.name,
            group=kept.group, stage=kept.stage, zone=known, exclusive=exclusive, started_utc_ns=kept.started_utc_ns, every_s=every_s,
        )  # fmt: skip
        with _opened(file) as stream:
            yield from told.passing(read(lines_of(stream), file, asked))

    if dry_run:
        for file in files:
            for _ in runs_of(file):
                pass
    else:
        with opened(kept.db) as writer:
            for file in files:
                found = keep(writer, runs_of(file))
                total = Kept(total.added + found.added, total.renewed + found.renewed, total.unchanged + found.unchanged)
    told.say_notes()
    if as_json:
        echo(json.dumps(_as_json(told, total, dry_run), indent=2))
    else:
        for line in _lines(told, total, dry_run):
            echo(clean(line))
    if told.refused:
        sys.exit(FAILED)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield cast("IO[bytes]", stream)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}; name a file, or - for stdin") from None


def _as_json(told: _Told, total: Kept, dry_run: bool) -> ImportJson:
    return {
        "schema_version": SCHEMA_VERSION,
        "dry_run": dry_run,
        "runs": told.runs,
        "added": total.added,
        "renewed": total.renewed,
        "unchanged": total.unchanged,
        "left_out": told.refused,
        "first": [
            {"id": r.id, "project": r.project, "name": r.name, "source": r.source, "duration_s": r.duration_s, "energy_j": r.energy_j}
            for r in told.shown
        ],
    }


def _lines(told: _Told, total: Kept, dry_run: bool) -> Iterator[str]:
    for record in told.shown if dry_run else []:
        moment = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(record.started_utc_ns / 1e9))
        parts = ", ".join(f"{part.name} {format_energy(part.points[-1].energy_j)}" for part in record.parts[:8] if part.points)
        about = f"{title(record.project, record.name)}, {when(moment)}, {format_duration(record.duration_s)}"
        yield f"{record.id[:8]}  {about}, {format_energy(record.energy_j)} ({parts}), from {record.source}"
    if dry_run and told.runs > len(told.shown):
        yield f"and {told.runs - len(told.shown):,} more"
    if dry_run:
        yield f"{count(told.runs, 'run')}: nothing was stored, because of --dry-run"
        return
    stored = f"{count(total.added, 'run')} imported"
    stored += f", {total.renewed:,} grown since and stored anew" if total.renewed else ""
    yield stored + (f", {total.unchanged:,} stored already" if total.unchanged else "")
