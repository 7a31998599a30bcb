"""The same runs in a SQLite file and on a PostgreSQL server give the same output, to the digit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import insert, select

from tests.browser.runs import write
from tests.fakes.compared import put
from tests.fakes.served import served
from tests.fakes.stored_rows import Row
from tests.fakes.world import HANGS_S
from trainwatt.cli.main import cli
from trainwatt.core.metric import EXTREMES
from trainwatt.storage.engine import make_engine, writing
from trainwatt.storage.migrate import migrate
from trainwatt.storage.schema import METADATA
from trainwatt.storage.write.statements import KEYS

DAY_S = 86_400
OWN = re.compile(r"footprint [0-9a-f]{8}|Written [^<]* UTC by")
"""What a call has of its own: the id of a footprint that is kept, and when a report was written."""
READING = (
    ("list", "--json"),
    ("list", "--sort", "energy", "--format", "csv"),
    ("list", "--by", "project", "--json"),
    ("list", "--by", "day", "--format", "md"),
    ("list", "--tag", "lr=0.1", "--metric", "loss", "--sort", "metric", "--json"),
    ("show", "c", "--json"),
    ("show", "a"),
    ("compare", "a", "b", "--json", "--zone", "FR", "--gate", "energy +500%"),
    ("report", "a", "b", "-o", "-"),
    ("report", "c", "--format", "json", "-o", "-"),
    ("export", "--what", "runs"),
    ("export", "--what", "phases", "--format", "jsonl"),
    ("export", "--what", "curves", "b"),
    ("footprint", "--project", "vision", "--zone", "SE", "--format", "md"),
)

PAGES = (
    *("/", "/?sort=-duration&project=vision", "/?q=text", "/projects", "/projects?name=vision", "/runs/c", "/compare?run=a&run=b"),
    *("/runs", "/runs?tag=lr%3D0.1&stage=training", "/runs?metric=loss&sort=-metric", "/sweep?project=vision&group=rates"),
    *("/api/runs", "/api/runs?tag=lr", "/api/runs?metric=loss&sort=metric", "/api/runs/b", "/api/projects"),
)
PLACE = re.compile(r'<span class="place">.*?</span>')


def _metric(segment_id: str, loss: float) -> Row:
    times = {f"{end}_t_ns": 10**9 for end in EXTREMES} | {f"{end}_number": 1 for end in EXTREMES[1:]}
    return {"segment_id": segment_id, "name": "loss", "values_logged": 1, **dict.fromkeys(EXTREMES, loss), **times}


@pytest.fixture
def both(empty_server: str, tmp_path: Path) -> tuple[str, str]:
    """A file and a server with the same three runs."""
    file = tmp_path / "runs.db"
    swept: dict[str, Any] = {"group_name": "rates", "stage": "training", "tags": '{"lr":"0.1"}'}
    put(
        file,
        "a",
        {"gpu0": 1e5 / 3, "package-0": 1e4 / 7},
        phases={"train": 3, "validate": 2},
        slack=0.01,
        edge_j=2.5,
        project="vision",
        **swept,
    )
    put(file, "b", {"gpu0": 3e4, "dram-0": 17.1}, phases={"train": 1}, at_s=2 * DAY_S, project="vision", status="failed", **swept)
    put(file, "c", {"gpu0": 1e6 / 9}, seconds=7000.3, at_s=3 * DAY_S, project="text", seen=0.5)
    write(file, metric=[_metric("seg-a", 0.3), _metric("seg-b", 0.2)])
    migrate(empty_server)
    source, target = make_engine(str(file)), make_engine(empty_server, writes=True)
    with source.connect() as reading, writing(target) as connection:
        for name in KEYS:
            for row in reading.execute(select(METADATA.tables[name])).mappings().all():
                connection.execute(insert(METADATA.tables[name]), dict(row))
    source.dispose()
    target.dispose()
    return str(file), empty_server


def test_every_command_reads_the_same_from_both(both: tuple[str, str]) -> None:
    for arguments in READING:
        file, server = (CliRunner().invoke(cli, [*arguments, "--db", place]) for place in both)
        assert file.exit_code == 0, (arguments, file.output, file.exception)
        assert server.exit_code == 0, (arguments, server.output, server.exception)
        assert OWN.sub("", server.output) == OWN.sub("", file.output), arguments


def test_every_page_shows_the_same_of_both(both: tuple[str, str]) -> None:
    with served(both[0]) as file, served(both[1]) as server:
        for page in PAGES:
            one, other = (requests.get(address + page, timeout=HANGS_S) for address in (file, server))
            assert (one.status_code, other.status_code) == (200, 200), page
            assert PLACE.sub("", other.text) == PLACE.sub("", one.text), page
