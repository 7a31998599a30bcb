"""The Python in README and docs runs as it stands, given what a reader has anyway: a loader, a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fakes.world import ROOT, World

LOADER = "loader = [([0.0] * 64, [1] * 64)] * 3\ndef train_on(images, labels): pass\ndef validate(): pass\n"
LIGHTNING = """
from lightning.pytorch.demos.boring_classes import BoringModel, RandomDataset
from torch.utils.data import DataLoader
model, loader = BoringModel(), DataLoader(RandomDataset(32, 64), batch_size=16)
"""
AS_A_SENSOR = "from trainwatt.sensors.own import checked\nassert checked('docs', discover(None), ()).sensors"
HUGGING_FACE = """
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
    def forward(self, x): return {"loss": self.layer(x).pow(2).mean()}
model, dataset = Model(), [{"x": torch.ones(3)}] * 16
"""
ACCELERATE = "import torch\nloader = torch.utils.data.DataLoader(torch.ones(8, 3), batch_size=4)\n"
SWEEP = "def train_one_epoch(rate): return 0.9\n"
KERAS = "import os\nos.environ['KERAS_BACKEND'] = 'torch'\nimport numpy as np\nimages, labels = np.ones((8, 3)), np.zeros((8, 10))\n"
LOGGERS = """
import os
os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "TRACKIO_DIR": os.path.abspath("trackio")}
os.environ |= {"MLFLOW_TRACKING_URI": os.path.abspath("mlruns"), "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""
RAY = """
import sys, types
class TorchTrainer:  # one worker, in this process
    def __init__(self, loop, train_loop_config, scaling_config): self.fit = lambda: loop(train_loop_config)
modules = {name: types.ModuleType(name) for name in ("ray", "ray.train", "ray.train.torch")}
modules["ray.train"].ScalingConfig, modules["ray.train.torch"].TorchTrainer = dict, TorchTrainer
sys.modules.update(modules)
def make_loader(): return loader
"""
TRAINER = f"{LOADER}from lightning.pytorch import Trainer\n"
BEFORE = {
    "README.md": TRAINER,
    "track.md": LOADER,
    "sweeps.md": SWEEP,
    "lightning.md": LIGHTNING,
    "huggingface.md": HUGGING_FACE,
    "accelerate.md": ACCELERATE,
    "keras.md": KERAS,
    "loggers.md": LOADER + LOGGERS,
    "cluster-user.md": LOADER + RAY,
}
AFTER = {"sensors.md": AS_A_SENSOR}


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if blocks(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_code_of_a_page_runs(page: Path, world: World) -> None:
    code = "\n".join([BEFORE.get(page.name, ""), *blocks(page), AFTER.get(page.name, "")])
    ended = world.run_python(code)
    assert ended.returncode == 0, ended.stderr


def test_the_pages_with_code_are_known() -> None:
    assert {page.name for page in PAGES} == {
        "README.md",
        "budget.md",
        "track.md",
        "lightning.md",
        "huggingface.md",
        "accelerate.md",
        "keras.md",
        "loggers.md",
        "sensors.md",
        "sinks.md",
        "sweeps.md",
        "nodes.md",
        "cluster-user.md",
    }
