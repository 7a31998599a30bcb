"""How trainings end in each framework, on a machine of known watts: to the end, by an exception, from a checkpoint, by Ctrl-C."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.fakes.world import HANGS_S, MakeWorld

LIGHTNING = """
from lightning.pytorch.callbacks import ModelCheckpoint
from tests.integrations.test_lightning import Tiny, loader
from tests.integrations.test_lightning_logging import trainer
from trainwatt.integrations.lightning import EnergyCallback
def train(at_step, epochs, before):
    energy = EnergyCallback(project="ends")
    saving = {"enable_checkpointing": True, "max_epochs": epochs}
    go_on = {"ckpt_path": f"{epochs}/last.ckpt", "weights_only": True} if before else {}
    yield energy
    trainer(".", energy, ModelCheckpoint(str(epochs), save_last=True), **saving).fit(Tiny(at_step), loader(), **go_on)
"""
HUGGING_FACE = """
from pathlib import Path
from tests.integrations.test_huggingface import Tiny, trainer
from trainwatt.integrations.huggingface import EnergyCallback
def train(at_step, epochs, before):
    energy = EnergyCallback(project="ends")
    yield energy
    ours = trainer(Path(str(epochs)), energy, model=Tiny(at_step), num_train_epochs=epochs, save_strategy="epoch")
    ours.train(resume_from_checkpoint=bool(before))
"""
ACCELERATE = """
import torch
from pathlib import Path
from accelerate import Accelerator
from tests.integrations.test_accelerate import BATCH, SAMPLES
from trainwatt.integrations.accelerate import AcceleratorTracker
def train(at_step, epochs, before):
    accelerator = Accelerator(cpu=True)
    energy = AcceleratorTracker(accelerator, project="ends")
    data = torch.utils.data.TensorDataset(torch.ones(SAMPLES, 3))
    model, loader = accelerator.prepare(torch.nn.Linear(3, 1), torch.utils.data.DataLoader(data, batch_size=BATCH))
    if before:
        accelerator.load_state("state")
    yield energy.tracker
    with energy as tracker:
        for epoch in range(1 if before else 0, epochs):
            with tracker.phase("train", step=epoch):
                for number, (x,) in enumerate(tracker.wrap(loader)):
                    at_step(number + epoch * SAMPLES // BATCH)
                    accelerator.backward(model(x).mean())
            accelerator.save_state("state")
"""
KERAS = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras
from tests.integrations.test_keras import X, Y, model
from trainwatt.integrations.keras import EnergyCallback
def train(at_step, epochs, before):
    energy = EnergyCallback(project="ends", **({"resume": before} if before else {}))
    tiny = model(at_step)
    if before:
        tiny.load_weights("last.weights.h5")
    saving = keras.callbacks.ModelCheckpoint("last.weights.h5", save_weights_only=True)
    yield energy
    tiny.fit(X, Y, batch_size=4, verbose=0, epochs=epochs, initial_epoch=1 if before else 0, callbacks=[energy, saving])
"""
PLAIN = """
from trainwatt import EnergyTracker
def train(at_step, epochs, before):
    energy = EnergyTracker(project="ends", **({"resume": before} if before else {}))
    yield energy
    with energy:
        for epoch in range(1 if before else 0, epochs):
            with energy.phase("train", step=epoch):
                for number, batch in enumerate(energy.wrap([[0.0] * 4] * 6)):
                    at_step(number + 6 * epoch)
"""
CODE = """
import json, time
STEP_S = 0.15
def at_step(step):
    time.sleep(STEP_S)
    steps.append(step)
    if len(steps) == act_at:
        act()
def fail():
    raise RuntimeError("diverged")
def wait():
    print("now", flush=True)
    time.sleep(60)
def one(epochs, at=0, do=None, before=None):
    global steps, act_at, act
    steps, act_at, act = [], at, do
    training = train(at_step, epochs, before)
    energy = next(training)
    begun = time.monotonic()
    try:
        next(training, None)
    except RuntimeError as error:
        assert do is fail, error
    view = energy.summary().to_dict()
    print(json.dumps([view, len(steps) * STEP_S, time.monotonic() - begun]), flush=True)
    return view["run"]["id"]
one(1)
one(2, before=one(2, 8, fail))
one(2, 8, wait)
"""


def train_s(view: Any) -> float:
    return float(sum(phase["duration_s"] for phase in view["phases"] if phase["name"] == "train"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "framework",
    [LIGHTNING, HUGGING_FACE, ACCELERATE, KERAS, PLAIN],
    ids=["lightning", "huggingface", "accelerate", "keras", "plain"],
)
def test_a_run_has_its_status_its_phases_and_its_joules_however_it_ends(make_world: MakeWorld, framework: str) -> None:
    """The joules are those of the machine within 0.5 %, the time between a failure and the training that goes on apart."""
    world = make_world(package_w=20.0, dram_w=4.0, exact=True)
    process = world.python(framework + CODE)
    assert process.stdout is not None
    seen = []
    while (line := process.stdout.readline()) and line != "now\n":
        if line.startswith("["):
            seen.append(json.loads(line))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode != 0
    assert len(seen) == 3, errors
    views = [view for view, _, _ in seen]
    interrupted = world.show()
    ended = [(view["run"]["status"], view["run"]["end_reason"]) for view in [*views, interrupted]]
    assert ended == [("completed", None), ("failed", "RuntimeError: diverged"), ("completed", None), ("interrupted", "Ctrl-C")]
    _, failed, resumed = views
    assert failed["run"]["id"] == resumed["run"]["id"]
    assert len(world.runs()) == 3
    counts = [next(phase["count"] for phase in view["phases"] if phase["name"] == "train") for view in [*views, interrupted]]
    assert counts == [1, 2, 3, 2]
    before_s, before_train_s = 0.0, 0.0
    for view, steps_s, outer_s in seen:
        assert steps_s <= train_s(view) - before_train_s <= view["run"]["duration_s"] - before_s <= outer_s
        before_s, before_train_s = (view["run"]["duration_s"], train_s(view)) if view is failed else (0.0, 0.0)
    for view in [*views, interrupted]:
        energy_j = view["energy"]["total_j"]
        assert energy_j == pytest.approx(world.total_w * view["run"]["duration_s"], rel=0.005), (view["run"], view["energy"]["devices"])
        train_j = sum(phase["energy_j"] for phase in view["phases"] if phase["name"] == "train")
        assert train_j == pytest.approx(world.total_w * train_s(view), rel=0.005)
        assert view["energy"]["low_j"] <= world.total_w * view["run"]["duration_s"] <= view["energy"]["high_j"]
