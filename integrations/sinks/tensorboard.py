"""TensorBoard: `sinks=["tensorboard=FOLDER"]` writes the energy of a run below a folder of logs, `runs` without one.

The run has a folder of its own in there, because TensorBoard follows only the newest file of a folder. The step of each value is the
seconds since the run began.
"""

from __future__ import annotations

import os
import socket
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwatt import ConfigurationError

from ._loggers.values import COMPLETED, FAILED, PERIOD_S, RUNNING, facts, load, title, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatt.core import LiveRun, Sink, SinkRun

__all__ = ["sink"]

SUFFIX = ".trainwatt"
VERSION = "brain.Event:2"
RUN_TAG = "trainwatt/run"


def sink(text: str) -> Sink:
    """Values for TensorBoard. `text`: the folder of logs. Raises ConfigurationError if it is none, or TensorBoard is not installed."""
    load(
        "tensorboard",
        "tensorboard.summary.writer.record_writer",
        "tensorboard.plugins.hparams.metadata",
        "tensorboard.plugins.text.metadata",
    )
    if "://" in text:
        raise ConfigurationError(f"tensorboard={text}: this is an address; the sink writes to a folder, as in tensorboard=runs/energy")
    folder = Path(text or "runs").expanduser().absolute()
    if next((p for p in (folder, *folder.parents) if p.exists()), folder).is_file():
        raise ConfigurationError(f"tensorboard={text}: {folder} is a file, or below one; name a folder")
    return _TensorBoard(folder)


class _TensorBoard:
    period_s = PERIOD_S
    per_host = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run: SinkRun | None = None
        self._file: Path | None = None
        self._said = False

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        self._run = run

    def write(self, live: LiveRun) -> None:
        assert self._run is not None
        events = [_scalars(values(live, self._run.host))]
        if not self._said:
            events.insert(0, _start(self._run))
        if live.status != RUNNING:
            events += [_end(live), _text(self._run, live)]
        self._append([_stamped(event, live) for event in events])
        self._said = True

    def end(self) -> None:
        pass

    def _append(self, events: list[Any]) -> None:
        """Write events as one piece. After a fault, the next ones go to another file: a reader stops where a record is not whole."""
        from tensorboard.compat.proto.event_pb2 import Event

        path, self._file = self._file, None
        if path is None:
            path = self._new_path(events[0].wall_time)
            events = [Event(wall_time=events[0].wall_time, file_version=VERSION), *events]
        with open(path, "ab", buffering=0) as file:
            data = _records(events)
            if file.write(data) != len(data):
                raise OSError(f"{path} could not be written whole")
        self._file = path

    def _new_path(self, utc_s: float) -> Path:
        assert self._run is not None
        folder = self._folder / title(self._run)
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"events.out.tfevents.{utc_s:010.0f}.{socket.gethostname()}.{os.getpid()}"
        number = next(n for n in range(1000) if not (folder / f"{stem}.{n}{SUFFIX}").exists())
        return folder / f"{stem}.{number}{SUFFIX}"


def _records(events: list[Any]) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = BytesIO()
    writer = RecordWriter(buffer)
    for event in events:
        writer.write(event.SerializeToString())
    return buffer.getvalue()


def _stamped(summary: Any, live: LiveRun) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=live.utc_s, step=round(live.seconds), summary=summary)


def _scalars(figures: dict[str, float]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in figures.items()])


def _start(run: SinkRun) -> Any:
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    started = SessionStartInfo(start_time_secs=run.began_utc_s)
    for name, value in facts(run).items():
        started.hparams[name].string_value = value
    return _of_hparams(SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=started))


def _end(live: LiveRun) -> Any:
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    status = {COMPLETED: api_pb2.STATUS_SUCCESS, FAILED: api_pb2.STATUS_FAILURE}.get(live.status, api_pb2.STATUS_UNKNOWN)
    ended = SessionEndInfo(status=status, end_time_secs=live.utc_s)
    return _of_hparams(SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=ended))


def _of_hparams(tag: str, data: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.metadata import NULL_TENSOR, create_summary_metadata

    return Summary(value=[Summary.Value(tag=tag, metadata=create_summary_metadata(data), tensor=NULL_TENSOR)])


def _text(run: SinkRun, live: LiveRun) -> Any:
    """The final figures with all their digits: a scalar of TensorBoard has seven."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    rows = {**facts(run, live.status), **{name: repr(value) for name, value in values(live, run.host).items()}}
    table = "\n".join(["| figure | value |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows.items())])
    tensor = make_tensor_proto([table.encode()])
    return Summary(value=[Summary.Value(tag=RUN_TAG, metadata=create_summary_metadata(RUN_TAG, ""), tensor=tensor)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
