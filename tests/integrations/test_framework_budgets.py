"""The callbacks of the frameworks stop at a budget, on a machine of known watts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.world import World
from tests.integrations import test_huggingface, test_keras, test_lightning, test_lightning_logging
from trainwatt import BudgetExceeded
from trainwatt.integrations import huggingface, keras, lightning

Step = Callable[[int], None]


def with_lightning(energy: Any, at_step: Step) -> None:
    test_lightning_logging.trainer(Path(), energy, max_epochs=20).fit(test_lightning.Tiny(at_step), test_lightning.loader())


def with_huggingface(energy: Any, at_step: Step) -> None:
    test_huggingface.trainer(Path(), energy, model=test_huggingface.Tiny(at_step), num_train_epochs=20).train()


def with_keras(energy: Any, at_step: Step) -> None:
    test_keras.fit(test_keras.model(at_step), energy, epochs=20)


@pytest.mark.slow
@pytest.mark.parametrize("on_budget", ["stop", "raise"])
@pytest.mark.parametrize(
    ("callback", "train"),
    [
        (lightning.EnergyCallback, with_lightning),
        (huggingface.EnergyCallback, with_huggingface),
        (keras.EnergyCallback, with_keras),
    ],
    ids=["lightning", "huggingface", "keras"],
)
def test_a_training_stops_within_one_step_of_its_budget(
    here: World, callback: type[Any], train: Callable[[Any, Step], None], on_budget: str
) -> None:
    over: list[bool] = []

    def at_step(_: int) -> None:
        over.append(energy.tracker.over_budget)
        time.sleep(0.1)

    energy = callback(budget="500 J", on_budget=on_budget)
    if on_budget == "raise":
        with pytest.raises(BudgetExceeded):
            train(energy, at_step)
    else:
        train(energy, at_step)
    assert len(over) < 120, "it was not stopped"
    assert sum(over) <= 1
    view = energy.summary().to_dict()
    assert view["energy"]["total_j"] >= 490
    assert view["run"]["status"] == ("interrupted" if on_budget == "raise" else "completed")
