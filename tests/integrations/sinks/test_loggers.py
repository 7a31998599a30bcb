"""Weights & Biases, MLflow and Trackio: their own readers find the digits, and the user's runs are as they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.world import HANGS_S, ROOT
from tests.integrations.sinks.lives import FACTS, FIGURES, live
from trainwatt import ConfigurationError
from trainwatt.integrations.sinks import mlflow, trackio, wandb

pytestmark = pytest.mark.slow
OFFLINE = {
    "WANDB_ERROR_REPORTING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def environ(folder: Path) -> dict[str, str]:
    """A user who has set up none of the loggers."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "MLFLOW", "TRACKIO", "TRAINWATT"))}
    places = {"HOME": str(folder), "TRACKIO_DIR": str(folder / "trackio"), "MLFLOW_TRACKING_URI": str(folder / "mlruns")}
    return {**kept, **OFFLINE, **places, "PYTHONPATH": str(ROOT)}


def test_the_readers_of_the_loggers_find_the_digits_and_the_steps_of_the_user(tmp_path: Path) -> None:
    """One program for all of them, because to load these libraries takes seconds."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.integrations.sinks.logged"],
        env=environ(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert ended.returncode == 0, ended.stderr
    logged = json.loads(ended.stdout)
    wandb_counts_no_step(logged["wandb"])
    wandb_has_the_newest_energy_in_each_row(logged["wandb"])
    wandb_has_the_final_digits(logged["wandb"])
    a_run_of_wandb_that_has_ended_says_so(logged["wandb"])
    a_run_of_wandb_for_the_sink_is_offline_and_not_current(logged["wandb"], ended.stderr)
    mlflow_has_the_final_digits(logged["mlflow"])
    mlflow_has_the_values_of_each_time(logged["mlflow"])
    a_run_of_mlflow_that_is_gone_is_said(logged["mlflow"])
    trackio_has_the_final_digits_beside_the_steps_of_the_user(logged["trackio"])
    a_run_of_trackio_for_the_sink_has_all(logged["trackio"]["own"])


def figures_of(row: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name in FIGURES}


def wandb_counts_no_step(read: Any) -> None:
    losses = {name: [(row["_step"], row["loss"]) for row in read[name]["rows"] if "loss" in row] for name in ("plain", "counted", "given")}
    assert losses["plain"] == losses["counted"] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert losses["given"] == [(0, 0), (10, 1), (20, 2), (30, 3)]
    assert read["steps"] == {"plain": 4, "counted": 4, "given": 30}


def wandb_has_the_newest_energy_in_each_row(read: Any) -> None:
    rows = read["counted"]["rows"]
    assert [row["energy/total_j"] for row in rows if "loss" in row] == [live(step + 1.5).energy_j for step in range(4)]


def wandb_has_the_final_digits(read: Any) -> None:
    for name in ("counted", "given", "own"):
        summary = read[name]["summary"]
        assert figures_of(summary) == FIGURES, name
        assert {key: summary[key] for key in FACTS} == FACTS, name


def a_run_of_wandb_that_has_ended_says_so(read: Any) -> None:
    assert read["after"].startswith("TrainwattError: the run of wandb takes no more values")


def a_run_of_wandb_for_the_sink_is_offline_and_not_current(read: Any, stderr: str) -> None:
    """Nobody has logged in, and this is said. A later `wandb.init()` of the user gets a run of its own."""
    own = read["own"]
    assert own["project"] == "digits"
    assert own["exit"] == 0
    assert own["config"]["trainwatt.run_id"] == FACTS["trainwatt.run_id"]
    assert not read["current"]
    assert stderr.count("wandb: recorded offline (") <= 1  # not said if it takes longer than the end of a run waits
    assert "wandb: recorded offline" not in stderr or "(nobody is logged in); `wandb sync " in stderr


def mlflow_has_the_final_digits(read: Any) -> None:
    for name, status in [("theirs", "FINISHED"), ("own", "FINISHED"), ("by_variable", "RUNNING")]:
        run = read[name]
        assert figures_of(run["metrics"]) == FIGURES, name
        assert {key: run["tags"][key] for key in FACTS} == FACTS, name
        assert run["status"] == status, name
    assert read["own"]["name"] == "a_first_run-01234567"
    assert read["raised"] == ""


def mlflow_has_the_values_of_each_time(read: Any) -> None:
    times = [t for step in range(4) for t in (step + 1.0, step + 1.5)] + [9.0]
    assert sorted(value for _, _, value in read["steps"]) == [live(t).energy_j for t in times]
    assert {at - 1_700_000_000_000 for _, at, _ in read["steps"]} == {1000 * t for t in times}
    assert read["theirs"]["metrics"]["loss"] == 3.0


def a_run_of_mlflow_that_is_gone_is_said(read: Any) -> None:
    assert "must be in 'active' lifecycle_stage" in read["gone"] or "not found" in read["gone"]


def trackio_has_the_final_digits_beside_the_steps_of_the_user(read: Any) -> None:
    assert [(row["step"], row["loss"]) for row in read["rows"]] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert not any(figures_of(row) for row in read["rows"])
    assert [row["energy/total_j"] for row in read["system"]][:2] == [live(1.0).energy_j, live(1.5).energy_j]
    assert figures_of(read["system"][-1]) == FIGURES
    assert {key: read["system"][-1][key] for key in FACTS} == FACTS
    assert read["raised"] == ""


def a_run_of_trackio_for_the_sink_has_all(own: Any) -> None:
    assert own["name"] == "a_first_run-01234567"
    assert own["config"]["trainwatt.project"] == "digits"
    assert figures_of(own["rows"][-1]) == FIGURES
    assert {key: own["rows"][-1][key] for key in FACTS} == FACTS


def test_a_library_that_is_missing_is_said_before_the_training(tmp_path: Path) -> None:
    """A folder of its name, which these libraries make, is not the library."""
    names = ["tensorboard", "wandb", "mlflow", "trackio"]
    for name in names:
        (tmp_path / name).mkdir()
    code = """
import sys
from importlib import import_module
sys.path = ["", *(path for path in sys.path if "site-packages" not in path)]
from trainwatt import ConfigurationError
for name in sys.argv[1:]:
    try:
        import_module(f"trainwatt.integrations.sinks.{name}").sink("")
    except ConfigurationError as error:
        print(error)
    assert not [module for module in sys.modules if module.partition(".")[0] == name]
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=tmp_path, env=environ(tmp_path), capture_output=True, text=True, timeout=HANGS_S
    )
    told = [f"the sink {name} needs the package {name}: `pip install 'trainwatt[{name}]'`." for name in names]
    assert ended.stdout.splitlines() == told, ended.stderr


def test_an_address_is_no_experiment() -> None:
    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_URI names the server"):
        mlflow.sink("http://127.0.0.1:5000")


def test_no_sink_imports_these_libraries_into_the_training() -> None:
    before = set(sys.modules)
    for each in (mlflow, trackio, wandb):
        each.sink("x")
    assert {"mlflow", "trackio", "wandb"}.isdisjoint({name.partition(".")[0] for name in set(sys.modules) - before})
