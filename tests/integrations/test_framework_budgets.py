"""The callbacks of the frameworks stop at a budget, on a machine of known watts."""

from __future__ import annotations

import pytest

from tests.fakes.world import World
from tests.integrations.test_huggingface import runs

LIGHTNING = """
from tests.integrations.test_lightning import Tiny, loader
from tests.integrations.test_lightning_logging import trainer
from trainwatt.integrations.lightning import EnergyCallback as Energy
def train(energy, at_step):
    trainer(".", energy, max_epochs=20).fit(Tiny(at_step), loader())
"""
HUGGING_FACE = """
from pathlib import Path
from tests.integrations.test_huggingface import Tiny, trainer
from trainwatt.integrations.huggingface import EnergyCallback as Energy
def train(energy, at_step):
    trainer(Path("."), energy, model=Tiny(at_step), num_train_epochs=20).train()
"""
KERAS = """
import os
os.environ["KERAS_BACKEND"] = "torch"
from tests.integrations.test_keras import fit, model
from trainwatt.integrations.keras import EnergyCallback as Energy
def train(energy, at_step):
    fit(model(at_step), energy, epochs=20)
"""
CODE = """
import time
from trainwatt import BudgetExceeded
def at_step(step):
    over.append(energy.tracker.over_budget)
    time.sleep(0.1)
for on_budget in ("stop", "raise"):
    over = []
    energy = Energy(budget="500 J", on_budget=on_budget)
    try:
        train(energy, at_step)
        raised = False
    except BudgetExceeded:
        raised = True
    assert raised is (on_budget == "raise"), raised
    assert len(over) < 120, "it was not stopped"
    assert sum(over) <= 1, over
    assert energy.summary().to_dict()["energy"]["total_j"] >= 490
"""


@pytest.mark.slow
@pytest.mark.parametrize("framework", [LIGHTNING, HUGGING_FACE, KERAS], ids=["lightning", "huggingface", "keras"])
def test_a_training_stops_within_one_step_of_its_budget(world: World, framework: str) -> None:
    done = world.run_python(framework + CODE)
    assert done.returncode == 0, done.stderr
    assert [status for status, _ in runs(world.db)] == ["completed", "interrupted"]
