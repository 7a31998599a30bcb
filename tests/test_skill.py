"""SKILL.md: every command in it runs as it is written, and every key that it names is there."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.world import ROOT, World

PAGE = (ROOT / "SKILL.md").read_text()
COMMANDS = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()
TRAIN = """
import sys, time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker, tracker.phase("train", step=0):
    time.sleep(0.3 if "--small" in sys.argv else 0.6)
    tracker.update(samples=64)
    tracker.log(val_accuracy=0.95)
"""


def test_it_is_one_page_whose_head_says_when_to_use_it() -> None:
    head = PAGE.split("---\n")[1]
    assert re.fullmatch(r"name: trainwatt\ndescription: (.{50,1024})\n", head)
    assert len(PAGE.splitlines()) <= 100


def keys(text: str) -> list[str]:
    """The paths in the table, each in code."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [key for row in rows for key in re.findall(r"`([a-z_.\[\]]+)`", row.split("|")[1])]


def found(value: Any, path: str) -> bool:
    """Whether a path such as "energy.devices[].provenance" leads somewhere. Any entry of a list will do."""
    if not path:
        return True
    name, _, rest = path.partition(".")
    if name.removesuffix("[]") not in value:
        return False
    inner = value[name.removesuffix("[]")]
    return (not rest or any(found(each, rest) for each in inner)) if name.endswith("[]") else found(inner, rest)


@pytest.mark.slow
def test_every_command_runs_and_every_key_is_there(world: World) -> None:
    (world.work / "train.py").write_text(TRAIN)
    printed: dict[str, Any] = {}
    for line in COMMANDS:
        program, *arguments = shlex.split(line)
        assert program == "trainwatt"
        if arguments[0] == "run":
            ended = world.cli(*arguments, env=world.environ(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}"))
        else:
            ended = world.call(*arguments)
            printed[line] = json.loads(ended.stdout)
            assert printed[line]["schema_version"] == 1
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)
    assert {line.split()[1] for line in COMMANDS} == {"doctor", "run", "list", "show", "compare"}

    shown = printed["trainwatt show demo/base-1 --json"]
    shown["events"] = shown["events"] or [{"kind": "gap"}]  # nothing happened to this run
    named = keys(PAGE)
    assert len(named) == 18
    assert [key for key in named if not found(shown, key)] == []
    assert (shown["run"]["status"], shown["energy"]["measured_fraction"], shown["work"]) == ("completed", 1.0, {"samples": 64})
    doctor = printed["trainwatt doctor --json"]
    assert {device["from"] for device in doctor["devices"]} <= {"counter", "power", "model"}
    assert all("remedy" in each for each in doctor["findings"])
    assert printed["trainwatt show demo/base-1 --phases --json"]["instances"]
    ranked = printed['trainwatt list --project demo --to "val_accuracy>=0.9" --sort to --json']["runs"]
    assert [entry["run"]["name"] for entry in ranked] == ["small-1", "base-1"]
    [energy] = [f for f in printed["trainwatt compare demo/base-1 demo/small-1 --json"]["runs"][1]["figures"] if f["name"] == "energy"]
    assert energy["verdict"]
    assert {"ratio", "ratio_low", "ratio_high"} <= energy["change"].keys()
    assert printed["trainwatt show demo/limited --json"]["run"]["status"] == "completed"
    gated = world.call("compare", "demo/small-1", "demo/base-1", "--gate", "energy +5%")
    assert gated.returncode == 4
    assert world.call("show", "demo/none").returncode == 3
