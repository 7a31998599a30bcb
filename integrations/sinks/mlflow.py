"""MLflow: `sinks=["mlflow"]` logs the energy of a run to the active run of MLflow, or to one of its own; `mlflow=EXPERIMENT` names the
experiment of that one. Where MLflow keeps its runs is MLflow's own setting (`MLFLOW_TRACKING_URI`). The step of each value is the seconds
since the run began.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from trainwatt import ConfigurationError

from ._loggers.values import COMPLETED, FAILED, PERIOD_S, facts, load, title, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatt.core import LiveRun, Sink, SinkRun

__all__ = ["sink"]

ENDED = {COMPLETED: "FINISHED", FAILED: "FAILED"}
"""The words of MLflow for the status of a run. Any other end is "KILLED"."""


def sink(text: str) -> Sink:
    """Values for MLflow. `text`: the experiment of a run of its own. Raises ConfigurationError for an address, or without MLflow."""
    load("mlflow", "mlflow")
    if "://" in text:
        raise ConfigurationError(
            f"mlflow={text}: this is an address; MLFLOW_TRACKING_URI names the server, and mlflow=EXPERIMENT the experiment"
        )
    theirs, uri = _active()
    return _Mlflow(text, theirs, uri)


def _active() -> tuple[str | None, str]:
    """The run of MLflow that is active in this thread, and where it is kept. MLflow has an active run for each thread."""
    import mlflow

    active = mlflow.active_run()
    return active.info.run_id if active is not None else os.environ.get("MLFLOW_RUN_ID") or None, mlflow.get_tracking_uri()


class _Mlflow:
    period_s = PERIOD_S
    per_host = False

    def __init__(self, experiment: str, theirs: str | None, uri: str) -> None:
        self._experiment, self._uri = experiment, uri
        self._id, self._ours = theirs, theirs is None
        self._run: SinkRun | None = None
        self._client: Any = None
        self._said = ""

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        self._run = run
        self._logged_run(run)  # early: a database that is new takes seconds

    def write(self, live: LiveRun) -> None:
        from mlflow.entities import Metric, RunTag

        run = self._run
        assert run is not None
        run_id = self._logged_run(run)
        at_ms, step = round(live.utc_s * 1000), round(live.seconds)
        metrics = [Metric(name, value, at_ms, step) for name, value in values(live, run.host).items()]
        tags = [RunTag(name, value) for name, value in facts(run, live.status).items()] if live.status != self._said else []
        self._client.log_batch(run_id, metrics=metrics, tags=tags)
        self._said = live.status

    def end(self) -> None:
        if self._ours and self._id is not None:
            self._client.set_terminated(self._id, ENDED.get(self._said, "KILLED"))

    def _logged_run(self, run: SinkRun) -> str:
        """The id of the run of MLflow that is logged to. It is made if need be."""
        from mlflow import MlflowClient

        if self._client is None:
            self._client = MlflowClient(tracking_uri=self._uri)
        if self._id is None:
            self._id = self._start(run)
        return self._id

    def _start(self, run: SinkRun) -> str:
        created = self._client.create_run(
            self._experiment_id(self._experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or run.project),
            start_time=round(run.began_utc_s * 1000),
            run_name=title(run),
        )
        return str(created.info.run_id)

    def _experiment_id(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        if not self._experiment and (given := os.environ.get("MLFLOW_EXPERIMENT_ID")):
            return given
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name))
            except MlflowException:  # another process has just made it
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)
