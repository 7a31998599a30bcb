"""Terminals, locales, folders and names that are not UTF-8: every command works, and what cannot be shown is replaced."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.world import HANGS_S, TRAINWATT, World
from trainwatt.texts import SIMILAR, shown

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"PYTHONIOENCODING": "iso-8859-1"}
PLACES = {
    "ascii": ("ascii", ASCII),
    "latin-1 over ascii": ("iso-8859-1", ASCII | LATIN),
    "utf-8, strict": ("utf-8", {"PYTHONIOENCODING": "utf-8:strict"}),
}
ODD = os.fsdecode(b"caf\xe9 \xff\x9b \xe2\x96\x88\xce\xa9")
"""A name in Latin-1, bytes that are no text, and characters that Latin-1 does not have."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A machine whose home, working folder and database have odd names, with two runs of odd names."""
    root = tmp_path_factory.mktemp("odd") / ODD
    root.mkdir()
    made = World(root, None, gpus_w=())
    yield made
    made.close()


def output(world: World, encoding: str, environ: dict[str, str], *arguments: str, command: tuple[str, ...] = TRAINWATT) -> tuple[int, str]:
    """The exit code, and all that is printed, which must be text in that encoding."""
    env = world.environ(HOME=str(world.root), XDG_DATA_HOME=str(world.root / "share"), **environ)
    done = subprocess.run([*command, *arguments], env=env, cwd=world.work, capture_output=True, timeout=HANGS_S, check=False)
    said = done.stdout.decode(encoding) + done.stderr.decode(encoding)
    assert "Traceback" not in said, said
    assert "codec" not in said, said
    return done.returncode, said


TRAIN = f"""
import sys, trainwatt
with trainwatt.EnergyTracker(project={ODD!r}, name={ODD!r}, tags={{{ODD!r}: {ODD!r}}}, gpus=[]) as tracker:
    for name in ({ODD!r}, "x\\udc80", "x\\udc81"):
        with tracker.phase(name):
            tracker.update(samples=2)
    trainwatt.log.warn("caf\\u00e9 \\u2588 %s", {ODD!r})
summary = tracker.summary()
print(summary, repr(summary), summary.headline, trainwatt.runs())
print(summary, file=sys.stderr)
assert len(trainwatt.runs(project={ODD!r})) == len(trainwatt.runs())
"""


READING = [
    ["show", "latest"], ["show", "latest", "--json"], ["list"], ["list", "--project", ODD], ["list", "--group", ODD, "--by", "group"],
    ["list", "--format", "md"], ["list", "--format", "csv"], ["list", "--json"], ["watch", "latest"], ["compare", "latest", "latest"],
    ["footprint", "latest"], ["footprint", "latest", "--format", "tex"], ["zones", "france"],
    ["estimate", "--watts", "300", "--hours", "1"],
    ["--help"], ["run", "--help"], ["completion", "bash"],
]  # fmt: skip
REFUSED = [["show", f"no{ODD}"], ["list", "--columns", ODD], ["run", "--stage", ODD, "true"], ["run", "--", f"no{ODD}"], [ODD]]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["ascii", "utf-8, strict"])
def test_a_run_is_tracked_and_read(world: World, place: str) -> None:
    encoding, environ = PLACES[place]
    (world.work / "train.py").write_text(TRAIN)
    code, said = output(world, encoding, environ, "train.py", command=TRAINWATT[:1])
    assert code == 0, said
    assert "measured" in said
    options = ("--project", ODD, "--name", ODD, "--group", ODD, "--tag", f"{ODD}={ODD}", "--zone", "FR")
    code, said = output(world, encoding, environ, "run", *options, "--", "sh", "-c", "exit 3", ODD)
    assert (code, "failed (exit code 3)" in said) == (3, True), said
    report = f"report {ODD}.html"
    for arguments in (["show"], ["list", "--project", ODD], ["report", "latest", "-o", report], ["doctor"]):
        code, said = output(world, encoding, environ, *arguments)
        assert code == 0, said
    assert (world.work / report).exists()


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "koi8-r", "utf-8"])
def test_every_command_writes_in_any_encoding(world: World, encoding: str) -> None:
    if not world.db.exists():
        world.run_python(TRAIN)
        assert world.cli("run", "--group", ODD, "--project", ODD, "--", "true").returncode == 0
    for arguments in READING + REFUSED:
        ended = world.call(*arguments, encoding=encoding)
        assert (ended.returncode == 0) is (arguments in READING), (arguments, ended.stderr)
        assert "Traceback" not in ended.stderr
        assert (ended.stdout + ended.stderr).strip()
        if "--json" in arguments:
            json.loads(ended.stdout)


def test_what_cannot_be_shown_is_replaced_by_what_is_like_it() -> None:
    class Stream:
        encoding, errors = "ascii", "strict"

    text = "1.84 kWh (1.79–1.90, ×2, ±3 %, ▁█) · café → Ω \udce9"
    assert shown(text, Stream()) == "1.84 kWh (1.79-1.90, x2, ~3 %, _#) - cafe > ? ?"
    Stream.encoding = "iso-8859-1"
    assert shown(text, Stream()) == "1.84 kWh (1.79-1.90, ×2, ±3 %, _#) · café > ? ?"
    Stream.encoding = "utf-8"
    assert shown(text, Stream()) == text[:-1] + "?"
    for stream in (None, object(), type("S", (), {"encoding": "no such"})(), type("S", (), {"encoding": 7})()):
        assert shown(text, stream) == text
    assert text.encode("ascii", SIMILAR)


def test_two_names_that_are_stored_alike_are_one_phase(world: World) -> None:
    ended = world.run_python(TRAIN)
    assert ended.returncode == 0, ended.stderr
    view = world.show()
    assert {phase["name"]: phase["work"]["samples"] for phase in view["phases"]} == {
        "café ��� █Ω".replace("é", "�", 1).replace("���", "��"): 2,
        "x�": 4,
    }


def test_a_terminal_of_its_own(world: World) -> None:
    """Rich and click write to a terminal in another way than to a pipe."""
    import pty

    assert world.run_python(TRAIN).returncode == 0
    controller, terminal = pty.openpty()
    env = world.environ(**ASCII, TERM="xterm")
    process = subprocess.Popen([*TRAINWATT, "list"], env=env, cwd=world.work, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    said = b""
    try:
        while chunk := os.read(controller, 65536):
            said += chunk
    except OSError:
        pass
    os.close(controller)
    assert process.wait(HANGS_S) == 0
    assert said.isascii()
    assert b"Traceback" not in said
    assert Path(world.db).exists()
