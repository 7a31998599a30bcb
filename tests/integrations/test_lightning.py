"""The Lightning callback: what it makes of the calls of a real Trainer."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.tuner.tuning import Tuner

from tests.fakes.world import HANGS_S
from trainwatt import ConfigurationError, StoreError
from trainwatt.integrations.lightning import EnergyCallback
from trainwatt.storage.read.store import Store

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:You defined a `validation_step`"),
]
SAMPLES, BATCH = 22, 4
BATCHES = 6
"""The last batch holds two samples."""


class Tiny(pl.LightningModule):  # type: ignore[misc, name-defined, unused-ignore]
    """One layer; `at_step` is called with the number of each training step."""

    def __init__(self, at_step: Callable[[int], object] = lambda step: None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
        self.at_step = at_step

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.at_step(self.global_step)
        return self.layer(batch[0]).pow(2).mean()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.layer(batch[0])

    test_step = validation_step

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        return self.layer(batch[0])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database of its own, and the signal handlers as they were: Lightning leaves Ctrl-C ignored after one."""
    for name in [name for name in os.environ if name.startswith("TRAINWATT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRAINWATT_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("TRAINWATT_GPUS", "none")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path / "runs.db"
    for number, handler in handlers.items():
        signal.signal(number, handler)


def loader() -> Any:
    """22 samples in batches of 4, each with a target."""
    data = torch.utils.data.TensorDataset(torch.ones(SAMPLES, 3), torch.zeros(SAMPLES))
    return torch.utils.data.DataLoader(data, batch_size=BATCH)


def trainer(callback: Any, **settings: Any) -> Any:
    return pl.Trainer(
        callbacks=callback,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"max_epochs": 2, **settings},
    )


def phases(callback: EnergyCallback) -> dict[str, tuple[int, dict[str, int]]]:
    """By name: how often, and the work done in it."""
    return {p["name"]: (p["count"], p["work"]) for p in callback.summary().to_dict()["phases"]}


def runs(path: Path) -> list[tuple[str, str | None]]:
    """Status and end reason of each stored run, in order."""
    with sqlite3.connect(path) as connection:
        return list(connection.execute("SELECT status, end_reason FROM run ORDER BY started_utc_ns"))


def steps(path: Path, name: str) -> list[int | None]:
    """The steps of the instances of a phase."""
    with sqlite3.connect(path) as connection:
        return [step for (step,) in connection.execute("SELECT step FROM phase WHERE name = ? ORDER BY seq", (name,))]


def nested(path: Path) -> int:
    """How many phases lie within another."""
    with sqlite3.connect(path) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM phase WHERE parent_seq IS NOT NULL")
    return int(count)


def test_fit_is_one_run_with_a_train_and_a_validate_phase_per_epoch(here: Path) -> None:
    callback = EnergyCallback(project="tiny", tags={"lr": "0.01"})
    ahead: list[Any] = []
    trainer([callback]).fit(Tiny(lambda step: ahead.append(callback.tracker.forecast)), loader(), loader())
    assert (ahead[BATCHES].epoch, ahead[BATCHES].epochs) == (1, 2)  # the Trainer is told how many
    view = callback.summary().to_dict()
    assert runs(here) == [("completed", None)]
    assert view["run"]["project"] == "tiny"
    assert view["run"]["tags"] == {"lr": "0.01"}
    assert view["work"] == {"samples": 2 * SAMPLES}
    assert phases(callback) == {"sanity_check": (1, {}), "train": (2, {"samples": 2 * SAMPLES}), "validate": (2, {})}
    assert steps(here, "train") == [0, 1]
    assert steps(here, "validate") == [0, 1]
    assert nested(here) == 0  # train never holds a validation


def test_what_the_model_logs_are_the_metrics_of_the_run(here: Path) -> None:
    """As they are after each validation, without that of the sanity check."""

    class Logging(Tiny):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val/loss", float((3, 1, 2, 2)[self.current_epoch]))

    energy = EnergyCallback(project="lightning")
    trainer(energy, max_epochs=4, num_sanity_val_steps=1).fit(Logging(), loader(), loader())
    run_id = energy.tracker.run_id
    assert run_id is not None
    [(name, metric)] = [(name, metric) for (_, name), metric in Store.open(str(here)).metrics(run_id).items()]
    assert (name, metric.values_logged, metric.lowest, metric.lowest_number, metric.last) == ("val/loss", 4, 1.0, 2, 2.0)


def test_without_validation_train_ends_with_the_epoch(here: Path) -> None:
    callback = EnergyCallback()
    trainer(callback).fit(Tiny(), loader())
    assert phases(callback) == {"train": (2, {"samples": 2 * SAMPLES})}
    assert steps(here, "train") == [0, 1]


def test_validation_within_an_epoch_splits_its_train_phase(here: Path) -> None:
    callback = EnergyCallback()
    trainer([callback], val_check_interval=2, num_sanity_val_steps=0).fit(Tiny(), loader(), loader())
    assert phases(callback) == {"train": (6, {"samples": 2 * SAMPLES}), "validate": (6, {})}
    assert steps(here, "train") == [0, 0, 0, 1, 1, 1]
    assert steps(here, "validate") == [0, 0, 0, 1, 1, 1]
    assert nested(here) == 0


def test_each_call_of_the_trainer_is_a_run(here: Path) -> None:
    callback = EnergyCallback()
    ours, model = trainer([callback], max_epochs=1), Tiny()
    ours.fit(model, loader(), loader())
    fitted = callback.tracker.run_id
    ours.test(model, dataloaders=loader(), verbose=False)
    assert callback.tracker.run_id != fitted
    assert phases(callback) == {"test": (1, {"samples": SAMPLES})}
    ours.validate(model, dataloaders=loader(), verbose=False)
    assert phases(callback) == {"validate": (1, {"samples": SAMPLES})}
    ours.predict(model, dataloaders=loader())
    assert phases(callback) == {"predict": (1, {"samples": SAMPLES})}
    assert runs(here) == [("completed", None)] * 4


class Tuned(Tiny):
    """It makes its own batches, whose size and learning rate Lightning can search for."""

    def __init__(self, at_step: Callable[[int], object] = lambda step: None) -> None:
        super().__init__(at_step)
        self.batch_size, self.lr = BATCH, 0.01

    def train_dataloader(self) -> Any:
        data = torch.utils.data.TensorDataset(torch.ones(SAMPLES, 3), torch.zeros(SAMPLES))
        return torch.utils.data.DataLoader(data, batch_size=self.batch_size)

    val_dataloader = train_dataloader

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def find_batch_size(**settings: Any) -> Any:
    return pl.callbacks.BatchSizeFinder(**{"max_trials": 2, "steps_per_trial": 2, "init_val": 2, **settings})


def find_learning_rate(**settings: Any) -> Any:
    return pl.callbacks.LearningRateFinder(**{"num_training_steps": 5, **settings})


@pytest.mark.parametrize("first", [True, False], ids=["finders first", "finders last"])
def test_a_search_before_the_training_is_a_phase_without_samples(here: Path, tmp_path: Path, first: bool) -> None:
    callback, finders = EnergyCallback(), [find_batch_size(), find_learning_rate()]
    model = Tuned()
    ours = trainer([*finders, callback] if first else [callback, *finders], default_root_dir=tmp_path, num_sanity_val_steps=0)
    ours.fit(model)
    assert runs(here) == [("completed", None)]
    found = phases(callback)
    assert found.pop("tune") == (2, {})
    assert found == {"train": (2, {"samples": 2 * SAMPLES}), "validate": (2, {})}
    assert callback.summary().to_dict()["work"] == {"samples": 2 * SAMPLES}
    assert nested(here) == 0
    assert [vars(finder).keys() & {"lr_find", "scale_batch_size"} for finder in finders] == [set(), set()]


def test_a_search_within_an_epoch_interrupts_its_train_phase(here: Path, tmp_path: Path) -> None:
    class AtEachEpoch(pl.callbacks.LearningRateFinder):  # type: ignore[misc, name-defined, unused-ignore]
        def on_fit_start(self, *_: Any) -> None:
            pass

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            self.lr_find(trainer, pl_module)

    callback = EnergyCallback()
    trainer([callback, AtEachEpoch(num_training_steps=3)], default_root_dir=tmp_path, limit_val_batches=0).fit(Tuned())
    assert runs(here) == [("completed", None)]
    assert phases(callback)["tune"] == (2, {})
    assert phases(callback)["train"][1] == {"samples": 2 * SAMPLES}
    assert nested(here) == 0


@pytest.mark.parametrize("search", ["lr_find", "scale_batch_size"])
def test_a_run_that_is_only_a_search_says_so(here: Path, tmp_path: Path, search: str) -> None:
    callback = EnergyCallback()
    ours = trainer([callback], default_root_dir=tmp_path)
    options = {"num_training": 5} if search == "lr_find" else {"max_trials": 2, "steps_per_trial": 2}
    getattr(Tuner(ours), search)(Tuned(), **options)
    view = callback.summary().to_dict()
    assert (view["run"]["status"], view["run"]["end_reason"]) == ("searched", None)
    assert phases(callback) == {"tune": (1, {})}
    assert view["work"] == {}
    ours.fit(Tuned())
    assert callback.summary().to_dict()["run"]["status"] == "completed"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(RuntimeError("diverged"), "failed", "RuntimeError: diverged"), (KeyboardInterrupt(), "interrupted", "Ctrl-C")],
    ids=["failed", "interrupted"],
)
@pytest.mark.parametrize("find", [find_batch_size, find_learning_rate])
def test_a_search_that_fails_ends_the_run(
    here: Path, tmp_path: Path, find: Callable[[], Any], error: BaseException, status: str, reason: str
) -> None:
    def fail(step: int) -> None:
        if step == 1:
            raise error

    callback = EnergyCallback()
    with pytest.raises((type(error), SystemExit)):
        trainer([find(), callback], default_root_dir=tmp_path, num_sanity_val_steps=0).fit(Tuned(fail))
    assert runs(here) == [(status, reason)]
    assert phases(callback) == {"tune": (1, {})}


def test_a_quick_run_is_marked(here: Path) -> None:
    callback = EnergyCallback(tags={"lr": "0.01"})
    trainer([callback, find_learning_rate()], fast_dev_run=2).fit(Tiny(), loader(), loader())
    assert "tune" not in phases(callback)  # Lightning skips the search
    assert callback.summary().to_dict()["run"]["tags"] == {"lr": "0.01", "fast_dev_run": "2"}
    trainer([callback]).fit(Tiny(), loader())
    assert callback.summary().to_dict()["run"]["tags"] == {"lr": "0.01"}


def test_a_pruned_trial_is_no_failure(here: Path) -> None:
    pruned = type("TrialPruned", (Exception,), {"__module__": "optuna.exceptions"})

    def prune(step: int) -> None:
        raise pruned("Trial was pruned at epoch 3.")

    callback = EnergyCallback()
    with pytest.raises(pruned):
        trainer([callback], num_sanity_val_steps=0).fit(Tiny(prune), loader())
    run = callback.summary().to_dict()["run"]
    assert (run["status"], run["end_reason"]) == ("pruned", "TrialPruned: Trial was pruned at epoch 3.")


def test_columns_of_one_type_are_counted_by_the_loader_that_made_them(here: Path) -> None:
    data = torch.utils.data.TensorDataset(*(torch.ones(SAMPLES, width, 3) for width in (3, 1, 2, 4)))
    callback = EnergyCallback()
    trainer([callback], max_epochs=1).fit(Tiny(), torch.utils.data.DataLoader(data, batch_size=BATCH, collate_fn=None))
    assert callback.summary().to_dict()["work"] == {"samples": SAMPLES}


def test_an_exception_in_a_step_fails_the_run(here: Path) -> None:
    def fail(step: int) -> None:
        if step == 3:
            raise RuntimeError("no more\nthan this")

    callback = EnergyCallback()
    with pytest.raises(RuntimeError, match="no more"):
        trainer([callback], num_sanity_val_steps=0).fit(Tiny(fail), loader(), loader())
    assert runs(here) == [("failed", "RuntimeError: no more")]
    assert phases(callback) == {"train": (1, {"samples": 3 * BATCH})}


def test_the_callback_serves_again_after_a_failure(here: Path) -> None:
    def fail(step: int) -> None:
        raise RuntimeError("at once")

    callback = EnergyCallback()
    with pytest.raises(RuntimeError):
        trainer([callback]).fit(Tiny(fail), loader())
    trainer([callback]).fit(Tiny(), loader())
    assert [status for status, _ in runs(here)] == ["failed", "completed"]
    assert nested(here) == 0


def test_ctrl_c_interrupts_the_run(here: Path) -> None:
    def interrupt(step: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    callback = EnergyCallback()
    with pytest.raises((SystemExit, KeyboardInterrupt)):  # Lightning turns it into sys.exit(1)
        trainer([callback]).fit(Tiny(interrupt), loader())
    assert runs(here) == [("interrupted", "Ctrl-C")]
    assert phases(callback) == {"train": (1, {"samples": 2 * BATCH})}


def test_sigterm_interrupts_the_run(here: Path) -> None:
    callback = EnergyCallback()
    with pytest.raises(SystemExit):
        trainer([callback]).fit(Tiny(lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 2 else None), loader())
    assert runs(here) == [("interrupted", "SIGTERM")]


def test_a_fault_of_the_callback_does_not_reach_the_training(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise OSError("broken")

    callback = EnergyCallback()
    for name in ("phase", "wrap", "stop"):
        monkeypatch.setattr(type(callback.tracker), name, fault)
    seen: list[int] = []
    trainer([callback]).fit(Tiny(seen.append), loader(), loader())
    monkeypatch.undo()
    callback.tracker.stop()
    assert len(seen) == 2 * BATCHES
    assert caplog.text.count("on_train_batch_end failed; the training is not affected") == 1  # not once a batch


def test_a_run_that_cannot_begin_does_not_reach_the_training(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fault(_: object) -> None:
        raise OSError("broken")

    callback = EnergyCallback()
    monkeypatch.setattr(type(callback.tracker), "start", fault)
    seen: list[int] = []
    trainer([callback]).fit(Tiny(seen.append), loader())
    assert len(seen) == 2 * BATCHES
    assert "the run could not begin" in caplog.text


def test_a_call_that_never_ended_fails_when_the_next_begins(here: Path) -> None:
    callback = EnergyCallback()
    ours = trainer([callback])
    callback.setup(ours, Tiny(), "fit")
    callback.on_train_epoch_start(ours, Tiny())
    ours.fit(Tiny(), loader())
    assert runs(here) == [("failed", "the Trainer began another call before it ended this one"), ("completed", None)]
    assert nested(here) == 0


def test_wrong_settings_are_told_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="period_s"):
        EnergyCallback(period_s=-1)
    (tmp_path / "not.db").write_bytes(b"this is no database, and long enough to be told from an empty one" * 20)
    seen: list[int] = []
    with pytest.raises(StoreError):
        trainer([EnergyCallback(db=tmp_path / "not.db")]).fit(Tiny(seen.append), loader())
    assert seen == []


def test_it_can_be_sent_to_another_process(here: Path) -> None:
    callback = EnergyCallback(project="sent")
    callback.tracker.start()
    copy = pickle.loads(pickle.dumps(callback))
    callback.tracker.stop()
    trainer([copy], max_epochs=1).fit(Tiny(), loader())
    assert copy.summary().to_dict()["run"]["project"] == "sent"
    assert len(runs(here)) == 2


def test_neither_package_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("lightning", "_lightning_run"):
        monkeypatch.delitem(sys.modules, f"trainwatt.integrations.{name}")
    with pytest.raises(ImportError, match=r"pip install 'trainwatt\[lightning\]'"):
        import trainwatt.integrations.lightning  # noqa: F401


USE = """
import sys
for package in {packages}:
    __import__(package)
from trainwatt.integrations.lightning import EnergyCallback
from trainwatt.storage.read.store import Store
assert [p for p in ("lightning.pytorch", "pytorch_lightning") if p in sys.modules] == {packages}, "another package was imported"
import torch
for package in {packages}:
    pl = sys.modules[package]
    class Tiny(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)
        def training_step(self, batch, batch_idx):
            return self.layer(batch).mean()
        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.01)
    callback = EnergyCallback()
    assert isinstance(callback, pl.Callback)
    trainer = pl.Trainer(callbacks=callback, max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Tiny(), torch.utils.data.DataLoader(torch.ones(8, 3), batch_size=4))
    assert callback.summary().to_dict()["work"] == {{"samples": 8}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("packages", [["pytorch_lightning"], ["lightning.pytorch", "pytorch_lightning"]], ids=["other", "both"])
def test_either_package_of_lightning(here: Path, packages: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", USE.format(packages=packages)], capture_output=True, text=True, timeout=HANGS_S)
    assert done.returncode == 0, done.stderr
    assert runs(here) == [("completed", None)] * len(packages)
