"""The process of `own_run`: reads lines of JSON and gives their figures to a run of Weights & Biases, MLflow or Trackio.

The first line says what the run is called. The input ends when the training does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from .values import RUNNING, Line

INIT_S = 20.0
"""How long a server of Weights & Biases may take to answer, unless its own setting says so. Otherwise the run is recorded offline."""
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""How long and how often a server of MLflow is asked, unless its own settings say so, whose defaults are many minutes."""
WELL = ("completed", "searched", "pruned")


def main(library: str) -> None:
    """Run until the input ends. What is printed goes to the errors; the output is for what the user is to know."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    opening = json.loads(sys.stdin.readline())
    {"wandb": _wandb, "mlflow": _mlflow, "trackio": _trackio}[library](opening, said)


def _lines() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:  # the training was killed within a line
            return
        if "end" in told:
            return
        yield told


def _wandb(opening: dict[str, Any], said: IO[str]) -> None:
    import wandb

    run = _wandb_run(opening, said)
    last: dict[str, Any] = {"status": RUNNING}
    for last in _lines():
        run.log(last["figures"])
        if last["status"] != RUNNING:
            run.summary.update(last["facts"] | last["figures"])
    run.finish(exit_code=int(last["status"] not in WELL))
    wandb.teardown()


def _wandb_run(opening: dict[str, Any], said: IO[str]) -> Any:
    import wandb

    quiet = {"silent": True, "console": "off", "x_disable_stats": True, "disable_code": True, "disable_git": True}
    settings = wandb.Settings(init_timeout=float(os.environ.get("WANDB_INIT_TIMEOUT", INIT_S)), **quiet)
    asked = {
        "project": opening["project"] or os.environ.get("WANDB_PROJECT") or opening["default_project"],
        "name": opening["name"],
        "group": opening["group"],
        "config": opening["facts"],
        "settings": settings,
    }
    try:
        return wandb.init(**asked)
    except Exception as error:  # not logged in, or no answer
        run = wandb.init(**asked, mode="offline")
        text = " ".join(str(error).split())
        why = "nobody is logged in" if "api" in text.lower() and "key" in text.lower() else text[:150]
        _say(said, f"wandb: recorded offline ({why}); `wandb sync {os.path.dirname(run.dir)}` uploads it")
        return run


def _mlflow(opening: dict[str, Any], said: IO[str]) -> None:
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    from .mlflow_log import MlflowLog

    to = MlflowLog(opening["place"], opening["run_id"])
    not_before_s = 0.0
    for told in _lines():
        begun_s = time.monotonic()
        if begun_s < not_before_s and told["status"] == RUNNING:
            continue  # the next ones are newer
        try:
            if to.run_id is None:
                to.start(opening["project"], opening["default_project"], opening["name"], opening["began_utc_s"])
            to.log(Line(**told))
        except Exception as error:  # no answer, or another fault of a server or a disk
            not_before_s = time.monotonic() + 2 * (time.monotonic() - begun_s)
            _say(said, f"!mlflow: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    to.end()


def _say(said: IO[str], text: str) -> None:
    with suppress(OSError):  # the training has ended
        said.write(f"{text}\n")
        said.flush()


def _trackio(opening: dict[str, Any], said: IO[str]) -> None:
    import trackio

    run = trackio.init(
        project=opening["project"] or os.environ.get("TRACKIO_PROJECT") or opening["default_project"],
        name=opening["name"],
        config=dict(opening["facts"]),
        auto_log_gpu=False,
        auto_log_cpu=False,
        embed=False,
    )
    for line in _lines():
        run.log(line["figures"] if line["status"] == RUNNING else line["figures"] | line["facts"])
    run.finish()
