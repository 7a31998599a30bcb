"""Where the database is."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwatt.errors import ConfigurationError
from trainwatt.machine import filesystem
from trainwatt.storage.place import locate, masked, sqlite_path


@pytest.fixture(autouse=True)
def _local_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr(filesystem, "MOUNTINFO", mountinfo)


def test_argument_over_variable_over_configuration_over_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    environ = {"TRAINWATT_DB": "/b/runs.db"}
    assert locate(Path("/a/runs.db"), environ, "/c/runs.db") == "/a/runs.db"
    assert locate(None, environ, "/c/runs.db") == "/b/runs.db"
    assert locate("", {"TRAINWATT_DB": ""}, "/c/runs.db") == "/c/runs.db"
    assert locate(None, {}, None) == str(tmp_path / "data" / "trainwatt" / "runs.db")


def test_files_folders_and_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert locate(str(tmp_path), {}, None) == str(tmp_path / "runs.db")
    assert locate("/not/yet/", {}, None) == "/not/yet/runs.db"
    assert locate("~/x.db", {}, None) == "/home/ada/x.db"
    assert locate("sqlite:///rel/a%20b.db", {}, None) == "rel/a b.db"
    assert locate("sqlite+pysqlite:////abs/a.db", {}, None) == "/abs/a.db"
    assert locate("postgresql+psycopg://u:p@h/d", {}, None) == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///a?mode=ro", "mysql://u:secret@h/d"])
def test_impossible_urls(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        locate(url, {}, None)
    assert "secret" not in str(caught.value)


def test_what_is_for_a_server_is_written_to_the_local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert sqlite_path("postgresql://ada:secret@h/d") == tmp_path / "data" / "trainwatt" / "runs.db"
    assert sqlite_path("/a/runs.db") == Path("/a/runs.db")
    assert masked("postgresql://ada:secret@h/d") == "postgresql://ada:***@h/d"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("postgresql://ada@h/d", "postgresql://ada@h/d"),
        ("postgresql://ada:s3@cr3t@h/d", "postgresql://ada:***@h/d"),
        ("postgresql://ada:s3/cr3t@h/d", "postgresql://ada:***@h/d"),
        ("postgresql://:s3cr3t@h:5432/d", "postgresql://:***@h:5432/d"),
        ("postgresql://h/d?user=ada&password=s3cr3t&connect_timeout=5", "postgresql://h/d?user=ada&password=***&connect_timeout=5"),
        ("/runs/a:b@c/?password=1.db", "/runs/a:b@c/?password=1.db"),
    ],
)
def test_no_part_of_a_password_is_shown(place: str, shown: str) -> None:
    assert masked(place) == shown


def test_each_host_has_its_file_on_a_network_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(f"22 1 0:9 / {tmp_path} rw - nfs4 server:/home rw\n")
    monkeypatch.setattr("platform.node", lambda: "node-a")
    assert locate(tmp_path, {}, None) == str(tmp_path / "runs-node-a.db")
