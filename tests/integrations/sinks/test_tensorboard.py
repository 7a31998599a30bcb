"""TensorBoard reads what its sink writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.metadata import parse_session_end_info_plugin_data, parse_session_start_info_plugin_data

from tests.integrations.sinks.lives import FACTS, FIGURES, FINAL, RUN, live, now
from trainwatt import ConfigurationError
from trainwatt.core import LiveRun
from trainwatt.integrations.sinks.tensorboard import sink


def written(folder: Path, *lives: LiveRun, at: str = "") -> Path:
    """The folder of the run, whose sink has been given these."""
    ours = sink(at or str(folder))
    ours.begin(RUN, now)
    for one in lives:
        ours.write(one)
    ours.end()
    (run,) = folder.iterdir()
    return run


def test_tensorboard_reads_every_figure(tmp_path: Path) -> None:
    run = written(tmp_path / "runs", live(3.0), live(6.4), FINAL)
    assert run.name == "a_first_run-01234567"
    read = EventAccumulator(str(run)).Reload()
    totals = read.Scalars("energy/total_j")
    assert [(event.step, event.wall_time) for event in totals] == [(3, 1_700_000_003.0), (6, 1_700_000_006.4), (9, 1_700_000_009.0)]
    assert {name: read.Scalars(name)[-1].value for name in FIGURES} == pytest.approx(FIGURES, rel=1e-7)  # it has seven digits
    assert [event.step for event in read.Scalars("energy/forecast_j")] == [3, 6]
    (text,) = read.Tensors("trainwatt/run")
    rows = dict(line.strip("| ").split(" | ") for line in text.tensor_proto.string_val[0].decode().splitlines()[2:])
    assert {name: rows[name] for name in FACTS} == FACTS
    assert {name: float(rows[name]) for name in FIGURES} == FIGURES  # and the text has all of them


def test_its_table_of_runs_knows_the_run(tmp_path: Path) -> None:
    read = EventAccumulator(str(written(tmp_path / "runs", live(3.0), FINAL))).Reload()
    started, ended = (read.PluginTagToContent("hparams")[f"_hparams_/session_{edge}_info"] for edge in ("start", "end"))
    said = parse_session_start_info_plugin_data(started).hparams
    assert {name: value.string_value for name, value in said.items()} == {k: v for k, v in FACTS.items() if k != "trainwatt.status"}
    assert parse_session_end_info_plugin_data(ended).status == api_pb2.STATUS_SUCCESS


def test_a_run_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    """TensorBoard follows the newest file of a folder only, so a folder of the user gets none."""
    theirs = tmp_path / "runs" / "events.out.tfevents.1.here.1.0"
    theirs.parent.mkdir()
    theirs.write_bytes(b"theirs")
    ours = sink(str(theirs.parent))
    ours.begin(RUN, now)
    ours.write(FINAL)
    assert [path for path in theirs.parent.iterdir() if path.is_file()] == [theirs]
    assert theirs.read_bytes() == b"theirs"


def test_the_folder_is_that_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    ours = sink("")
    ours.begin(RUN, now)
    monkeypatch.chdir(tmp_path / "elsewhere")
    ours.write(FINAL)
    assert (tmp_path / "runs").is_dir()


def test_after_a_fault_the_rest_is_read(tmp_path: Path) -> None:
    """A reader stops at a record that is not whole, so the next one is in another file."""
    ours = sink(str(tmp_path / "runs"))
    ours.begin(RUN, now)
    ours.write(live(3.0))
    (run,) = (tmp_path / "runs").iterdir()
    (file,) = run.iterdir()
    kept = file.read_bytes()
    file.unlink()
    file.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        ours.write(live(6.0))
    file.rmdir()
    file.write_bytes(kept + b"half a record")
    ours.write(FINAL)
    assert len(list(run.iterdir())) == 2
    assert [event.step for path in sorted(run.iterdir()) for event in EventAccumulator(str(path)).Reload().Scalars("energy/total_j")] == [
        3,
        9,
    ]


@pytest.mark.parametrize("text", ["gs://bucket/runs", "FILE", "FILE/runs"])
def test_what_is_no_folder_is_said_before_the_training(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="folder"):
        sink(text.replace("FILE", str(tmp_path / "file")))


def test_a_run_without_figures_is_a_run(tmp_path: Path) -> None:
    unknown: dict[str, Any] = {
        "energy_j": None,
        "power_w": None,
        "carbon_g": None,
        "units": {},
        "budget_share": None,
        "forecast_j": None,
        "devices": (),
    }
    read = EventAccumulator(str(written(tmp_path / "runs", live(1.0, **unknown), live(2.0, **unknown, status="failed")))).Reload()
    assert read.Tags()["scalars"] == []
    ended = parse_session_end_info_plugin_data(read.PluginTagToContent("hparams")["_hparams_/session_end_info"])
    assert ended.status == api_pb2.STATUS_FAILURE
