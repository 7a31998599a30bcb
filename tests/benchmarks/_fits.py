"""One fit for `callbacks.py`, in a process of its own: `_fits.py FRAMEWORK KIND EPOCHS` prints CPU seconds as JSON: of a step, in the
training thread and in the whole process, from the second epoch on; and of the fit before and after these steps, in the whole process."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
from digits import SEED, loaders, network
from torch.nn.functional import cross_entropy


class Network(torch.nn.Module):
    """The network of the examples. It notes the CPU times at which each step begins."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()
        self.begun: list[tuple[float, float]] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.begun.append((time.thread_time(), time.process_time()))
        logits: torch.Tensor = self.network(images)
        return logits


def huggingface(kind: str, epochs: int, network: Network) -> Callable[[], object]:
    """A fit of the Trainer."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Digits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.network(images)
            return {"loss": cross_entropy(logits, labels), "logits": logits}

    class ZeusWindows(TrainerCallback):
        """A window for each epoch."""

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.monitor = importlib.import_module("zeus.monitor").ZeusMonitor()

        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            self.monitor.begin_window("epoch", sync_execution=False)

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            self.monitor.end_window("epoch", sync_execution=False)

    def collate(items: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
        images, labels = zip(*items, strict=True)
        return {"images": torch.stack(images), "labels": torch.stack(labels)}

    callbacks: list[Any] = []
    match kind:
        case "trainwatt":
            callbacks = [importlib.import_module("trainwatt.integrations.huggingface").EnergyCallback(project="benchmark")]
        case "codecarbon":
            callbacks = [importlib.import_module("transformers.integrations").CodeCarbonCallback()]
        case "zeus":
            callbacks = [ZeusWindows()]
    train, _ = loaders()
    arguments = TrainingArguments(
        tempfile.mkdtemp(),
        num_train_epochs=epochs,
        per_device_train_batch_size=train.batch_size or 1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
    )
    model: Any = Digits()
    made: Any = collate
    return Trainer(model, arguments, data_collator=made, train_dataset=train.dataset, callbacks=callbacks).train


def lightning(kind: str, epochs: int, network: Network) -> Callable[[], object]:
    """A fit of Lightning."""
    import lightning as of_lightning

    class Digits(of_lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            images, labels = batch
            return cross_entropy(self.network(images), labels)

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), 1e-3)

    callbacks: list[Any] = []
    if kind == "trainwatt":
        callbacks = [importlib.import_module("trainwatt.integrations.lightning").EnergyCallback(project="benchmark")]
    trainer = of_lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
    )
    train, _ = loaders()
    return lambda: trainer.fit(Digits(), train)


def main() -> None:
    framework, kind, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    measured = Network()
    fit = {"huggingface": huggingface, "lightning": lightning}[framework](kind, epochs, measured)
    of_epoch = len(loaders()[0])
    begun_s = time.process_time()
    fit()
    whole_s = time.process_time() - begun_s
    first, *_, last = measured.begun[of_epoch:]
    steps = len(measured.begun) - of_epoch - 1
    thread_s, process_s = ((b - a) / steps for a, b in zip(first, last, strict=True))
    print(json.dumps([thread_s, process_s, whole_s - process_s * len(measured.begun)]))


if __name__ == "__main__":
    main()
