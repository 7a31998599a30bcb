"""`python -m tests.golden`: write what the commands print now to `expected/`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.golden import COMMANDS, EXPECTED, database, printed

if __name__ == "__main__":
    for old in EXPECTED.iterdir():
        old.unlink()
    for name, command in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:  # some commands keep what they compute
            (EXPECTED / name).write_text(printed(database(Path(folder)), command), encoding="utf-8")
