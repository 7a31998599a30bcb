"""A folder with a file for each host is read as one database, and reading changes no file of it."""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from tests.fakes.compared import put
from tests.fakes.served import served
from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import HANGS_S
from trainwatt.analysis.open_store import open_store
from trainwatt.cli.main import cli
from trainwatt.storage.folder.cache import stamp_text
from trainwatt.storage.folder.store import FolderStore
from trainwatt.storage.merge.merging import Merge
from trainwatt.storage.write.writer import Writer

DAY_S = 86_400
ID = re.compile(r"footprint [0-9a-f]{8}")
READING = (
    ("list", "--json"),
    ("list", "--by", "project", "--json"),
    ("show", "b", "--json"),
    ("compare", "a", "b", "--json", "--zone", "FR"),
    ("report", "a", "b", "--format", "json", "-o", "-"),
    ("export", "--what", "phases"),
    ("export", "--what", "curves", "c"),
)


@pytest.fixture
def hosts(tmp_path: Path, clean_environ: pytest.MonkeyPatch) -> Path:
    """A folder with the files of three hosts."""
    clean_environ.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clean_environ.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "hosts"
    each(folder / "runs-one.db", folder / "runs-two.db", folder / "three.db")
    return folder


def each(one: Path, two: Path, three: Path) -> None:
    put(one, "a", {"gpu0": 1e5 / 3, "package-0": 1e4 / 7}, phases={"train": 3, "validate": 2}, slack=0.01, project="vision")
    put(two, "b", {"gpu0": 3e4, "dram-0": 17.1}, phases={"train": 1}, at_s=2 * DAY_S, project="vision", status="failed", host="node-b")
    put(three, "c", {"gpu0": 1e6 / 9}, seconds=7000.3, at_s=3 * DAY_S, project="text", seen=0.5, host="node-c")


def command(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def ids(folder: Path) -> list[str]:
    return [one.id for one in open_store(folder).list_runs()]


def test_every_command_reads_a_folder_like_one_file(hosts: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.db"
    each(whole, whole, whole)
    before = {file: file.read_bytes() for file in hosts.iterdir()}
    for arguments in READING:
        one, folder = (command(*arguments, "--db", str(place)) for place in (whole, hosts))
        assert folder.exit_code == one.exit_code == 0, (arguments, folder.output, folder.exception)
        assert folder.stdout == one.stdout, arguments
    assert {file: file.read_bytes() for file in hosts.iterdir()} == before
    footprints = [command("footprint", "--project", "vision", "--zone", "SE", "--format", "md", "--db", str(of)) for of in (whole, hosts)]
    assert len({ID.sub("footprint", printed.stdout) for printed in footprints}) == 1


def test_the_pages_show_a_folder(hosts: Path) -> None:
    with served(open_store(hosts)) as address:
        assert [one["run"]["id"] for one in requests.get(f"{address}/api/runs", timeout=HANGS_S).json()["runs"]] == ["c", "b", "a"]


def test_a_run_with_processes_in_two_files_is_one_run(hosts: Path) -> None:
    for host, joules in (("one", 100.0), ("two", 50.0)):
        writer, of = Writer.open(hosts / f"runs-{host}.db"), f"job-{host}"
        over = {"host": host, "status": "completed", "ended_utc_ns": 9_000}
        rows = {"run": [run("job", **over)], "segment": [segment(of, "job", **over)], "device": [device("gpu0", of, uuid=host)]}
        writer.write({**rows, "curve_point": [point(0, 0.0, "gpu0", of), point(10, joules, "gpu0", of)]})
        writer.close()
    shown = json.loads(command("show", "job", "--json", "--db", str(hosts)).stdout)
    assert shown["energy"]["total_j"] == 150.0
    assert ids(hosts).count("job") == 1


def test_what_is_new_in_a_file_is_read_and_nothing_else(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(hosts) == ["c", "b", "a"]
    put(hosts / "runs-two.db", "d", {"gpu0": 1.0}, at_s=9 * DAY_S)
    put(hosts / "four.db", "e", {"gpu0": 1.0}, at_s=10 * DAY_S)
    merged: list[str] = []
    take = Merge.take

    def noted(self: Merge, batch: Sequence[str]) -> None:
        merged.extend(batch)
        take(self, batch)

    monkeypatch.setattr(Merge, "take", noted)
    assert ids(hosts) == ["e", "d", "c", "b", "a"]
    assert sorted(merged) == ["d", "e"]
    assert ids(hosts) == ["e", "d", "c", "b", "a"]
    assert sorted(merged) == ["d", "e"]


def test_a_store_that_stays_open_follows_the_files(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwatt.storage.folder.store.LOOK_S", 0.0)
    monkeypatch.setattr("trainwatt.storage.folder.store.SHARE", 0)
    store = open_store(hosts)
    assert store.count_runs() == 3
    put(hosts / "runs-two.db", "d", {"gpu0": 1.0})
    assert store.count_runs() == 4


def test_what_is_gone_from_the_files_is_gone(hosts: Path) -> None:
    put(hosts / "copy.db", "b", {"gpu0": 3e4}, at_s=2 * DAY_S, host="node-b")
    assert ids(hosts) == ["c", "b", "a"]
    (hosts / "three.db").unlink()
    with sqlite3.connect(hosts / "runs-two.db") as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM run")
    connection.close()
    assert ids(hosts) == ["b", "a"]  # the copy still has b
    (hosts / "copy.db").unlink()
    assert ids(hosts) == ["a"]


def test_a_run_is_deleted_from_the_files_that_have_it(hosts: Path) -> None:
    assert command("delete", "-y", "b", "--db", str(hosts)).output == "deleted 1 run\n"
    assert ids(hosts) == ["c", "a"]
    with sqlite3.connect(hosts / "runs-two.db") as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (0,)
    connection.close()


def test_a_kept_footprint_is_in_the_file_of_its_run(hosts: Path) -> None:
    kept = command("footprint", "b", "--zone", "FR", "--json", "--db", str(hosts))
    assert kept.exit_code == 0, kept.output
    in_file, in_folder = (open_store(place).newest_footprints(["b"]) for place in (hosts / "runs-two.db", hosts))
    assert list(in_file) == ["b"]
    assert in_folder == in_file


def test_damaged_newer_and_foreign_files_are_said_and_the_others_are_read(hosts: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert ids(hosts) == ["c", "b", "a"]
    for name, sql in (("three.db", "UPDATE alembic_version SET version_num = '9999'"), ("other.db", "CREATE TABLE t (x)")):
        with sqlite3.connect(hosts / name) as connection:
            connection.execute(sql)
        connection.close()
    (hosts / "noise.db").write_bytes(b"no database" * 1000)
    (hosts / "gone.db").symlink_to(hosts / "nowhere")
    (hosts / "folder.db").mkdir()
    os.mkfifo(hosts / "pipe.db")
    with caplog.at_level(logging.WARNING, "trainwatt"):
        assert ids(hosts) == ["b", "a"]
    for text in ("schema 9999", "of another program", "not a SQLite database"):
        assert text in caplog.text


def test_an_empty_folder_has_no_database_yet(tmp_path: Path) -> None:
    ended = command("list", "--db", f"{tmp_path}/")
    assert "no database at" in str(ended.exception)


def test_a_folder_without_any_readable_file_is_said(tmp_path: Path, clean_environ: pytest.MonkeyPatch) -> None:
    clean_environ.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts" / "noise.db").write_bytes(b"no database" * 1000)
    ended = command("list", "--db", str(tmp_path / "hosts"))
    assert "no file in" in str(ended.exception)


def test_a_folder_is_read_where_no_cache_can_be_kept(hosts: Path, clean_environ: pytest.MonkeyPatch) -> None:
    clean_environ.setenv("XDG_CACHE_HOME", "/proc/none")
    assert ids(hosts) == ["c", "b", "a"]


def test_a_spoiled_cache_is_made_again(hosts: Path, tmp_path: Path) -> None:
    assert ids(hosts) == ["c", "b", "a"]
    (cache,) = (tmp_path / "cache" / "trainwatt" / "folders").glob("*.db")
    assert cache.stat().st_mode & 0o077 == 0
    cache.write_bytes(b"no database" * 1000)
    assert ids(hosts) == ["c", "b", "a"]


def test_a_folder_with_this_host_s_file_only_has_no_cache(tmp_path: Path) -> None:
    put(tmp_path / "runs.db", "a", {"gpu0": 1.0})
    assert not isinstance(open_store(tmp_path), FolderStore)


def test_a_file_that_was_written_just_now_is_read_again(hosts: Path) -> None:
    """SQLite writes a commit to the log before it can be read, so the times of the files alone do not tell whether it was."""
    file = hosts / "runs-one.db"
    os.utime(file, (time.time() - 1, time.time() - 1))
    assert stamp_text(file) == ""
    os.utime(file, (time.time() - 60, time.time() - 60))
    assert stamp_text(file) == stamp_text(file) != ""
