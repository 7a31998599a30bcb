"""The callback for Keras 3, with PyTorch: what it makes of the calls of a real model."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pytest
from absl import logging as absl_logging

from tests.fakes.world import MakeWorld, World
from tests.integrations.test_huggingface import here as here
from tests.integrations.test_huggingface import phases, runs, steps
from trainwatt import ConfigurationError, StoreError
from trainwatt.integrations.keras import EnergyCallback

# Keras brings absl. As soon as `logging.config` is used, its handler closes the stream that was stderr at its import: that of pytest.
absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__

SAMPLES, BATCH, BATCHES = 22, 4, 6
X, Y = np.ones((SAMPLES, 3)), np.zeros((SAMPLES, 1))


def model(at_step: Callable[[int], object] | None = None) -> Any:
    """One layer; `at_step` is called in each step of the training."""

    class Tiny(keras.Sequential):  # type: ignore[misc, name-defined, unused-ignore]
        def train_step(self, data: Any) -> Any:
            if at_step is not None:
                at_step(len(done))
            done.append(1)
            return super().train_step(data)

    done: list[int] = []
    tiny = Tiny([keras.layers.Input((3,)), keras.layers.Dense(1)])
    tiny.compile(loss="mse", optimizer="sgd")
    return tiny


def fit(tiny: Any, energy: EnergyCallback, **settings: Any) -> Any:
    return tiny.fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[energy], **{"epochs": 2, **settings})


def test_a_fit_is_one_run_with_its_phases_by_epoch(here: Path) -> None:
    energy = EnergyCallback(project="tiny")
    tiny = model()
    ahead: list[Any] = []
    later = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: ahead.append(energy.tracker.forecast))
    history = tiny.fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[energy, later], epochs=2, validation_data=(X, Y)).history
    assert (ahead[1].epoch, ahead[1].epochs) == (1, 2)  # Keras is told how many
    assert runs(here) == [("completed", None)]
    assert phases(energy) == {"train": (2, {"samples": 2 * SAMPLES}), "validate": (2, {})}
    assert steps(here, "train") == steps(here, "validate") == [0, 1]
    assert energy.summary().to_dict()["work"] == {"samples": 2 * SAMPLES}
    with sqlite3.connect(here) as connection:
        assert {name for (name,) in connection.execute("SELECT name FROM metric")} == {"loss", "val_loss"}
    assert history.keys() >= {"loss", "val_loss"}
    fit(tiny, energy)
    assert len(runs(here)) == 2


def test_the_state_of_a_model_is_no_batch(here: Path) -> None:
    """With JAX, a step of Keras is given the variables of the model, in lists, and then an iterator over batches."""
    energy, tiny = EnergyCallback(), model()
    tiny.train_function = lambda state, batches: None
    energy.set_model(tiny)
    energy.on_train_begin()
    tiny.train_function([[X[:3]], [], [X[:1]]], iter([(X, Y)]))
    energy.on_train_end()
    assert energy.summary().to_dict()["work"] == {}


def test_evaluations_and_predictions_on_their_own_are_runs(here: Path) -> None:
    energy, tiny = EnergyCallback(), model()
    tiny.evaluate(X, Y, batch_size=BATCH, verbose=0, callbacks=[energy])
    assert phases(energy) == {"test": (1, {"samples": SAMPLES})}
    tiny.predict(X, batch_size=BATCH, verbose=0, callbacks=[energy])
    assert phases(energy) == {"predict": (1, {"samples": SAMPLES})}
    assert runs(here) == [("completed", None)] * 2


@pytest.mark.parametrize(
    ("error", "ended"),
    [(RuntimeError("diverged"), ("failed", "RuntimeError: diverged")), (KeyboardInterrupt(), ("interrupted", "Ctrl-C"))],
    ids=["failed", "interrupted"],
)
def test_an_exception_in_a_step_ends_the_run(here: Path, error: BaseException, ended: tuple[str, str]) -> None:
    def at_step(step: int) -> None:
        if step == BATCHES + 2:
            raise error

    energy, tiny = EnergyCallback(), model(at_step)
    with pytest.raises(type(error)):
        fit(tiny, energy)
    assert runs(here) == [ended]
    assert phases(energy)["train"] == (2, {"samples": SAMPLES + 3 * BATCH})
    fit(model(), energy)
    assert runs(here) == [ended, ("completed", None)]


ELSEWHERE = """
import os
os.environ["KERAS_BACKEND"] = "torch"
from tests.integrations.test_keras import model, X, Y
from trainwatt.integrations.keras import EnergyCallback
def batches():
    yield X[:4], Y[:4]
    yield X[:4], Y[:4]
    raise OSError("no such image")
model().fit(batches(), verbose=0, steps_per_epoch=5, callbacks=[EnergyCallback(project="data")])
"""


@pytest.mark.slow
def test_an_exception_of_the_data_ends_the_run_at_the_exit(world: World) -> None:
    done = world.run_python(ELSEWHERE)
    assert "no such image" in done.stderr
    assert done.returncode == 1
    [(status, reason)] = runs(world.db)
    assert (status, reason) == ("failed", "OSError: no such image")


def test_a_fit_goes_on_with_a_run(here: Path) -> None:
    before = EnergyCallback()
    fit(model(), before, epochs=1)
    fit(model(), EnergyCallback(resume=before.tracker.run_id), initial_epoch=1)
    assert runs(here) == [("completed", None)]
    assert steps(here, "train") == [0, 1]


def test_the_logs_have_the_energy_of_the_machine(make_world: MakeWorld) -> None:
    world = make_world(package_w=20.0, dram_w=4.0, exact=True)
    code = f"""
import os, time
os.environ["KERAS_BACKEND"] = "torch"
from tests.integrations.test_keras import fit, model
from trainwatt.integrations.keras import EnergyCallback
energy = EnergyCallback(per_step=True, budget="3600 J", epochs=2)
history = fit(model(lambda step: time.sleep(0.3)), energy).history
view = energy.summary().to_dict()
assert abs(view["energy"]["total_j"] / view["run"]["duration_s"] / {world.total_w} - 1) < 0.005
first, second = history["energy/total_j"]
assert 0 < first < second <= view["energy"]["total_j"] * 1.005, (first, second)
assert [abs(share * 3600 / total - 1) < 0.01 for share, total in zip(history["energy/budget_share"], (first, second))] == [True, True]
assert second <= history["energy/forecast_j"][-1] * 1.1, history
assert {{p["name"]: p["count"] for p in view["phases"]}} == {{"train": 2, "train_step": 12}}
"""
    done = world.run_python(code)
    assert done.returncode == 0, done.stderr


def test_a_fault_of_the_callback_does_not_reach_the_training(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise OSError("broken")

    seen: list[int] = []
    energy = EnergyCallback()
    for name in ("phase", "update", "log", "summary"):
        monkeypatch.setattr(type(energy.tracker), name, fault)
    fit(model(seen.append), energy, validation_data=(X, Y))
    assert len(seen) == 2 * BATCHES
    assert caplog.text.count("the training is not affected") >= 2


def test_bad_settings_are_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        EnergyCallback(period_s=-1)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        fit(model(), EnergyCallback(db=tmp_path / "file" / "runs.db"))
