"""Runs that were measured before lives, units of work, operations and activity were: every command reads them, and says what they lack."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from tests.fakes.served import served
from tests.fakes.world import HANGS_S
from tests.golden import BASE, KILLED, WIDE, database
from tests.life.test_life import written
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError

NO_ACTIVITY = "not recorded: what gpu0 and gpu1 did and how busy the processors were"
UNKNOWN_BUSY = "How busy the GPUs were is not known of 3 runs"
COMMANDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("show", BASE): (NO_ACTIVITY, "128 samples"),
    ("show", KILLED): ("not recorded: what",),
    ("list", "--columns", "run,stage,work,flops,mfu,flop_per_j"): ("128 samples",),
    ("list", "--by", "stage", "--grams"): ("training", "experimentation", "inference"),
    ("compare", BASE, WIDE): ("energy per sample",),
    ("report", BASE, "--format", "md", "-o", "-"): (NO_ACTIVITY,),
    ("report", "--project", "digits", "-o", "-"): (NO_ACTIVITY, "These runs by stage"),
    ("export", "--what", "runs"): ("samples",),
    ("export", "--what", "activity"): ("none of these runs has recorded what its devices did",),
    ("life", "--project", "digits"): ("training", "Nothing says which training became the model"),
    ("whatif", "--project", "digits", "--zone", "SE", "--pue", "1.1"): ("as they were",),
    ("advise", "--project", "digits"): (UNKNOWN_BUSY,),
    ("disclose", "--project", "digits", "--form", "gpai"): ("missing: the compute of the training in FLOP", "GPU days"),
    ("disclose", "--project", "digits", "--form", "sci-ai"): ("missing: the unit of inference",),
}


def call(db: Path, *command: str) -> Result:
    return CliRunner().invoke(cli, [*command, "--db", str(db)], env={"COLUMNS": "200"}, standalone_mode=False)


@pytest.fixture
def older(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """As version 0.1 wrote it, or with all of today's tables but those of activity and metrics, as a later version wrote it."""
    db = database(tmp_path)
    if request.param == "0007":
        assert call(db, "list").exception is None
        assert call(db, "footprint", BASE, "--zone", "FR").exception is None  # writes, so the tables are today's
        with sqlite3.connect(db) as connection:
            for table in ("activity_point", "metric", "metric_point", "phase_work"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("UPDATE alembic_version SET version_num = '0007'")
        connection.close()
    return db


@pytest.mark.parametrize("older", ["0003", "0007"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:3]))
def test_every_command_reads_older_runs_and_says_what_they_lack(older: Path, command: tuple[str, ...]) -> None:
    result = call(older, *command)
    assert result.exception is None, result.exception
    said = re.sub(r"\s+", " ", result.output)
    assert all(words in said for words in COMMANDS[command]), result.output


@pytest.mark.parametrize("older", ["0003", "0007"], indirect=True)
def test_the_pages_of_older_runs(older: Path) -> None:
    with served(older) as address:
        pages = {
            path: requests.get(address + path, timeout=HANGS_S) for path in (f"/runs/{BASE}", "/life?project=digits", f"/api/runs/{BASE}")
        }
    assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(pages, 200)
    assert NO_ACTIVITY in pages[f"/runs/{BASE}"].text
    assert "The life of digits" in pages["/life?project=digits"].text
    run = pages[f"/api/runs/{BASE}"].json()
    assert (run["compute"], run["processors"]) == (None, [])


@pytest.mark.parametrize("older", ["0003"], indirect=True)
def test_an_older_run_that_counted_no_such_unit_is_named(older: Path, tmp_path: Path) -> None:
    plan = f'[model]\nproject = "digits"\n[inference]\nunit = "requests"\nper_day = 5\ndays = 3\nruns = ["{BASE}"]\n'
    error = call(older, "life", written(tmp_path, plan)).exception
    assert isinstance(error, ConfigurationError)
    assert all(word in str(error) for word in (f"run {BASE[:8]} never counted it", "samples", "tracker.update(requests="))


@pytest.mark.parametrize("older", ["0003", "0007"], indirect=True)
def test_a_receipt_of_older_runs_holds(older: Path, tmp_path: Path) -> None:
    receipt = str(tmp_path / "receipt.zip")
    assert call(older, "disclose", "--project", "digits", "--receipt", receipt).exception is None
    verified = CliRunner().invoke(cli, ["verify", receipt], standalone_mode=False)
    assert verified.exception is None, verified.output
