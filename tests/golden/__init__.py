"""What the commands say of a database of version 0.1: figures that no later version may change.

`version_0_1.sql` is a database as trainwatt 0.1 wrote it. It has eleven short runs on an emulated machine. One of them failed, one lost a
GPU, one was killed, one is of a rank that measures nothing, two were at the same time, and trackers inside two commands joined their runs.
`expected/` has what each command below prints of it. After a change that is meant, `python -m tests.golden` writes these files again.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from click.testing import CliRunner

from trainwatt.cli.main import cli

HERE = Path(__file__).parent
EXPECTED = HERE / "expected"
BASE, WIDE, FAILED, LOST, JOINED, JOINED_TWICE, KILLED = (
    *("12bcf226f812", "baca8b5264a7", "57f0a543fc7f", "35373d1305ec"),
    *("a99d5f293493", "d36a70f614ac", "12b7fa5b2949"),
)
SETTINGS = ("--zone", "FR", "--pue", "1.2", "--wue", "1.8", "--price", "0.25", "--currency", "EUR", "--market-intensity", "5")
COMMANDS: dict[str, tuple[str, ...]] = {
    "list.txt": ("list", "--columns", "run,project,name,status,time,energy,range,error,measured,work,each"),
    "list.json": ("list", "--json"),
    "list-by-project.json": ("list", "--by", "project", "--json"),
    "show-base.json": ("show", BASE, "--json"),
    "show-failed.json": ("show", FAILED, "--json"),
    "show-lost.json": ("show", LOST, "--json"),
    "show-joined-twice.json": ("show", JOINED_TWICE, "--json"),
    "show-killed.json": ("show", KILLED, "--json"),
    "show-latest.json": ("show", "latest", "--json"),
    "footprint-base.json": ("footprint", BASE, *SETTINGS, "--json"),
    "footprint-project.json": ("footprint", "--project", "digits", "--zone", "FR", "--json"),
    "footprint-lost.json": ("footprint", LOST, "--json"),
    "compare-two.json": ("compare", BASE, WIDE, "--json"),
    "compare-three.json": ("compare", BASE, WIDE, LOST, "--zone", "FR", "--json"),
    "report-base.md": ("report", BASE, "--format", "md", "-o", "-"),
    "runs.csv": ("export", "--what", "runs", "--format", "csv", "-o", "-"),
    "phases.csv": ("export", "--what", "phases", "--format", "csv", "-o", "-"),
    "curves.csv": ("export", "--what", "curves", "--format", "csv", BASE, LOST, "-o", "-"),
}
"""The file below `expected/`, and the command that prints it."""


def database(folder: Path) -> Path:
    """The database, in a file in that folder."""
    path = folder / "runs.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((HERE / "version_0_1.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def printed(db: Path, command: tuple[str, ...]) -> str:
    """What a command prints at 200 columns, without what differs each time: when it was printed, and the number of a footprint."""
    ended = CliRunner().invoke(cli, [*command, "--db", str(db)], env={"COLUMNS": "200"})
    assert ended.exit_code == 0, (command, ended.output, ended.exception)
    text = re.sub(r"(footprint_id\W+|footprint )[0-9a-f]{8}\b", r"\1FOOTPRINT", ended.stdout)
    text = re.sub(r'("(?:made_at|written_at|computed_at|assessed_at)": )"[^"]+"', r"\1NOW", text)
    return re.sub(r"Written 20[0-9-]+ [0-9:]+ UTC", "Written NOW", text)
