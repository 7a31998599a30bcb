"""`trainwatt bench`: commands run several times, their figures with the spread between runs, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from typing import Any

import pytest

from tests.fakes.world import HANGS_S, TRAINWATT, World, finished, wait_for

QUICK = ("--warmup", "0", "--cooldown", "0s", "--baseline", "0.05")


def bench(world: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    ended = world.cli("bench", "--json", *QUICK, *arguments)
    assert ended.returncode == code, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def stored(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(world.call("list", "--json").stdout)["runs"]
    return [world.show(of["run"]["id"] if "run" in of else of["id"])["run"] for of in found]


def test_two_commands_are_told_apart_by_their_energy(world: World) -> None:
    found = bench(world, "-n", "3", "--group", "naps", "--", "sleep 0.2", "sleep 1.4")
    assert [(c["label"], c["command"], c["group"], len(c["runs"])) for c in found["commands"]] == [
        ("A", "sleep 0.2", "naps/A", 3), ("B", "sleep 1.4", "naps/B", 3),
    ]  # fmt: skip
    energy = found["comparison"]["runs"][1]["figures"][0]
    assert energy["verdict"] == "more"
    assert energy["change"]["difference"] == pytest.approx(1.2 * world.total_w, rel=0.4)
    assert found["runs_needed"] == {"B": None}
    runs = stored(world)
    assert sorted(run["name"] for run in runs) == ["A 1", "A 2", "A 3", "B 1", "B 2", "B 3"]
    again = json.loads(world.call("compare", "--group", "naps/A", "--group", "naps/B", "--json").stdout)
    assert again["runs"][1]["figures"][0] == energy


def test_the_page_says_how_much_runs_vary_and_where_they_are(world: World) -> None:
    ended = world.cli("bench", *QUICK, "-n", "2", "--group", "g", "--", "sleep 0.2")
    assert ended.returncode == 0, ended.stderr
    first, second, *rows = ended.stdout.splitlines()
    assert first == "A  sleep 0.2"
    assert re.fullmatch(r"   2 runs: \S+ \S+ a run \(\S+\); group g/A", second)
    assert [row.split()[0] for row in rows] == ["energy", "time", "mean", "CO2e"]
    assert all(re.search(r" ± \S+ % +\S+–\S+ \S+$", row) for row in rows)


def test_one_run_each_says_what_it_does_not_know(world: World) -> None:
    ended = world.cli("bench", *QUICK, "-n", "1", "--", "sleep 0.2", "sleep 0.2")
    shown = " ".join(ended.stdout.split())
    assert "one run: how much runs vary is not known" in shown
    assert "one run each: differences between runs are not known" in shown


def test_a_failing_command_is_named_with_its_last_lines(world: World) -> None:
    ended = world.cli("bench", *QUICK, "-n", "2", "--", "sleep 0.1", "echo one; echo two >&2; exit 7")
    assert (ended.returncode, ended.stdout) == (1, "")
    for words in ("B (echo one", "exit code 7", "in run 1", "| one", "| two", "--ignore-failure"):
        assert words in ended.stderr
    assert {run["status"] for run in stored(world)} == {"completed", "failed"}


def test_failures_can_be_left_out(world: World) -> None:
    flaky = "test -e seen || { touch seen; exit 3; }; sleep 0.1"
    ended = world.cli("bench", "--json", *QUICK, "-n", "3", "--ignore-failure", "--", flaky)
    assert ended.returncode == 0, ended.stderr
    assert "exit code 3 in run 1; left out" in ended.stderr
    assert len(json.loads(ended.stdout)["commands"][0]["runs"]) == 2
    ended = world.cli("bench", *QUICK, "-n", "1", "--ignore-failure", "--", "false")
    assert (ended.returncode, "no run of A completed" in ended.stderr) == (1, True)


def test_warm_up_runs_are_not_stored(world: World) -> None:
    bench(world, "--warmup", "2", "-n", "1", "--", "echo x >> count; sleep 0.1")
    assert (world.work / "count").read_text() == "x\n" * 3
    assert len(stored(world)) == 1


def test_the_energy_to_a_goal_is_a_phase(world: World) -> None:
    line = "sleep 0.2; echo val_accuracy=0.5; sleep 0.2; echo val_accuracy=0.99; sleep 0.4"
    found = bench(world, "-n", "2", "--to", "val_accuracy>=0.98", "--", line, line)
    phases = found["comparison"]["runs"][0]["phases"]
    assert [phase["name"] for phase in phases] == ["to val_accuracy>=0.98"]
    whole = found["comparison"]["runs"][0]["figures"][0]["value"]
    assert 0.25 < phases[0]["value"] / whole < 0.75


def test_a_goal_that_is_not_reached_fails_the_run(world: World) -> None:
    ended = world.cli("bench", *QUICK, "-n", "1", "--to", "val_accuracy>=0.98", "--", "echo val_accuracy=0.9; sleep 0.1")
    assert (ended.returncode, "did not print val_accuracy>=0.98 in run 1" in ended.stderr) == (1, True)
    assert [(run["status"], run["end_reason"]) for run in stored(world)] == [("failed", "val_accuracy>=0.98 was not reached")]


def test_it_stops_when_the_mean_is_known(world: World) -> None:
    found = bench(world, "-n", "20", "--precision", "90%", "--", "sleep 0.2")
    assert len(found["commands"][0]["runs"]) == 3


def test_ctrl_c_ends_the_command_and_says_where_the_runs_are(world: World) -> None:
    process = world.popen([*TRAINWATT, "bench", *QUICK, "-n", "9", "--group", "g", "--", "echo $$ > pid; sleep 60"], start_new_session=True)
    pid = int(wait_for(world.work / "pid"))
    os.killpg(process.pid, signal.SIGINT)
    ended = finished(process)
    assert ended.returncode == 130
    assert "the runs so far are in the group" in ended.stderr
    assert [run["status"] for run in stored(world)] == ["interrupted"]
    deadline = time.monotonic() + HANGS_S
    while os.path.exists(f"/proc/{pid}"):  # the kernel may need a moment
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--precision", "2", "--", "true"), "as in --precision 2%"),
        (("--precision", "0%", "--", "true"), "as in --precision 2%"),
        (("--to", "accuracy", "--", "true"), "is not a goal"),
        (("--cooldown", "long", "--", "true"), "give a time such as 30s"),
        (("-n", "0", "--", "true"), "0"),
        (("--",), "COMMAND"),
    ],
)
def test_bad_input_is_named_before_anything_runs(world: World, arguments: tuple[str, ...], words: str) -> None:
    ended = world.call("bench", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert not world.db.exists()
