"""A training with every logger at once: each has the digits of `trainwatt show`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.world import World
from tests.integrations.sinks.test_loggers import environ

pytestmark = pytest.mark.slow
TRAINING = """
import sys, time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits", budget="1 kWh", intensity_g_per_kwh=100, sinks=sys.argv[1:]) as tracker:
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        time.sleep(0.05)
        tracker.update(samples=2)
"""
READ = """
import json, sys
from glob import glob
import trackio
from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trackio.sqlite_storage import SQLiteStorage
from tests.integrations.sinks.logged import of_wandb, whole

def last_of_trackio():
    (run,) = trackio.Api().runs("digits")
    return SQLiteStorage.get_logs("digits", run.name)[-1]

def run_of_mlflow():
    client = MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    return run

run = whole(run_of_mlflow, lambda run: run.info.status == "FINISHED")
rows = EventAccumulator(*glob("runs/*")).Reload().Tensors("trainwatt/run")[0].tensor_proto.string_val[0].decode().splitlines()[2:]
json.dump({
    "mlflow": run.data.metrics | run.data.tags,
    "trackio": whole(last_of_trackio, lambda row: "trainwatt.status" in row),
    "wandb": whole(lambda: of_wandb(glob("wandb/offline-run-*")[0]), lambda found: "exit" in found)["summary"],
    "tensorboard": dict(line.strip("| ").split(" | ") for line in rows),
}, sys.stdout)
"""


def user(world: World, **more: str) -> dict[str, str]:
    """The environment of a user of the world who has set up none of the loggers."""
    return {**environ(world.work), **world.environ(), **{k: v for k, v in environ(world.work).items() if "_" in k}, **more}


def test_each_logger_has_the_digits_of_show(world: World) -> None:
    names = ["tensorboard", "wandb", "mlflow", "trackio"]
    ended = world.run_python(TRAINING, *names, env=user(world))
    assert ended.returncode == 0, ended.stderr
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert [event for event in view["events"] if event["kind"] == "sink"] == [], ended.stderr
    want = {
        "energy/total_j": view["energy"]["total_j"],
        "energy/carbon_g": view["carbon"]["total_g"],
        "energy/sample_j": view["energy"]["total_j"] / view["work"]["samples"],
        **{f"energy/{device['device']}_j": device["energy_j"] for device in view["energy"]["devices"]},
    }
    read = world.run_python(READ, env=user(world))
    assert read.returncode == 0, read.stderr
    found: dict[str, dict[str, Any]] = json.loads(read.stdout)
    for logger, values in found.items():
        assert {name: float(values[name]) for name in want} == want, logger
        said = {key: values[f"trainwatt.{key}"] for key in ("run_id", "project", "status")}
        assert said == {"run_id": view["run"]["id"], "project": "digits", "status": "completed"}, logger
        assert "energy/budget_share" in values
