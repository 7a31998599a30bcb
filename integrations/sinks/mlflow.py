"""MLflow: `sinks=["mlflow"]` logs the energy of a run to the active run of MLflow, or to one of its own; `mlflow=EXPERIMENT` names the
experiment of that one. Where MLflow keeps its runs is MLflow's own setting (`MLFLOW_TRACKING_URI`). The step of each value is the seconds
since the run began.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trainwatt import ConfigurationError

from ._loggers.own_run import Opening, OwnRun
from ._loggers.values import PERIOD_S, facts, line, loaded, require, title

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatt.core import LiveRun, Sink, SinkRun

    from ._loggers.mlflow_log import MlflowLog

__all__ = ["sink"]


def sink(text: str) -> Sink:
    """Values for MLflow. `text`: the experiment of a run of its own. Raises ConfigurationError for an address, or without MLflow."""
    require("mlflow")
    if "://" in text:
        raise ConfigurationError(
            f"mlflow={text}: this is an address; MLFLOW_TRACKING_URI names the server, and mlflow=EXPERIMENT the experiment"
        )
    return _Mlflow(text or None, *_active())


def _active() -> tuple[MlflowLog | None, str | None]:
    """The run of MLflow that is active in this thread, and where MLflow keeps its runs. It has an active run for each thread."""
    mlflow = loaded("mlflow")
    if mlflow is None:
        return None, None
    place, active = mlflow.get_tracking_uri(), mlflow.active_run()
    if active is None:
        return None, place
    from ._loggers.mlflow_log import MlflowLog

    return MlflowLog(place, active.info.run_id), place


class _Mlflow:
    period_s = PERIOD_S
    per_host = False

    def __init__(self, experiment: str | None, theirs: MlflowLog | None, place: str | None) -> None:
        self._experiment, self._theirs, self._place = experiment, theirs, place
        self._run: SinkRun | None = None
        self._own: OwnRun | None = None

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        self._run = run

    def write(self, live: LiveRun) -> None:
        run = self._run
        assert run is not None
        if self._theirs is not None:
            self._theirs.log(line(run, live))
            return
        if self._own is None:
            named = title(run), run.group, facts(run), run.began_utc_s, self._place, os.environ.get("MLFLOW_RUN_ID") or None
            self._own = OwnRun(Opening("mlflow", self._experiment, run.project, *named), ())
        self._own.log(line(run, live))

    def end(self) -> None:
        if self._own is not None:
            self._own.end()
