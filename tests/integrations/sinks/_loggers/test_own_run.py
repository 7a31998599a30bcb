"""The process of a run of our own does the training no harm, whatever becomes of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.world import HANGS_S, ROOT

pytestmark = pytest.mark.slow
CODE = """
import os, signal, sys, time
from pathlib import Path
from trainwatt import TrainwattError
from trainwatt.integrations.sinks._loggers.own_run import Opening, OwnRun
from trainwatt.integrations.sinks._loggers.values import Line

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as programs for pipes do: writing to a process that is gone would end this one
sys.path.append(Path("somewhere"))  # which Python ignores
run = OwnRun(Opening("nothing", None, "digits", "a", None, {}, 0.0), ())
try:
    os.wait()
except ChildProcessError:
    print("no child")
for _ in range(1000):
    try:
        run.log(Line({}, {}, "running", 0.0, 0.0))
    except TrainwattError as error:
        print(error)
        break
    time.sleep(0.05)
run.end()
print("ended")
"""


def test_a_process_that_dies_is_said_and_harms_nobody(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    ended = subprocess.run([sys.executable, "-c", CODE], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS_S)
    assert ended.stdout.splitlines() == ["no child", "the run of nothing has ended: KeyError: 'nothing'", "ended"], ended.stderr
    assert ended.returncode == 0


ASKING = """
import sys, time
from trainwatt import TrainwattError
from trainwatt.integrations.sinks._loggers.own_run import Opening, OwnRun
from trainwatt.integrations.sinks._loggers.values import Line
run = OwnRun(Opening("mlflow", None, "digits", "a", None, {}, 0.0, place=sys.argv[1]), ())
for _ in range(1000):
    try:
        run.log(Line({}, {}, "running", 0.0, 0.0))
    except TrainwattError as error:
        print(error)
        break
    time.sleep(0.1)
"""


def test_a_server_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """It takes the connection and says nothing. By itself, MLflow would wait for many minutes."""
    asked = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **asked}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-c", ASKING, url], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS_S
        )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("mlflow: MlflowException: API request to "), ended
    assert url in ended.stdout
