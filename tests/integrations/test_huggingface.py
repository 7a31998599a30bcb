"""The callback for Hugging Face's Trainer: what it makes of the calls of a real one."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from tests.fakes.world import ROOT, MakeWorld, World, finished
from trainwatt import ConfigurationError, StoreError
from trainwatt.integrations.huggingface import EnergyCallback

SAMPLES, BATCH, BATCHES = 22, 4, 6


class Tiny(torch.nn.Module):
    """One layer; `at_step` is called with the number of each batch of the training."""

    def __init__(self, at_step: Callable[[int], object] = id) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
        self.at_step, self.step = at_step, 0

    def forward(self, x: Any, labels: Any, input_ids: Any = None) -> dict[str, Any]:
        if self.training:
            self.at_step(self.step)
            self.step += 1
        return {"loss": (self.layer(x).squeeze(1) - labels).pow(2).mean(), "logits": labels}


def data(tokens: int = 0) -> list[dict[str, Any]]:
    more = {"input_ids": torch.ones(tokens, dtype=torch.long)} if tokens else {}
    return [{"x": torch.ones(3), "labels": torch.zeros(()), **more} for _ in range(SAMPLES)]


def trainer(folder: Path, *callbacks: Any, model: Any = None, tokens: int = 0, **settings: Any) -> Any:
    quiet = {"report_to": "none", "disable_tqdm": True, "use_cpu": True, "save_strategy": "no", "num_train_epochs": 2}
    args = TrainingArguments(
        str(folder), **{"per_device_train_batch_size": BATCH, "per_device_eval_batch_size": BATCH, **quiet, **settings}
    )
    return Trainer(model or Tiny(), args, train_dataset=data(tokens), eval_dataset=data(tokens), callbacks=list(callbacks))  # type: ignore[arg-type, unused-ignore]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of its own."""
    for name in [name for name in os.environ if name.startswith("TRAINWATT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRAINWATT_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("TRAINWATT_GPUS", "none")
    return tmp_path / "runs.db"


def runs(path: Path) -> list[tuple[str, str | None]]:
    with sqlite3.connect(path) as connection:
        return list(connection.execute("SELECT status, end_reason FROM run ORDER BY started_utc_ns"))


def steps(path: Path, name: str) -> list[int | None]:
    with sqlite3.connect(path) as connection:
        return [step for (step,) in connection.execute("SELECT step FROM phase WHERE name = ? ORDER BY rowid", (name,))]


def phases(energy: EnergyCallback) -> dict[str, tuple[int, dict[str, int]]]:
    return {p["name"]: (p["count"], p["work"]) for p in energy.summary().to_dict()["phases"]}


class Seen(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """What a logger is given whose callback runs before ours."""

    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        self.logs.append(dict(logs))


def test_a_training_is_one_run_with_its_phases_by_epoch(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback(project="tiny")
    ahead: list[Any] = []
    model = Tiny(lambda step: ahead.append(energy.tracker.forecast))
    ours = trainer(tmp_path, energy, model=model, tokens=5, eval_strategy="epoch", save_strategy="epoch")
    ours.train()
    assert (ahead[BATCHES].epoch, ahead[BATCHES].epochs) == (1, 2)  # the Trainer is told how many
    assert runs(here) == [("completed", None)]
    work = {"samples": 2 * SAMPLES, "tokens": 2 * 5 * SAMPLES}
    assert energy.summary().to_dict()["work"] == work
    assert phases(energy) == {"train": (2, work), "evaluate": (2, {}), "checkpoint": (2, {})}
    assert steps(here, "train") == steps(here, "evaluate") == steps(here, "checkpoint") == [0, 1]


def test_an_evaluation_within_an_epoch_splits_its_train_phase(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback()
    trainer(tmp_path, energy, eval_strategy="steps", eval_steps=3).train()
    assert steps(here, "train") == [0, 0, 1, 1]
    assert steps(here, "evaluate") == [0, 0, 1, 1]
    with sqlite3.connect(here) as connection:
        assert connection.execute("SELECT count(*) FROM phase WHERE parent_seq IS NOT NULL").fetchone() == (0,)


def test_evaluations_and_predictions_on_their_own_are_runs(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback()
    ours = trainer(tmp_path, energy)
    ours.evaluate()
    assert phases(energy) == {"evaluate": (1, {"samples": SAMPLES})}
    ours.predict(data())
    assert phases(energy) == {"predict": (1, {"samples": SAMPLES})}
    ours.evaluate({"one": data(), "other": data()})
    assert phases(energy) == {"evaluate": (1, {"samples": 2 * SAMPLES})}
    ours.train()
    assert runs(here) == [("completed", None)] * 4
    assert phases(energy) == {"train": (2, {"samples": 2 * SAMPLES})}


def fail(error: BaseException, at: int) -> Callable[[int], None]:
    def at_step(step: int) -> None:
        if step == at:
            raise error

    return at_step


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (RuntimeError("diverged"), ("failed", "RuntimeError: diverged")),
        (KeyboardInterrupt(), ("interrupted", "Ctrl-C")),
        (type("TrialPruned", (Exception,), {"__module__": "optuna.exceptions"})("epoch 1"), ("pruned", "TrialPruned: epoch 1")),
    ],
    ids=["failed", "interrupted", "pruned"],
)
def test_an_exception_ends_the_run(here: Path, tmp_path: Path, error: BaseException, ended: tuple[str, str]) -> None:
    energy = EnergyCallback()
    ours = trainer(tmp_path, energy, model=Tiny(fail(error, BATCHES + 2)))
    with pytest.raises(type(error)):
        ours.train()
    run = energy.summary().to_dict()["run"]
    assert (run["status"], run["end_reason"]) == ended
    assert phases(energy)["train"] == (2, {"samples": SAMPLES + 3 * BATCH})  # a batch counts when its step begins
    ours.model.at_step = id
    ours.train()
    assert energy.summary().to_dict()["run"]["status"] == "completed"
    assert len(runs(here)) == 2


def test_a_failed_evaluation_fails_its_run(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback()
    ours = trainer(tmp_path, energy)
    ours.model.forward = lambda **_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        ours.evaluate()
    assert runs(here) == [("failed", "ZeroDivisionError: division by zero")]


LATE = """
from pathlib import Path
from tests.integrations.test_huggingface import Tiny, fail, trainer
from trainwatt.integrations.huggingface import EnergyCallback
ours = trainer(Path("."), model=Tiny(fail({error}, 3)))
ours.add_callback(EnergyCallback(project="late"))
ours.train()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "ended"),
    [("RuntimeError('diverged')", ("failed", "RuntimeError: diverged")), ("KeyboardInterrupt()", ("interrupted", "Ctrl-C"))],
    ids=["failed", "interrupted"],
)
def test_a_callback_that_was_added_late_ends_the_run_at_the_exit(world: World, error: str, ended: tuple[str, str]) -> None:
    done = world.run_python(LATE.format(error=error))
    assert done.returncode != 0
    assert error.partition("(")[0] in done.stderr
    assert runs(world.db) == [ended]
    assert world.show()["phases"][0]["name"] == "train"


def test_loggers_before_ours_get_the_energy(here: Path, tmp_path: Path) -> None:
    energy, seen = EnergyCallback(zone="FR"), Seen()
    ours = trainer(tmp_path, seen, energy, logging_steps=2, eval_strategy="epoch")
    result = ours.train()
    last = seen.logs[-1]
    assert "train_runtime" in last
    view = energy.summary().to_dict()
    assert 0 < last["energy/carbon_g"] <= view["carbon"]["total_g"]
    assert result.metrics["energy/carbon_g"] == last["energy/carbon_g"]
    assert not [logs for logs in seen.logs if "eval_loss" in logs and "energy/carbon_g" in logs]
    assert seen.logs[-1]["energy/carbon_g"] == ours.state.log_history[-1]["energy/carbon_g"]


def test_what_the_trainer_logs_are_the_metrics_of_the_run(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback()
    trainer(tmp_path, energy, logging_strategy="epoch", eval_strategy="epoch").train()
    with sqlite3.connect(here) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM metric")}
    assert names == {"loss", "eval_loss", "train_loss"}


def test_the_values_are_those_of_the_machine(make_world: MakeWorld) -> None:
    """The last log comes just before the end of the run, and has what is known then: energy, grams and energy of a sample of one moment."""
    world = make_world(package_w=20.0, dram_w=4.0, exact=True)
    code = f"""
import time
from pathlib import Path
from tests.integrations.test_huggingface import Seen, Tiny, trainer
from trainwatt.integrations.huggingface import EnergyCallback
energy, seen = EnergyCallback(), Seen()
trainer(Path("."), seen, energy, model=Tiny(lambda step: time.sleep(0.2))).train()
last, view = seen.logs[-1], energy.summary().to_dict()
assert view["run"]["status"] == "completed"
mean = view["energy"]["total_j"] / view["run"]["duration_s"]
assert abs(mean / {world.total_w} - 1) < 0.005, mean
known = {{"total_j": view["energy"]["total_j"], "carbon_g": view["carbon"]["total_g"], "sample_j": view["per_unit"]["samples"]["energy_j"]}}
off = {{name: last["energy/" + name] / value - 1 for name, value in known.items()}}
assert max(map(abs, off.values())) < 0.005, off
"""
    done = world.run_python(code)
    assert done.returncode == 0, done.stderr


def test_a_training_that_loads_a_checkpoint_goes_on_with_its_run(here: Path, tmp_path: Path) -> None:
    before = EnergyCallback(project="again", db=tmp_path / "runs.db", sensors=[])
    with pytest.raises(RuntimeError):
        trainer(tmp_path, before, save_strategy="epoch", model=Tiny(fail(RuntimeError("diverged"), BATCHES + 2))).train()
    state = json.loads((tmp_path / f"checkpoint-{BATCHES}/trainer_state.json").read_text())["stateful_callbacks"]["EnergyCallback"]
    assert state["attributes"] == {"run_before": before.tracker.run_id}
    after = EnergyCallback(project="again")
    trainer(tmp_path, after, save_strategy="epoch").train(resume_from_checkpoint=True)
    assert after.tracker.run_id == before.tracker.run_id
    assert runs(here) == [("completed", None)]
    assert steps(here, "train") == [0, 1, 1]
    trainer(tmp_path, after).train()
    assert len(runs(here)) == 2


def test_callbacks_that_the_trainer_restores_go_on_too(here: Path, tmp_path: Path) -> None:
    saving: dict[str, Any] = {"save_strategy": "epoch", "restore_callback_states_from_checkpoint": True}
    before = EnergyCallback(project="again")
    trainer(tmp_path, before, **saving, num_train_epochs=1).train()
    ours = trainer(tmp_path, EnergyCallback(project="again"), **saving)
    ours.train(resume_from_checkpoint=True)
    assert runs(here) == [("completed", None)]
    assert steps(here, "train") == [0, 1]


def test_each_step_is_a_phase_on_request(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback(per_step=True)
    trainer(tmp_path, energy, num_train_epochs=1, gradient_accumulation_steps=2).train()
    assert steps(here, "train_step") == [0, 1, 2]
    assert phases(energy)["train_step"] == (3, {"samples": SAMPLES})


class CodeCarbonCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Has the name of Hugging Face's own."""


def test_ours_says_once_that_another_tracker_measures_too(here: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    energy = EnergyCallback()
    ours = trainer(tmp_path, CodeCarbonCallback(), energy)
    ours.train()
    ours.evaluate()
    assert caplog.text.count("CodeCarbon measures this training too") == 1
    assert runs(here) == [("completed", None)] * 2


def test_a_fault_of_the_callback_does_not_reach_the_training(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise OSError("broken")

    seen: list[int] = []
    energy = EnergyCallback()
    ours = trainer(tmp_path, energy, model=Tiny(seen.append), eval_strategy="epoch", save_strategy="epoch")
    for name in ("phase", "update", "log", "summary"):
        monkeypatch.setattr(type(energy.tracker), name, fault)
    ours.train()
    assert len(seen) == 2 * BATCHES
    assert caplog.text.count("on_step_begin failed; the training is not affected") == 1


def test_bad_settings_are_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        EnergyCallback(period_s=-1)
    (tmp_path / "file").write_text("")
    ours = trainer(tmp_path, EnergyCallback(db=tmp_path / "file" / "runs.db"))
    with pytest.raises(StoreError):
        ours.train()


def test_a_trainer_with_the_callback_can_be_sent_to_another_process(here: Path, tmp_path: Path) -> None:
    ours = trainer(tmp_path, EnergyCallback(project="sent"))
    ours.train()
    callback = pickle.loads(pickle.dumps(ours.callback_handler.callbacks[-2]))
    again = trainer(tmp_path, callback)
    again.train()
    assert callback.summary().to_dict()["run"]["project"] == "sent"
    assert len(runs(here)) == 2


RANKS = """
from pathlib import Path
import sys
sys.path.insert(0, {root!r})
from tests.integrations.test_huggingface import trainer
from trainwatt.integrations.huggingface import EnergyCallback
trainer(Path("."), EnergyCallback(project="ranks"), ddp_backend="gloo", eval_strategy="epoch", save_strategy="epoch").train()
"""


@pytest.mark.slow
def test_two_processes_are_one_run(world: World, tmp_path: Path) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(root=str(ROOT)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = finished(world.popen(launch))
    assert done.returncode == 0, done.stderr
    assert runs(world.db) == [("completed", None)]
    view = world.show()
    assert view["work"] == {"samples": 2 * BATCHES * BATCH}  # the last batch is filled up, so that both ranks have as many
    assert {p["name"]: p["count"] for p in view["phases"]} == {"train": 2, "evaluate": 2, "checkpoint": 2}
