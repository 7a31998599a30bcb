"""`trainwatt trust`, as it is typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.fakes.world import World

METER = """
from trainwatt.core import Availability, Device, Discovery, Finding, Gauge
class Meter:
    name, period_s, kind = "power", None, Gauge("instant")
    device = Device("meter", "platform", 100.0, 0.05, "meter", included_in_total=False)
    def read(self): return 50.0
    def holder_pids(self): return None
    def close(self): pass
def discover(request):
    return Discovery([Meter()])
"""


@pytest.fixture
def file(world: World) -> Path:
    """Settings of the project that the machine works on."""
    (world.work / ".git").mkdir()
    (world.work / "meter.py").write_text(METER)
    file = world.work / "trainwatt.toml"
    file.write_text('project = "digits"\nsensors = ["meter.py:discover"]\nhardware = "/lab/made.csv"\n')
    return file


def test_what_is_allowed_is_shown_and_then_followed(world: World, file: Path) -> None:
    before = world.cli("doctor", env=world.environ(COLUMNS="400"))
    assert f"trainwatt: {file}: sensors, hardware are not followed" in before.stderr
    assert f"✓ settings: {file}" in before.stdout
    assert f"✗ {file}: sensors, hardware are not followed" in before.stdout
    assert f"\n      trainwatt trust {file}\n" in before.stdout
    assert "meter " not in before.stdout
    (world.work / "deep").mkdir()
    allowed = world.call("trust", "deep")
    assert (allowed.returncode, allowed.stderr) == (0, "")
    assert allowed.stdout.splitlines() == [
        f"{file} is allowed:",
        f'  sensors = ["{world.work}/meter.py:discover"]',
        '  hardware = "/lab/made.csv"',
        f"  {world.work}/meter.py is run",
        "This holds until the settings or the code change. `trainwatt trust --forget` takes it back.",
    ]
    report = json.loads(world.call("doctor", "--json").stdout)
    assert report["settings"] == {"file": str(file), "not_followed": []}
    assert "meter" in [d["device"] for d in report["devices"]]


def test_a_run_is_measured_with_what_is_allowed_and_a_tracker_inside_says_nothing_again(world: World, file: Path) -> None:
    inside = "from trainwatt import EnergyTracker\nwith EnergyTracker(): pass"
    ended = world.cli("run", "--", "python3", "-c", inside, env=world.environ())
    assert ended.stderr.count("not followed") == 1, ended.stderr
    world.call("trust")
    ended = world.cli("run", "--", "true")
    assert "not followed" not in ended.stderr
    assert "meter" in [d["device"] for d in world.show()["energy"]["devices"]]


def test_what_is_allowed_is_listed_and_taken_back(world: World, file: Path) -> None:
    assert world.call("trust", "--list").stdout == ""
    assert world.call("trust", str(file)).returncode == 0
    assert world.call("trust", "--list").stdout == f"{file}\n"
    (world.work / "meter.py").write_text(METER + "# more\n")
    assert world.call("trust", "--list").stdout == f"{file}  (changed)\n"
    listed = json.loads(world.call("trust", "--list", "--json").stdout)
    assert listed == {"schema_version": 1, "allowed": [{"file": str(file), "state": "changed"}]}
    file.unlink()
    assert world.call("trust", "--list").stdout == f"{file}  (gone)\n"
    assert world.call("trust", "--forget", str(file)).stdout == f"{file} is not allowed any more.\n"
    assert world.call("trust", "--list").stdout == ""
    again = world.call("trust", "--forget")
    assert again.returncode == 2
    assert "nothing is allowed for" in again.stderr


def test_what_was_taken_back_is_not_followed(world: World, file: Path) -> None:
    world.call("trust")
    world.call("trust", "--forget")
    [refused] = json.loads(world.call("doctor", "--json").stdout)["settings"]["not_followed"]
    assert (refused["why"], refused["settings"], refused["file"]) == ("not-allowed", ["sensors", "hardware"], str(file))
    assert (refused["remedy"], refused["command"]) == ("look at it", f"trainwatt trust {file}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--list", "--forget"], "give one of them"),
        (["nowhere"], "nowhere is no file of settings"),
        (["meter.py"], "meter.py is no file of settings: name a trainwatt.toml, a pyproject.toml, or the folder"),
        (["pyproject.toml"], "there are no settings at"),
        (["empty"], "neither a trainwatt.toml nor a pyproject.toml with a table [tool.trainwatt]"),
        (["pipe/trainwatt.toml"], "it is a named pipe, and no regular file"),
        (["open/trainwatt.toml"], "cannot be read as settings"),
    ],
)
def test_what_cannot_be_allowed_is_refused(world: World, file: Path, arguments: list[str], words: str) -> None:
    for name in ("empty", "pipe", "open"):
        (world.work / name / ".git").mkdir(parents=True)
    os.mkfifo(world.work / "pipe" / "trainwatt.toml")
    os.mkfifo(world.work / "open" / "trainwatt.toml")
    (world.work / "open").chmod(0o777)
    ended = world.call("trust", *arguments)
    assert ended.returncode == 2
    assert words in ended.stderr.replace("\n", " ")
    assert world.call("trust", "--list").stdout == ""


def test_harmless_settings_need_no_consent(world: World) -> None:
    (world.work / "trainwatt.toml").write_text('project = "digits"\n')
    assert "there is nothing to allow" in world.call("trust").stdout
    assert world.call("trust", "--list").stdout == ""


def test_code_that_is_not_there_is_said(world: World, file: Path) -> None:
    (world.work / "meter.py").unlink()
    assert "meter.py cannot be read, and is not run" in world.call("trust").stdout


def test_no_name_of_a_file_changes_a_terminal(world: World) -> None:
    work = world.work / "a\x1b[31mred\nb"
    work.mkdir()
    world.work = work
    (work / "trainwatt.toml").write_text('db = "x\\u001b[2J"\n')
    for command in (["doctor"], ["trust"], ["trust", "--list"], ["trust", "--forget"], ["trust", "--forget"]):
        ended = world.cli(*command)
        assert "\x1b" not in ended.stdout + ended.stderr
        assert "red" in ended.stdout + ended.stderr
