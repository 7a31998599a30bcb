"""The Lightning callback: what it gives to the loggers and to checkpoints, and a fit that goes on."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger

from tests.fakes.world import ROOT, MakeWorld, World, finished
from tests.integrations.test_lightning import BATCHES, SAMPLES, Tiny, find_learning_rate, loader, nested, phases, runs, steps
from tests.integrations.test_lightning import here as here
from trainwatt.integrations.lightning import EnergyCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory"),
]
NAMES = {"energy/total_j", "energy/power_w", "energy/carbon_g", "energy/sample_j"}


def trainer(folder: Path, *callbacks: Any, **settings: Any) -> Any:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False, "logger": False, "max_epochs": 2}
    return pl.Trainer(callbacks=list(callbacks), accelerator="cpu", default_root_dir=folder, **{**quiet, **settings})


class Kept(Logger):  # type: ignore[misc, unused-ignore]
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[dict[str, float], int | None]] = []

    @property
    def name(self) -> str:
        return "kept"

    @property
    def version(self) -> int:
        return 0

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        pass

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.given.append((dict(metrics), step))


class Down(Kept):
    """A logger whose server is down."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        if NAMES & metrics.keys():
            raise ConnectionError("no server")


def energies(logger: Kept) -> list[tuple[dict[str, float], int | None]]:
    return [(given, step) for given, step in logger.given if NAMES & given.keys()]


def test_every_logger_gets_the_energy_though_one_is_down(here: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept, energy = Kept(), EnergyCallback(zone="FR")
    ours = trainer(tmp_path, energy, logger=[Down(), CSVLogger(tmp_path, "csv"), kept])
    ours.fit(Tiny(), loader(), loader())
    view = energy.summary().to_dict()
    last, step = energies(kept)[-1]
    assert step == 2 * BATCHES
    assert last["energy/carbon_g"] == view["carbon"]["total_g"]
    if view["energy"]["total_j"] is not None:
        assert last["energy/total_j"] == pytest.approx(view["energy"]["total_j"], rel=0.005)
        assert last["energy/sample_j"] == view["energy"]["total_j"] / (2 * SAMPLES)
    with open(tmp_path / "csv/version_0/metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["energy/carbon_g"]) == last["energy/carbon_g"]
    assert caplog.text.count("Down did not take the energy: ConnectionError: no server") == 1
    assert runs(here) == [("completed", None)]


def test_a_fit_that_fails_logs_its_energy_too(here: Path, tmp_path: Path) -> None:
    def fail(step: int) -> None:
        if step == BATCHES + 1:
            raise RuntimeError("diverged")

    kept, energy = Kept(), EnergyCallback()
    with pytest.raises(RuntimeError, match="diverged"):
        trainer(tmp_path, energy, logger=kept).fit(Tiny(fail), loader())
    assert energies(kept)[-1][0]["energy/carbon_g"] == energy.summary().to_dict()["carbon"]["total_g"]
    assert runs(here) == [("failed", "RuntimeError: diverged")]


def test_the_values_are_those_of_the_machine(make_world: MakeWorld) -> None:
    """Energy, power and the energy of a sample, on a machine of known watts."""
    world = make_world(package_w=20.0, dram_w=4.0, exact=True)
    code = f"""
import time, torch
import lightning.pytorch as pl
from tests.integrations.test_lightning import Tiny, loader
from tests.integrations.test_lightning_logging import Kept, energies, trainer
from trainwatt.integrations.lightning import EnergyCallback
kept, energy = Kept(), EnergyCallback(zone="FR")
trainer(".", energy, logger=kept).fit(Tiny(lambda step: time.sleep(0.3)), loader())
view = energy.summary().to_dict()
given = energies(kept)
last = given[-1][0]
assert abs(last["energy/total_j"] / view["energy"]["total_j"] - 1) < 0.005
mean = view["energy"]["total_j"] / view["run"]["duration_s"]
assert abs(mean / {world.total_w} - 1) < 0.005, mean
assert {{step for _, step in given}} >= {{6, 12}}, given  # after each epoch
assert all(abs(values["energy/power_w"] / {world.total_w} - 1) < 0.3 for values, _ in given[:-1]), given
totals = [values["energy/total_j"] for values, _ in given]
assert totals[:-1] == sorted(totals[:-1]), given  # at the end, what was extrapolated gives way to what was read
assert last["energy/sample_j"] == view["energy"]["total_j"] / {2 * SAMPLES}
"""
    done = world.run_python(code)
    assert done.returncode == 0, done.stderr


def test_the_progress_bar_shows_the_joules_on_request(world: World) -> None:
    code = """
import time
from lightning.pytorch.callbacks import ProgressBar
from tests.integrations.test_lightning import Tiny, loader
from tests.integrations.test_lightning_logging import trainer
from trainwatt.integrations.lightning import EnergyCallback
class Bar(ProgressBar):
    def on_train_epoch_end(self, trainer, pl_module):
        print(trainer.current_epoch, float(self.get_metrics(trainer, pl_module).get("energy_j", 0)) > 0)
energy = EnergyCallback(progress_bar=True)
trainer(".", energy, Bar(), enable_progress_bar=True).fit(Tiny(lambda step: time.sleep(0.3)), loader(), loader())
names = {name for p in energy.summary().to_dict()["phases"] for name in p.get("metrics", {})}
assert "energy_j" not in names
"""
    done = world.run_python(code)
    assert done.returncode == 0, done.stderr
    assert "1 True" in done.stdout


def test_saving_a_checkpoint_is_a_phase_of_its_own(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback()
    ours = trainer(tmp_path, energy, ModelCheckpoint(tmp_path, every_n_train_steps=4, save_top_k=-1), enable_checkpointing=True)
    ours.fit(Tiny(), loader(), loader())
    assert phases(energy)["checkpoint"] == (3, {})
    assert steps(here, "checkpoint") == [0, 1, 1]
    assert steps(here, "train") == [0, 0, 1, 1]  # the last checkpoint is saved at the end of the epoch
    assert phases(energy)["train"][1] == {"samples": 2 * SAMPLES}
    assert nested(here) == 0
    assert "save_checkpoint" not in vars(ours)
    ours.save_checkpoint(tmp_path / "by_hand.ckpt")
    assert runs(here) == [("completed", None)]


def test_each_step_is_a_phase_on_request(here: Path, tmp_path: Path) -> None:
    energy = EnergyCallback(per_step=True)
    trainer(tmp_path, energy, max_epochs=1).fit(Tiny(), loader(), loader())
    assert phases(energy)["train_step"] == (BATCHES, {"samples": SAMPLES})
    assert steps(here, "train_step") == list(range(BATCHES))
    assert nested(here) == BATCHES


def test_a_fit_that_loads_a_checkpoint_goes_on_with_its_run(here: Path, tmp_path: Path) -> None:
    def fail(step: int) -> None:
        if step == BATCHES + 2:
            raise RuntimeError("diverged")

    saving = {"enable_checkpointing": True, "max_epochs": 3}
    before = EnergyCallback(project="again")
    with pytest.raises(RuntimeError, match="diverged"):
        trainer(tmp_path, before, ModelCheckpoint(tmp_path, save_last=True), **saving).fit(Tiny(fail), loader())
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"][before.state_key]
    assert state == json.loads(json.dumps(state)) == {"run_id": before.tracker.run_id}
    assert runs(here) == [("failed", "RuntimeError: diverged")]

    after = EnergyCallback(project="again")
    ours = trainer(tmp_path, after, ModelCheckpoint(tmp_path, save_last=True), **saving)
    ours.fit(Tiny(), loader(), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert after.tracker.run_id == before.tracker.run_id
    assert runs(here) == [("completed", None)]
    assert sorted(step or 0 for step in steps(here, "train")) == [0, 1, 1, 2]
    assert after.summary().to_dict()["work"] == {"samples": (BATCHES + 2) * 4 - 2 + 2 * SAMPLES}

    ours.test(Tiny(), loader(), ckpt_path=tmp_path / "last.ckpt", verbose=False, weights_only=True)
    assert after.tracker.run_id != before.tracker.run_id  # a test of a checkpoint is a run of its own
    ours.fit(Tiny(), loader())
    assert len(runs(here)) == 3


def test_a_checkpoint_without_the_callback_begins_a_new_run(here: Path, tmp_path: Path) -> None:
    ours = trainer(tmp_path, max_epochs=1)
    ours.fit(Tiny(), loader())
    ours.save_checkpoint(tmp_path / "old.ckpt")
    energy = EnergyCallback()
    trainer(tmp_path, energy).fit(Tiny(), loader(), ckpt_path=tmp_path / "old.ckpt", weights_only=True)
    assert runs(here) == [("completed", None)]
    assert steps(here, "train") == [1]


def test_a_search_when_a_fit_goes_on_belongs_to_its_run(here: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    from tests.integrations.test_lightning import Tuned

    energy, again = EnergyCallback(), EnergyCallback()
    ours = trainer(tmp_path, energy, max_epochs=1)
    ours.fit(Tuned())
    ours.save_checkpoint(tmp_path / "last.ckpt")
    trainer(tmp_path, find_learning_rate(), again).fit(Tuned(), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert again.tracker.run_id == energy.tracker.run_id
    assert phases(again)["tune"] == (1, {})
    assert not [w for w in recwarn if "need to be provided" in str(w.message)]


RANKS = """
import sys
sys.path.insert(0, {root!r})
import lightning.pytorch as pl
from tests.integrations.test_lightning import Tiny, loader
from tests.integrations.test_lightning_logging import Kept
from trainwatt.integrations.lightning import EnergyCallback
if __name__ == "__main__":
    ours = pl.Trainer(callbacks=[EnergyCallback(project="ranks")], accelerator="cpu", devices=2, strategy={strategy!r}, max_epochs=2,
                      logger=Kept(), enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    ours.fit(Tiny(id), loader(), loader())
"""


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_two_processes_are_one_run(world: World, tmp_path: Path, strategy: str) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(root=str(ROOT), strategy=strategy))
    done = finished(world.popen([sys.executable, str(script)]))
    assert done.returncode == 0, done.stderr
    assert runs(world.db) == [("completed", None)]
    with sqlite3.connect(world.db) as connection:
        assert connection.execute("SELECT count(*) FROM segment").fetchone() == (2,)
    view = world.show()
    assert view["work"] == {"samples": 2 * SAMPLES}
    found = {p["name"]: p["count"] for p in view["phases"]}
    assert (found["train"], found["validate"]) == (2, 2)


def test_two_callbacks_of_two_projects_go_together(here: Path, tmp_path: Path) -> None:
    trainer(tmp_path, EnergyCallback(project="one"), EnergyCallback(project="other"), max_epochs=1).fit(Tiny(), loader())
    assert runs(here) == [("completed", None)] * 2
