"""A run whose every text is hostile, in every command: nothing of it takes effect in the terminal, and JSON keeps it exactly."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trainwatt
from tests.fakes.compared import START, S, put
from tests.fakes.stored_rows import Row
from tests.fakes.world import HANGS_S, TRAINWATT, MakeWorld, World, finished

HOSTILE = "x\x1b[31mred\x9b2J\x1b]0;title\x07\r\nsecond\x00\x7f\x85\u202eback\u2066\u200b[bold]<b>|y"
LONE = "phase\x1b[5m\nlost"


def fill(db: Path, text: str) -> None:
    """Two runs with `text` in every column that holds text; the second one goes on."""
    of_run: Row = {"project": text, "name": text, "group_name": text, "command": text, "git_commit": text, "end_reason": text, "zone": text}
    of_run |= {"tags": json.dumps({text: text}), "external": json.dumps({text: text}), "host": text}
    for number, run_id in enumerate(("aaa", "bbb")):
        status: Row = {} if run_id == "aaa" else {"status": "failed"}
        put(db, run_id, {"gpu0": 100.0, "package-0": 40.0}, phases={text: 2, "train": 1}, at_s=100.0 * number, **status, **of_run)
    with sqlite3.connect(db) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("device", "curve_point", "phase_energy"):
            column = "device" if table != "device" else "name"
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = 'gpu0'", (text,))
        connection.execute("UPDATE device SET model = ?, note = ?, uuid = ? WHERE kind = 'gpu'", (text, text, text))
        for run_id in ("aaa", "bbb"):
            for seq, kind in enumerate(("shared", "lost")):
                values = (f"seg-{run_id}", seq, text, kind, 5 * S, START + 5 * S, text)
                connection.execute(
                    "INSERT INTO event (segment_id, seq, device, kind, t_ns, utc_ns, detail) VALUES (?, ?, ?, ?, ?, ?, ?)", values
                )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A machine with two hostile runs."""
    made = World(tmp_path_factory.mktemp("hostile"), None, package_w=0, gpus_w=())
    fill(made.db, HOSTILE)
    yield made
    made.close()


def assert_harmless(text: str) -> None:
    found = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"}
    assert found == set(), ascii(text)


EVERY = "run,started,ended,project,name,group,stage,status,time,energy,range,error,measured,work,each,host,commit,command,tags"
COMMANDS = [
    ["show", "aaa"], ["show", "bbb"], ["list"], ["list", "--columns", EVERY], ["list", "--by", "project"], ["list", "--by", "group"],
    ["list", "--format", "md"], ["compare", "aaa", "bbb"], ["compare", "aaa", "bbb", "--format", "md", "--gate", "energy +5%"],
    ["watch", "aaa"], ["footprint", "aaa", "--zone", "FR"], ["footprint", "aaa", "bbb", "--zone", "FR"],
    ["footprint", "aaa", "bbb", "--zone", "FR", "--format", "text"], ["footprint", "aaa", "--zone", "FR", "--format", "md"],
    ["footprint", "aaa", "--zone", "FR", "--format", "tex"], ["footprint", "aaa"], ["report", "aaa", "bbb"],
    ["show", "aaa", "WIDE"], ["list", "--columns", EVERY, "WIDE"], ["compare", "aaa", "bbb", "WIDE"],
    # what is not there, and what cannot be
    ["show", HOSTILE.replace("\x00", "")], ["show", "no" + HOSTILE], ["delete", "no" + HOSTILE], ["compare", "aaa", "no" + HOSTILE],
    ["watch", "no" + HOSTILE], ["footprint", "aaa", "--zone", HOSTILE], ["list", "--columns", HOSTILE], ["list", "--since", HOSTILE],
    ["list", "--project", "no" + HOSTILE], ["footprint", "--project", "no" + HOSTILE], ["show", "--" + HOSTILE], [HOSTILE],
    ["list", "--status", HOSTILE], ["compare", "aaa", "bbb", "--gate", HOSTILE], ["show", "aaa", "--footprint", HOSTILE],
    ["estimate", "--device", HOSTILE, "--hours", "1"], ["list", "--db", "/nowhere/" + HOSTILE.replace("\x00", "")],
    ["report", "aaa", "-o", "/nowhere/" + HOSTILE.replace("\x00", "")],
]  # fmt: skip


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: ascii(" ".join(arguments))[:50])
def test_no_command_lets_text_reach_the_terminal_raw(world: World, arguments: list[str]) -> None:
    ended = world.call(*(a for a in arguments if a != "WIDE"), COLUMNS="300" if "WIDE" in arguments else "80")
    assert ended.returncode in (0, 1, 2, 3, 4)
    assert "Traceback" not in ended.stderr
    assert_harmless(ended.stdout)
    assert_harmless(ended.stderr)


@pytest.mark.parametrize(
    "arguments", [["show", "aaa", "--json"], ["list", "--json"], ["compare", "aaa", "bbb", "--json"], ["watch", "aaa", "--json"]]
)
def test_json_has_the_text_exactly(world: World, arguments: list[str]) -> None:
    found = json.loads(world.call(*arguments).stdout)
    run = found["run"] if "run" in found else found["runs"][0]["run"]
    for key in ("project", "name", "group", "host", "command", "git_commit", "end_reason"):
        assert run[key] == HOSTILE
    assert run["tags"] == {HOSTILE: HOSTILE}


def test_a_summary_is_printed_as_text(world: World) -> None:
    summary = trainwatt.Summary.load(str(world.db), "aaa")
    for text in (str(summary), repr(summary), summary.headline):
        assert_harmless(text)
    assert "x [31mred" in str(summary)
    assert summary.to_dict()["run"]["name"] == HOSTILE


@settings(max_examples=8)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_whatever_the_text(world: World, text: str) -> None:
    db = world.work / "other.db"
    db.unlink(missing_ok=True)
    fill(db, text)
    for arguments in (
        ["show", "aaa"],
        ["list", "--columns", EVERY],
        ["compare", "aaa", "bbb"],
        ["watch", "aaa"],
        ["footprint", "aaa", "bbb", "--zone", "FR"],
    ):
        ended = world.call(*arguments, "--db", str(db), COLUMNS="100")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert_harmless(ended.stdout)
    assert_harmless(str(trainwatt.Summary.load(str(db), "aaa")))


@pytest.mark.parametrize(("options", "answer"), [([], "n\n"), ([], ""), (["-y"], "")])
def test_delete_names_what_it_found(make_world: MakeWorld, options: list[str], answer: str) -> None:
    world = make_world(package_w=0, gpus_w=())
    fill(world.db, HOSTILE)
    ended = finished(world.popen([*TRAINWATT, "delete", *options, "aaa", "bbb"], stdin=subprocess.PIPE), answer)
    assert_harmless(ended.stdout)
    assert_harmless(ended.stderr)
    assert ("x [31mred" in ended.stdout) is (not options)


def test_what_run_and_attach_report(make_world: MakeWorld) -> None:
    world = make_world()
    options = ["--project", HOSTILE.replace("\x00", ""), "--name", HOSTILE.replace("\x00", ""), "--tag", f"a\x1b[31m={LONE}"]
    ended = world.cli("run", *options, "--", "sh", "-c", "exit 3")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert_harmless(ended.stderr)
    failed = world.cli("run", *options, "--", "no\x1b[31msuch\x9b\udcffcommand")
    assert failed.returncode == 127
    assert_harmless(failed.stderr)
    sleeper = subprocess.Popen(["sleep", "60"])
    attached = world.popen([*TRAINWATT, "attach", *options, str(sleeper.pid)])
    assert attached.stderr is not None
    assert "following process" in attached.stderr.readline()
    sleeper.kill()
    sleeper.wait()
    assert_harmless(finished(attached).stderr)
    assert [run["name"] for run in world.runs()] == [HOSTILE.replace("\x00", "")] * 2


SENSORS = """
import dataclasses
from trainwatt.core.sensing import Availability, Device, Discovery, Finding, Gauge

class Hostile:
    name, period_s, kind = "power", None, Gauge("instant")
    device = Device({text!r}, "gpu", 100.0, 0.05, {text!r}, model={text!r}, uuid={text!r}, note={text!r})
    def read(self): return 50.0
    def holder_pids(self): return None
    def close(self): pass

def find(request):
    return Discovery([Hostile()], [Finding({text!r}, Availability.BROKEN, {text!r}, {text!r}, {text!r}, {text!r})])
"""


def test_what_doctor_says_of_a_sensor_of_the_users_own(world: World) -> None:
    text = HOSTILE
    (world.work / "own.py").write_text(SENSORS.format(text=text))
    (world.work / "trainwatt.toml").write_text('sensors = ["own.py:find"]\n')
    assert world.call("trust").returncode == 0
    ended = world.call("doctor", TRAINWATT_ZONE="")
    assert ended.returncode == 0, ended.stderr
    assert "x [31mred" in ended.stdout
    assert_harmless(ended.stdout)
    assert_harmless(ended.stderr)


@pytest.mark.parametrize("what", ["runs", "phases", "curves"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_harmless_on_a_terminal_and_exact_in_a_pipe(world: World, what: str, form: str) -> None:
    command = [*TRAINWATT, "export", "--what", what, "--format", form]
    pseudo = [sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"]
    shown = finished(world.popen([*pseudo, *command]))
    assert shown.returncode == 0, shown.stdout
    assert_harmless(shown.stdout.replace("\r\n", "\n"))
    piped = subprocess.run(command, env=world.environ(), cwd=world.work, capture_output=True, timeout=HANGS_S)
    text = HOSTILE if form == "csv" else json.dumps(HOSTILE)
    assert text.encode() in piped.stdout
