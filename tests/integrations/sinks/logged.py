"""A program with a run of its own in each logger, whose runs a sink logs to as well, and then runs of the sinks' own. Prints what the
readers of the loggers find. It is one process because these libraries take seconds to load."""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from glob import glob
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.fakes.world import HANGS_S
from tests.integrations.sinks.lives import FINAL, RUN, live, now
from trainwatt.core import Sink

BLOCK, HEADER = 32768, struct.Struct("<IHB")
"""A file of W&B is a log of LevelDB: blocks of records with a checksum, a length and a kind (whole, first, middle, last)."""


def in_a_thread(what: Callable[[], object]) -> str:
    """A sink has a thread of its own. Returns what it raises."""
    raised: list[str] = []

    def run() -> None:
        try:
            what()
        except Exception as error:
            raised.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return "".join(raised)


def begun(name: str, text: str = "") -> Sink:
    ours: Sink = import_module(f"trainwatt.integrations.sinks.{name}").sink(text)
    in_a_thread(partial(ours.begin, RUN, now))
    return ours


def loop(ours: Sink | None, log: Callable[[int], object]) -> None:
    """A training that logs four losses, and a sink that writes more often."""
    for step in range(4):
        for seconds in (step + 1.0, step + 1.5):
            if ours is not None:
                in_a_thread(partial(ours.write, live(seconds)))
        log(step)


def end(ours: Sink) -> str:
    return in_a_thread(partial(ours.write, FINAL)) + in_a_thread(ours.end)


def whole(read: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """What is read when it is whole: the process of a run of our own may end later than the sink."""
    until_s = time.monotonic() + HANGS_S / 3
    while time.monotonic() < until_s:
        try:
            if done(found := read()):
                return found
        except (AttributeError, LookupError, ValueError):  # not there yet
            pass
        time.sleep(0.1)
    raise SystemExit("it is not whole")


# ---- Weights & Biases


def records(path: str) -> Iterator[Any]:
    """The records of a file of W&B, whose types are its own."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, whole = Path(path).read_bytes(), 7, b""
    while at + HEADER.size <= len(data):
        if BLOCK - at % BLOCK < HEADER.size:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = HEADER.unpack_from(data, at)
        at += HEADER.size + size
        whole += data[at - size : at]
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


def of_wandb(folder: str) -> dict[str, Any]:
    (path,) = glob(f"{folder}/*.wandb")
    found: dict[str, Any] = {"rows": [], "summary": {}, "config": {}}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "history":
            found["rows"].append(_items(record.history.item))
        elif kind == "summary":
            found["summary"] |= _items(record.summary.update)
        elif kind == "run":
            found["config"] |= _items(record.run.config.update)
            found["project"] = record.run.project
        elif kind == "exit":
            found["exit"] = record.exit.exit_code
    return found


def _items(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def wandb_runs() -> dict[str, Any]:
    import wandb

    folders: dict[str, str] = {}
    steps: dict[str, int] = {}
    after = ""
    for name, explicit, with_sink in [("plain", False, False), ("counted", False, True), ("given", True, True)]:
        theirs = wandb.init(project="theirs", mode="offline", settings=wandb.Settings(silent=True, console="off"))
        ours = begun("wandb") if with_sink else None
        loop(ours, partial(_log, theirs, explicit))
        if ours is not None:
            end(ours)
        steps[name], folders[name] = theirs.step, str(Path(theirs.dir).parent)
        theirs.finish()
        if ours is not None:
            after = in_a_thread(partial(ours.write, FINAL))
    wandb.teardown()
    ours = begun("wandb")  # now no run is active
    end(ours)
    theirs = {os.path.relpath(folder) for folder in folders.values()}
    own = whole(lambda: of_wandb(*(set(glob("wandb/offline-run-*")) - theirs)), lambda found: "exit" in found)
    read = {name: of_wandb(folder) for name, folder in folders.items()}
    return {**read, "own": own, "steps": steps, "after": after, "current": wandb.run is not None}


def _log(run: Any, explicit: bool, step: int) -> None:
    if explicit:
        run.log({"loss": step}, step=10 * step)
    else:
        run.log({"loss": step})


# ---- MLflow


def mlflow_runs() -> dict[str, Any]:
    import mlflow

    client = mlflow.MlflowClient()
    with mlflow.start_run() as theirs:
        ours = begun("mlflow")
        loop(ours, lambda step: mlflow.log_metric("loss", step, step=step))
    raised = end(ours)  # the user's run has ended by now, and takes values all the same
    os.environ["MLFLOW_RUN_ID"] = client.create_run("0").info.run_id
    named = begun("mlflow")
    end(named)
    variable = os.environ.pop("MLFLOW_RUN_ID")
    by_variable = whole(lambda: client.get_run(variable), lambda run: run.data.tags["trainwatt.status"] == "completed")
    own = begun("mlflow", "energy of all")
    end(own)
    deleted = mlflow.start_run()
    gone = begun("mlflow")
    mlflow.end_run()
    client.delete_run(deleted.info.run_id)
    of_own = whole(lambda: _only(client, "energy of all"), lambda run: run.info.status == "FINISHED")
    read = {
        name: {"metrics": run.data.metrics, "tags": run.data.tags, "status": run.info.status, "name": run.info.run_name}
        for name, run in {"theirs": client.get_run(theirs.info.run_id), "own": of_own, "by_variable": by_variable}.items()
    }
    history = client.get_metric_history(theirs.info.run_id, "energy/total_j")
    return {**read, "raised": raised, "gone": end(gone), "steps": [(m.step, m.timestamp, m.value) for m in history]}


def _only(client: Any, experiment: str) -> Any:
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


# ---- Trackio


def trackio_runs() -> dict[str, Any]:
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    theirs = trackio.init(project="theirs", name="theirs", auto_log_gpu=False, auto_log_cpu=False)
    ours = begun("trackio")
    loop(ours, lambda step: trackio.log({"loss": step}))
    trackio.finish()
    raised = end(ours)
    trackio.context_vars.current_run.set(None)
    end(begun("trackio", "energy"))
    own = whole(lambda: trackio.Api().runs("energy")[0], lambda own: _rows("energy", own)[-1]["trainwatt.status"] == "completed")
    return {
        "raised": raised,
        "rows": _rows("theirs", theirs),
        "system": SQLiteStorage.get_system_logs("theirs", theirs.name),
        "own": {"name": own.name, "config": own.config, "rows": _rows("energy", own)},
    }


def _rows(project: str, run: Any) -> Any:
    from trackio.sqlite_storage import SQLiteStorage

    return SQLiteStorage.get_logs(project, run.name)


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr
    json.dump({"wandb": wandb_runs(), "mlflow": mlflow_runs(), "trackio": trackio_runs()}, out)
