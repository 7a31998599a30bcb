"""What is read of a database of version 0.1 stays what it was, to the digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import COMMANDS, EXPECTED, database, printed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_database_of_version_0_1_reads_as_before(tmp_path: Path, clean_environ: pytest.MonkeyPatch, name: str) -> None:
    clean_environ.chdir(tmp_path)
    assert printed(database(tmp_path), COMMANDS[name]) == (EXPECTED / name).read_text(encoding="utf-8"), "python -m tests.golden"


def test_nothing_is_expected_of_no_command() -> None:
    assert {file.name for file in EXPECTED.iterdir()} == set(COMMANDS)
