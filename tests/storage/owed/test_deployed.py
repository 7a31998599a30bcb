"""What docs/server.md says of a server: its roles, the queries of other programs, and what makes a large database small."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from tests.benchmarks.history import LARGE, SMALL, long_run
from tests.fakes.compared import put
from tests.fakes.world import ROOT, World
from tests.storage.owed.test_bringing import Team, until
from trainwatt.cli.main import cli
from trainwatt.storage.migrate import migrate
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer


@pytest.mark.slow
def test_hosts_bring_runs_readers_read_them_and_only_the_owner_makes_tables(world: World, empty_server: str) -> None:
    with psycopg.connect(empty_server, autocommit=True) as connection:
        connection.execute((ROOT / "deploy" / "roles.sql").read_text().encode())
    owner, host, reader = (Team(world, empty_server.replace("postgres:@", f"trainwatt_{role}:@")) for role in ("owner", "host", "read"))
    assert host.train("too early")[0] == 0
    until(lambda: "permission denied" in host.outbox.fault, "it is not said that the host may make no tables")
    assert owner.cli("merge", str(owner.local), "--into", owner.url)[0] == 0  # makes the tables
    assert host.train("one")[0] == 0
    assert host.cli("list")[0] == 0
    assert host.outbox.owed() == []
    code, shown, _ = reader.cli("list", "--columns", "name", "--format", "csv")
    assert (code, shown.split("\n")[1:3]) == (0, ["one", "too early"])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), psycopg.connect(reader.url) as connection:
        connection.execute("DELETE FROM run")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(host.url) as connection:
        connection.execute("DROP TABLE run CASCADE")
    assert Store.open(reader.url).count_runs() == 2


def queries(language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "server.md").read_text(), re.DOTALL)
    return found


def printed(*arguments: str) -> str:
    ended = CliRunner().invoke(cli, list(arguments))
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.stdout


def test_the_queries_of_other_programs_give_the_energy_of_runs(empty_server: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    put(file, "a", {"gpu0": 3.6e6, "psys": 9e9}, project="vision")
    put(file, "b", {"gpu0": 7.2e6, "package-0": 3.6e6}, project="vision", at_s=86_400)
    printed("merge", str(file), "--into", empty_server)
    runs, power = queries("sql")
    with psycopg.connect(empty_server) as connection:
        assert [(row[0], round(row[-1], 6)) for row in connection.execute(runs.encode())] == [("b", 3.0), ("a", 1.0)]
        connection.execute(power.encode())
        connection.execute("UPDATE run SET last_seen_utc_ns = 7000000000000000000")
        watts = {(metric, value) for _, metric, value in connection.execute(power.encode()) if value is not None}
    assert watts == {("vision gpu0", 36_000.0), ("vision gpu0", 72_000.0), ("vision package-0", 36_000.0), ("vision psys", 9e7)}
    (by_project,) = queries("sqlite")
    with sqlite3.connect(file) as local:
        assert local.execute(by_project).fetchall() == [("vision", 2, 4.0)]
    local.close()


def test_thinning_and_parts_change_no_figure(empty_server: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    writer = Writer.open(file)
    long_run(writer, 1, SMALL, 1500)
    long_run(writer, 2, LARGE, 700)
    writer.close()
    migrate(empty_server)
    printed("merge", str(file), "--into", empty_server)
    reading = [("list", "--json"), ("show", "latest", "--json")]
    before = [printed(*arguments, "--db", empty_server) for arguments in reading]
    with psycopg.connect(empty_server, autocommit=True) as connection:
        points = "SELECT count(*) FROM curve_point"
        many = connection.execute(points).fetchone()
        for name in ("thin.sql", "partition.sql"):
            connection.execute((ROOT / "deploy" / name).read_text().replace(":days", "30").encode())
            assert [printed(*arguments, "--db", empty_server) for arguments in reading] == before, name
        few = connection.execute(points).fetchone()
    assert many is not None
    assert few is not None
    assert few[0] < many[0] / 20
    put(file, "more", {"gpu0": 3.6e6})
    assert "1 run added" in printed("merge", str(file), "--into", empty_server)
    assert len(printed("export", "--db", empty_server).splitlines()) == 4
