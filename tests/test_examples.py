"""The examples run as a reader would run them, and leave what they say they leave."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fakes.world import HANGS_S
from trainwatt.cli.main import cli

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
TRAINWATT = Path(sys.executable).with_name("trainwatt")
EPOCHS = 2
TRAINING_IMAGES = 898
"""Half of the 1797 images."""


def run(*command: object, db: Path) -> str:
    """Standard output of a command that must end well."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRAINWATT_")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**environ, "TRAINWATT_DB": str(db)},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(*arguments: str, db: Path) -> str:
    """What a command that only reads prints, in this process."""
    ended = CliRunner().invoke(cli, [*arguments, "--db", str(db)])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def check(output: str, view: dict[str, Any], name: str) -> None:
    """The printed summary, and the stored run."""
    accuracy = re.search(r"^accuracy: ([\d.]+)$", output, re.MULTILINE)
    assert accuracy is not None, output
    assert float(accuracy[1]) > 0.9
    assert (view["run"]["project"], view["run"]["name"], view["run"]["status"]) == ("digits", name, "completed")
    phases = {p["name"]: p for p in view["phases"]}
    assert phases["train"]["count"] == phases["evaluate" if "evaluate" in phases else "validate"]["count"] == EPOCHS
    assert phases["train"]["work"] == view["work"] == {"samples": EPOCHS * TRAINING_IMAGES}
    assert 0 < phases["train"]["duration_s"] < view["run"]["duration_s"]
    if view["energy"]["total_j"] is not None:
        assert "energy per epoch: " in output
        assert "energy per training sample: " in output


@pytest.mark.parametrize("name", ["lightning_digits", "huggingface_digits", "accelerate_digits", "keras_digits"])
def test_example(name: str, tmp_path: Path) -> None:
    output = run(sys.executable, f"examples/{name}.py", "--epochs", EPOCHS, db=tmp_path)
    check(output, json.loads(read("show", "latest", "--json", db=tmp_path)), name)


def test_the_service_within_trainwatt_run_counts_its_requests(tmp_path: Path) -> None:
    command = (sys.executable, "examples/inference_service.py", "--requests", 200)
    run(TRAINWATT, "run", "--stage", "inference", "--", *command, db=tmp_path)
    view = json.loads(read("show", "latest", "--json", "--per", "requests", db=tmp_path))
    assert (view["run"]["stage"], view["run"]["status"], view["unit"]) == ("inference", "completed", "requests")
    assert view["work"] == {"images": 16 * 200, "requests": 200}
    [phase] = view["phases"]
    assert (phase["name"], phase["count"]) == ("classify", 200)
    if view["energy"]["total_j"] is not None:
        assert "J/request" in read("list", "--columns", "run,each", "--per", "requests", db=tmp_path)
        assert view["carbon"]["sci"]["unit"] == "request"


def test_example_within_trainwatt_run_joins_its_run(tmp_path: Path) -> None:
    """The first command of README.md runs it alone."""
    command = ("run", "--", sys.executable, "examples/train_digits.py", "--epochs", EPOCHS)
    output = run(TRAINWATT, *command, db=tmp_path)
    view = json.loads(read("show", "latest", "--json", db=tmp_path))
    check(output, view, "train_digits")
    assert "pending" not in output
    listed = json.loads(read("list", "--json", db=tmp_path))
    assert [r["run"]["id"] for r in listed["runs"]] == [view["run"]["id"]]


def test_carbon_of_a_run(tmp_path: Path) -> None:
    """Its table has the grams of the command line, and its paragraph is of that run."""
    output = run(sys.executable, "examples/carbon_of_a_run.py", "--epochs", EPOCHS, db=tmp_path)
    rows = re.findall(
        r"^([A-Z]{2}) +(\d) years +(\S+) \((\S+)–(\S+)\) +(\S+) \((\S+)–(\S+)\) +(\S+) \((\S+)–(\S+)\)$", output, re.MULTILINE
    )
    assert [row[:2] for row in rows] == [(zone, years) for zone in ("SE", "FR", "PL") for years in "36"]
    operational = []
    for zone, years, *shown in rows:
        terms = ("--zone", zone, "--lifetime-years", years)
        [found] = json.loads(read("footprint", "latest", *terms, "--json", db=tmp_path))["footprints"]
        parts = [found["carbon"][f"{part}{bound}_g"] for part in ("operational", "embodied", "total") for bound in ("", "_low", "_high")]
        assert shown == [f"{1000 * grams:,.2f}" for grams in parts]
        operational.append(parts[0])
    assert operational[::2] == operational[1::2] == sorted(set(operational))  # Sweden, France, Poland; whatever the lifetime
    view = json.loads(read("show", "latest", "--json", db=tmp_path))
    assert (view["run"]["name"], view["run"]["status"]) == ("carbon_of_a_run", "completed")
    assert view["work"] == {"samples": EPOCHS * TRAINING_IMAGES}
    paragraph = output.partition("The energy use and")[2].partition("References")
    assert "France (FR)" in paragraph[0]
    assert view["run"]["id"] in paragraph[2]


def test_a_sweep_is_ranked_by_the_documented_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of docs/sweeps.md, as it is written, at 80 columns."""
    [block] = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/sweeps.md").read_text(), re.DOTALL)
    example, *commands = block.splitlines()
    rates = re.findall(r"^lr=(\S+): accuracy 0\.9", run(sys.executable, *shlex.split(example)[1:], db=tmp_path / "db"), re.MULTILINE)
    assert len(rates) == 6
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    ranked, shown, _, compared = (read(*shlex.split(command)[1:], db=tmp_path / "db") for command in commands)
    assert all(f"digits/lr={rate} " in ranked for rate in rates)
    assert max(map(len, ranked.splitlines())) <= 80
    page = (tmp_path / "sweep.html").read_text()
    assert page.count('class="over ') == 6
    assert "val_accuracy" in shown
    assert "A  " in compared
    entries = json.loads(read(*shlex.split(commands[0])[1:], "--json", db=tmp_path / "db"))["runs"]
    joules = [entry["to"] and entry["to"]["energy_j"] for entry in entries]
    reached = [j for j in joules if j is not None]
    if entries[0]["energy"]["total_j"] is not None:
        assert 3 <= len(reached) < 6
        assert joules == sorted(reached) + [None] * (6 - len(reached))
        assert entries[-1]["run"]["name"] == "lr=0.0003"
        assert [line for line in ranked.splitlines() if "never" in line][-1].split()[1] == "digits/lr=0.0003"


def test_life_of_a_model(tmp_path: Path) -> None:
    """What it says is what the database has: every stage, the killed experiment, and the training that did not become the model."""
    output = run(
        sys.executable, "examples/life_of_a_model.py", "--epochs", EPOCHS, "--requests", 5, "--folder", tmp_path / "life", db=tmp_path
    )
    life = json.loads(read("life", str(tmp_path / "life/life.toml"), "--json", db=tmp_path))
    fates = {stage["stage"]: {line["fate"]: line["runs"] for line in stage["lines"]} for stage in life["stages"]}
    assert fates == {
        "data": {"used": 1},
        "experimentation": {"used": 3, "interrupted": 1},
        "training": {"used": 1, "unused": 1},
        "inference": {"used": 1},
    }
    assert life["final"][0][:8] in output
    assert life["planned"]["units"]["value"] == 3_650
    [service] = [run["id"] for run in life_runs(tmp_path) if run["name"] == "service"]
    assert f'runs = ["{service}"]' in (tmp_path / "life/life.toml").read_text()  # a name would be that of several, the second time
    assert f"5 requests of run {service[:8]}" in " ".join(output.split())
    assert all(words in output for words in ("storage for a year", "not the model", "interrupted", "in SE", "co2_eq_emissions:"))


def life_runs(db: Path) -> list[dict[str, Any]]:
    """The runs that are stored."""
    return [entry["run"] for entry in json.loads(read("list", "--json", db=db))["runs"]]
