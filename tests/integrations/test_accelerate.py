"""The tracker for Accelerate: a real Accelerator, with a tracker of its own that keeps what is logged."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.tracking import GeneralTracker

from tests.fakes.world import ROOT, World, finished
from tests.integrations.test_huggingface import here as here
from tests.integrations.test_huggingface import runs, steps
from trainwatt import ConfigurationError, StoreError
from trainwatt.integrations.accelerate import AcceleratorTracker

SAMPLES, BATCH = 24, 4


class Kept(GeneralTracker):  # type: ignore[misc, unused-ignore]
    """A tracker that keeps what it is given."""

    name, requires_logging_directory = "kept", False

    def __init__(self, broken: bool = False) -> None:
        super().__init__()
        self.given: list[tuple[dict[str, Any], int | None]] = []
        self.broken = broken

    @property
    def tracker(self) -> None:
        return None

    def store_init_configuration(self, values: Any) -> None:
        pass

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        if self.broken and "energy/total_j" in values:
            raise ConnectionError("no server")
        self.given.append((dict(values), step))


def loop(accelerator: Any, energy: AcceleratorTracker, epochs: int = 2, folder: Path | None = None, fail_at: int = -1) -> None:
    data = torch.utils.data.TensorDataset(torch.ones(SAMPLES, 3))
    model = torch.nn.Linear(3, 1)
    model, loader = accelerator.prepare(model, torch.utils.data.DataLoader(data, batch_size=BATCH))
    with energy as tracker:
        for epoch in range(epochs):
            with tracker.phase("train", step=epoch):
                for number, (x,) in enumerate(tracker.wrap(loader)):
                    accelerator.backward(model(x).mean())
                    if epoch * SAMPLES // BATCH + number == fail_at:
                        raise RuntimeError("diverged")
            values = {"val/loss": 1.0 / (epoch + 1)}
            accelerator.log(values, step=epoch)
            assert list(values) == ["val/loss"]
            if folder is not None:
                accelerator.save_state(str(folder))


def with_kept(**settings: Any) -> tuple[Any, Kept]:
    kept = Kept(**settings)
    accelerator = Accelerator(cpu=True, log_with=kept)
    accelerator.init_trackers("digits")
    return accelerator, kept


def test_a_loop_is_a_run_whose_trackers_get_the_energy(here: Path, tmp_path: Path) -> None:
    accelerator, kept = with_kept()
    energy = AcceleratorTracker(accelerator, project="loop")
    loop(accelerator, energy, folder=tmp_path / "state")
    view = energy.tracker.summary().to_dict()
    assert runs(here) == [("completed", None)]
    assert view["work"] == {"samples": 2 * SAMPLES}
    assert steps(here, "train") == [0, 1]
    assert len(steps(here, "checkpoint")) == 2
    assert [step for values, step in kept.given if "val/loss" in values] == [0, 1]
    assert kept.given[-1][0]["energy/carbon_g"] == view["carbon"]["total_g"]
    if view["energy"]["total_j"] is not None:
        assert kept.given[-1][0]["energy/total_j"] == pytest.approx(view["energy"]["total_j"])
        assert kept.given[-1][1] is None
        assert {step for values, step in kept.given if "energy/total_j" in values} <= {0, 1, None}
    with sqlite3.connect(here) as connection:
        assert connection.execute("SELECT name, lowest FROM metric").fetchall() == [("val/loss", 0.5)]
    accelerator.save_state(str(tmp_path / "after"))
    assert "save_state" not in vars(accelerator)


def test_a_loop_that_loads_a_state_goes_on_with_its_run(here: Path, tmp_path: Path) -> None:
    accelerator = Accelerator(cpu=True)
    before = AcceleratorTracker(accelerator)
    with pytest.raises(RuntimeError, match="diverged"):
        loop(accelerator, before, folder=tmp_path / "state", fail_at=SAMPLES // BATCH + 2)
    assert runs(here) == [("failed", "RuntimeError: diverged")]

    again = Accelerator(cpu=True)
    after = AcceleratorTracker(again)
    again.prepare(torch.nn.Linear(3, 1))
    again.load_state(str(tmp_path / "state"))
    loop(again, after, epochs=1)
    assert after.tracker.run_id == before.tracker.run_id
    assert runs(here) == [("completed", None)]
    loop(again, after, epochs=1)  # the block again is another run
    assert len(runs(here)) == 2


def test_a_tracker_that_is_down_does_not_reach_the_training(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    accelerator, kept = with_kept(broken=True)
    loop(accelerator, AcceleratorTracker(accelerator))
    assert runs(here) == [("completed", None)]
    assert [step for values, step in kept.given if "val/loss" in values] == [0, 1]
    assert caplog.text.count("no server") <= 2 * caplog.text.count("the training is not affected")


def test_bad_settings_are_refused_before_the_training(tmp_path: Path) -> None:
    accelerator = Accelerator(cpu=True)
    with pytest.raises(ConfigurationError):
        AcceleratorTracker(accelerator, period_s=-1)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError), AcceleratorTracker(accelerator, db=tmp_path / "file" / "runs.db"):
        pass


RANKS = """
import sys
sys.path.insert(0, {root!r})
from accelerate import Accelerator
from tests.integrations.test_accelerate import loop
from trainwatt.integrations.accelerate import AcceleratorTracker
accelerator = Accelerator(cpu=True)
loop(accelerator, AcceleratorTracker(accelerator, project="ranks"))
assert accelerator.num_processes == 2
accelerator.end_training()
"""


@pytest.mark.slow
def test_two_processes_are_one_run(world: World, tmp_path: Path) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(root=str(ROOT)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = finished(world.popen(launch))
    assert done.returncode == 0, done.stderr
    assert runs(world.db) == [("completed", None)]
    assert world.show()["work"] == {"samples": 2 * SAMPLES}
