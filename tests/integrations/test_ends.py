"""How trainings end in each framework, on a machine of known watts: to the end, by an exception, from a checkpoint, by Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from lightning.pytorch import callbacks

from tests.fakes.world import HANGS_S, MakeWorld, World, enter
from tests.fakes.world import STEP_S as FAKE_STEP_S
from tests.integrations import test_huggingface, test_keras, test_lightning, test_lightning_logging
from trainwatt import EnergyTracker, Settings
from trainwatt.integrations import accelerate, huggingface, keras, lightning

pytestmark = test_lightning_logging.pytestmark
Step = Callable[[int], None]
EPOCH = 6
"""Batches of an epoch, in each framework."""
STEP_S = 0.2
LATE = 8
"""The step, from 1, at which a training ends early: it is in the second epoch."""


def settings_of(before: str | None) -> Settings:
    """Where the framework keeps no state of ours: the run that goes on is named."""
    return {"project": "ends", "resume": before} if before else {"project": "ends"}


def with_lightning(at_step: Step, epochs: int, before: str | None) -> Iterator[Any]:
    energy = lightning.EnergyCallback(project="ends")
    saving = callbacks.ModelCheckpoint(str(epochs), save_last=True)
    ours = test_lightning_logging.trainer(Path(), energy, saving, enable_checkpointing=True, max_epochs=epochs)
    go_on = {"ckpt_path": f"{epochs}/last.ckpt", "weights_only": True} if before else {}
    yield energy
    ours.fit(test_lightning.Tiny(at_step), test_lightning.loader(), **go_on)


def with_huggingface(at_step: Step, epochs: int, before: str | None) -> Iterator[Any]:
    energy = huggingface.EnergyCallback(project="ends")
    settings: dict[str, Any] = {"num_train_epochs": epochs, "save_strategy": "epoch"}
    ours = test_huggingface.trainer(Path(str(epochs)), energy, model=test_huggingface.Tiny(at_step), **settings)
    yield energy
    ours.train(resume_from_checkpoint=bool(before))


def with_accelerate(at_step: Step, epochs: int, before: str | None) -> Iterator[Any]:
    accelerator: Any = Accelerator(cpu=True)
    energy = accelerate.AcceleratorTracker(accelerator, project="ends")
    data = torch.utils.data.TensorDataset(torch.ones(EPOCH, 3))
    model, loader = accelerator.prepare(torch.nn.Linear(3, 1), torch.utils.data.DataLoader(data))
    if before:
        accelerator.load_state("state")
    yield energy.tracker
    with energy as tracker:
        for epoch in range(1 if before else 0, epochs):
            with tracker.phase("train", step=epoch):
                for number, (x,) in enumerate(tracker.wrap(loader)):
                    at_step(epoch * EPOCH + number)
                    accelerator.backward(model(x).mean())
            accelerator.save_state("state")


def with_keras(at_step: Step, epochs: int, before: str | None) -> Iterator[Any]:
    energy = keras.EnergyCallback(**settings_of(before))
    tiny = test_keras.model(at_step)
    if before:
        tiny.load_weights("last.weights.h5")
    from keras.callbacks import ModelCheckpoint  # the backend of Keras is set by the tests of its callback

    saving = ModelCheckpoint("last.weights.h5", save_weights_only=True)
    yield energy
    tiny.fit(
        test_keras.X,
        test_keras.Y,
        batch_size=test_keras.BATCH,
        verbose=0,
        epochs=epochs,
        initial_epoch=1 if before else 0,
        callbacks=[energy, saving],
    )


def with_a_plain_loop(at_step: Step, epochs: int, before: str | None) -> Iterator[Any]:
    energy = EnergyTracker(**settings_of(before))
    yield energy
    with energy:
        for epoch in range(1 if before else 0, epochs):
            with energy.phase("train", step=epoch):
                for number, _ in enumerate(energy.wrap([[0.0] * 4] * EPOCH)):
                    at_step(epoch * EPOCH + number)


TRAININGS = (with_lightning, with_huggingface, with_accelerate, with_keras, with_a_plain_loop)
Training = Callable[[Step, int, "str | None"], Iterator[Any]]


def view_after(training: Training, epochs: int, late: Callable[[], None], before: str | None = None) -> tuple[Any, float]:
    """Train until the end or an exception; `late` is called at the step LATE. Returns the run, and how long the steps took at least."""
    steps = 0

    def at_step(_: int) -> None:
        nonlocal steps
        steps += 1
        time.sleep(STEP_S)
        if steps == LATE:
            late()

    parts = training(at_step, epochs, before)
    energy = next(parts)
    tracker = getattr(energy, "tracker", energy)  # `tracker.live()` before the training follows it
    with contextlib.suppress(Diverged, KeyboardInterrupt, SystemExit):  # Lightning makes a SystemExit of Ctrl-C
        next(parts, None)
    assert getattr(energy, "tracker", energy) is tracker
    return energy.summary().to_dict(), steps * STEP_S


class Diverged(Exception):
    """What a training fails with."""


def fail() -> None:
    raise Diverged("a loss that is no number")


def assert_true(world: World, view: Any, steps_s: float) -> None:
    """The joules are those of the machine, in all and in its training, within 0.5 %, and what a busy test machine adds to that."""
    duration_s = view["run"]["duration_s"]
    [train] = [phase for phase in view["phases"] if phase["name"] == "train"]
    assert steps_s <= train["duration_s"] <= duration_s
    more_s = max(0.0, world.stood_still_s() - 2 * FAKE_STEP_S)  # for so long a reading may have waited between the device and its time
    for energy_j, seconds in ((view["energy"]["total_j"], duration_s), (train["energy_j"], train["duration_s"])):
        assert energy_j == pytest.approx(world.total_w * seconds, abs=world.total_w * (0.005 * seconds + more_s))
    assert view["energy"]["low_j"] <= world.total_w * duration_s <= view["energy"]["high_j"]


def outcome(view: Any) -> tuple[str, str | None, int]:
    """Status, end reason, and how many instances of `train` there are."""
    [train] = [phase for phase in view["phases"] if phase["name"] == "train"]
    return view["run"]["status"], view["run"]["end_reason"], train["count"]


@pytest.fixture
def exact(make_world: MakeWorld) -> World:
    """A machine whose counters hardly wait for a processor of the test machine."""
    return make_world(package_w=20.0, dram_w=4.0, exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("training", TRAININGS)
def test_a_run_has_its_status_its_phases_and_its_joules(
    exact: World, clean_environ: pytest.MonkeyPatch, nvml_library: Path, training: Training
) -> None:
    """To the end; after an exception in the second epoch; and then from the checkpoint of the first epoch, in the same run."""
    enter(exact, clean_environ, nvml_library)
    complete, steps_s = view_after(training, 1, fail)
    assert outcome(complete) == ("completed", None, 1)
    assert_true(exact, complete, steps_s)

    failed, failed_s = view_after(training, 2, fail)
    assert outcome(failed) == ("failed", "Diverged: a loss that is no number", 2)
    assert_true(exact, failed, failed_s)

    time.sleep(0.5)  # this does not count
    resumed, steps_s = view_after(training, 2, fail, failed["run"]["id"])
    assert resumed["run"]["id"] == failed["run"]["id"]
    assert outcome(resumed) == ("completed", None, 3)
    assert_true(exact, resumed, failed_s + steps_s)
    assert len(exact.runs()) == 2


CTRL_C = """
import json, signal, time
from tests.integrations.test_ends import TRAININGS, view_after
def wait():
    print("now", flush=True)
    time.sleep(60)
for training in TRAININGS:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning leaves Ctrl-C ignored after one
    print(json.dumps(view_after(training, 2, wait)), flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_interrupts_the_run(exact: World) -> None:
    """A signal from outside, in a process with all frameworks, because it takes seconds to load them."""
    process = exact.python(CTRL_C, stderr=sys.stderr)
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        if line == "now\n":
            process.send_signal(signal.SIGINT)
        elif line.startswith("["):
            seen.append(json.loads(line))
    assert process.wait(HANGS_S) == 0
    for view, steps_s in seen:
        assert outcome(view) == ("interrupted", "Ctrl-C", 2)
        assert_true(exact, view, steps_s)
    assert len(seen) == len(TRAININGS)
