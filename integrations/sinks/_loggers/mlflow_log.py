"""What is done with MLflow: values of a run are logged to a run of it, and such a run is made and ended. Imports MLflow."""

from __future__ import annotations

import os

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException

from .values import COMPLETED, FAILED, Line

ENDED = {COMPLETED: "FINISHED", FAILED: "FAILED"}
"""The words of MLflow for the status of a run. Any other end is "KILLED"."""


class MlflowLog:
    """A run of MLflow that is logged to, at `place`. `run_id`: one that is there already, which is not ended."""

    def __init__(self, place: str | None, run_id: str | None) -> None:
        self._client = MlflowClient(tracking_uri=place)
        self._started = False
        self._said = ""
        self.run_id = run_id

    def start(self, experiment: str | None, default: str, name: str, began_utc_s: float) -> None:
        """Make a run, in an experiment of this name, else in that of the settings of MLflow, else in the default one."""
        within = self._experiment_id(experiment, default)
        self.run_id = self._client.create_run(within, start_time=round(began_utc_s * 1000), run_name=name).info.run_id
        self._started = True

    def log(self, line: Line) -> None:
        """Log the figures, and what is new of the rest."""
        at_ms, step = round(line.utc_s * 1000), round(line.seconds)
        metrics = [Metric(name, value, at_ms, step) for name, value in line.figures.items()]
        tags = [RunTag(name, value) for name, value in line.facts.items()] if line.status != self._said else []
        self._client.log_batch(self.run_id, metrics=metrics, tags=tags)
        self._said = line.status

    def end(self) -> None:
        """End a run that was made here."""
        if self._started:
            self._client.set_terminated(self.run_id, ENDED.get(self._said, "KILLED"))

    def _experiment_id(self, name: str | None, default: str) -> str:
        if name is None and (given := os.environ.get("MLFLOW_EXPERIMENT_ID")):
            return given
        name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME") or default
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name))
            except MlflowException:  # another process has just made it
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)
