"""What docs/server.md says of a server: its roles."""

from __future__ import annotations

import psycopg
import pytest

from tests.fakes.world import ROOT, World
from tests.storage.owed.test_bringing import Team, until
from trainwatt.storage.read.store import Store


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
