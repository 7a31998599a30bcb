"""The user's own table of hardware: a file that may be anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.world import World
from trainwatt.carbon.tables.hardware import HardwareRow, table
from trainwatt.errors import ConfigurationError

ROWS = "kind,pattern,name,unit,embodied_kg\ngpu,H100,Our H100,device,171\n"


@pytest.mark.parametrize("text", [ROWS, "\ufeff" + ROWS, ROWS.replace("\n", "\r\n"), ROWS.replace("Our", '"Our\n"')])
def test_a_table_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.csv").write_bytes(text.encode())
    row = table(tmp_path / "lab.csv").match("gpu", "NVIDIA H100")
    assert row is not None
    assert row.footprint_kg.central == 171


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("pipe", "it is a named pipe, and no regular file"),
        ("/dev/zero", "it is a device, and no regular file"),
        ("large", "it has more than 1,048,576 bytes"),
        ("folder", "it is a folder, and no regular file"),
        ("cell", "larger than"),
        ("nothing", "No such file"),
    ],
)
def test_what_is_no_small_regular_file_is_refused_at_once(tmp_path: Path, kind: str, words: str) -> None:
    place = tmp_path / "lab.csv"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind.startswith("/"):
        place.symlink_to(kind)
    elif kind == "large":
        with place.open("wb") as file:
            file.truncate(2**40)
    elif kind == "folder":
        place.mkdir()
    elif kind == "cell":
        place.write_text(ROWS + "x" * 200_000)
    with pytest.raises(ConfigurationError, match=rf"lab\.csv cannot be read: .*{words}"):
        table(place)


def test_a_pipe_in_the_settings_does_not_hold_a_command_up(world: World) -> None:
    os.mkfifo(world.work / "lab.csv")
    ended = world.cli("run", "--", "sh", "-c", "exit 7", env=world.environ(TRAINWATT_HARDWARE="lab.csv"))
    assert ended.returncode == 7
    ended = world.cli("footprint", "latest")
    assert ended.returncode == 2
    assert "lab.csv cannot be read: it is a named pipe, and no regular file" in ended.stderr


def test_a_name_is_looked_up_once_for_any_number_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run asks for the table, and for each piece of its hardware."""
    (tmp_path / "lab.csv").write_text(ROWS)
    tried: list[str] = []
    fits = HardwareRow.fits

    def noted(row: HardwareRow, model: str) -> bool:
        tried.append(model)
        return fits(row, model)

    monkeypatch.setattr(HardwareRow, "fits", noted)
    for own in (None, tmp_path / "lab.csv"):
        assert table(own).match("gpu", "NVIDIA H100 80GB HBM3 of a test") is not None
        once = len(tried)
        assert all(table(own).match("gpu", "NVIDIA H100 80GB HBM3 of a test") is not None for _ in range(50))
        assert len(tried) == once
    (tmp_path / "lab.csv").write_text(ROWS.replace("171", "172"))
    row = table(tmp_path / "lab.csv").match("gpu", "NVIDIA H100 80GB HBM3 of a test")
    assert row is not None
    assert row.footprint_kg.central == 172
