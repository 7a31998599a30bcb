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
DIGITS = f"import sys\nsys.path.insert(0, {str(ROOT / 'examples')!r})\nfrom digits import loaders, network\nloader, _ = loaders()\n"
QUICKSTARTS = {
    "from trainwatt import EnergyTracker": DIGITS,
    "integrations.lightning": f"""{DIGITS}
import torch
from lightning.pytorch import LightningModule
class Module(LightningModule):
    def __init__(self):
        super().__init__()
        self.network = network()
    def training_step(self, batch, index): return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])
    def configure_optimizers(self): return torch.optim.Adam(self.parameters())
model = Module()
""",
    "integrations.huggingface": f"""{DIGITS}
from huggingface_digits import Digits
model, dataset = Digits(), [{{"images": images, "labels": labels}} for images, labels in loader.dataset]
""",
    "integrations.accelerate": f"{DIGITS}\nfrom accelerate import Accelerator\naccelerator = Accelerator(cpu=True)\n",
    "integrations.keras": f"""import os
os.environ["KERAS_BACKEND"] = "torch"
{DIGITS}
import keras
images, labels = (of.numpy() for of in loader.dataset.tensors)
model = keras.Sequential([keras.layers.Input((1, 8, 8)), keras.layers.Flatten(), keras.layers.Dense(10)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
""",
}
"""What a reader of README.md has before a quickstart, found by words in it: the digits data, and a model."""
BEFORE = {
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


def codes(page: Path) -> list[str]:
    """The programs of a page: all blocks are one, but in README.md each is one."""
    if page.name == "README.md":
        return [next(before for words, before in QUICKSTARTS.items() if words in block) + block for block in blocks(page)]
    return ["\n".join([BEFORE.get(page.name, ""), *blocks(page), AFTER.get(page.name, "")])]


IMAGES = 898
"""Of the digits, for training."""
FRAMEWORKS = {"README.md", "lightning.md", "huggingface.md", "accelerate.md", "keras.md"}


@pytest.mark.slow
@pytest.mark.parametrize("frameworks", [True, False], ids=["with frameworks", "without"])
def test_the_code_of_each_page_runs(world: World, frameworks: bool) -> None:
    """In one process each, because it takes seconds to load a framework; no program sees the names of another one."""
    pages = [page for page in PAGES if (page.name in FRAMEWORKS) is frameworks]
    programs = [(f"{page.name}, program {number}", code) for page in pages for number, code in enumerate(codes(page), 1)]
    ended = world.run_python(
        f"for name, code in {programs!r}:\n    print(name)\n    exec(compile(code, name, 'exec'), {{'__name__': name}})"
    )
    assert ended.returncode == 0, ended.stdout.splitlines()[-1] + ended.stderr
    if frameworks:  # the quickstarts of README.md come first
        ids = [run["id"] for run in reversed(world.runs())][: len(blocks(ROOT / "README.md"))]
        views = [world.show(of) for of in ids]
        assert [(view["run"]["status"], view["work"]["samples"] // IMAGES) for view in views] == [
            ("completed", n) for n in (10, 3, 3, 1, 3)
        ]


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
