"""Train a small network on handwritten digits with Hugging Face's Trainer, and print its energy: python examples/huggingface_digits.py"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import numpy as np
import torch
from digits import SEED, loaders, network, report
from torch.nn.functional import cross_entropy
from transformers import EvalPrediction, Trainer, TrainingArguments

from trainwatt.integrations.huggingface import EnergyCallback


class Digits(torch.nn.Module):
    """The network, with the loss that the Trainer expects. Nothing in it is about energy."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss and the logits of one batch."""
        logits = self.network(images)
        return {"loss": cross_entropy(logits, labels), "logits": logits}


def collate(items: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """A batch as the Trainer takes it."""
    images, labels = zip(*items, strict=True)
    return {"images": torch.stack(images), "labels": torch.stack(labels)}


def accuracy(predicted: EvalPrediction) -> dict[str, Any]:
    """The share of images that were told right."""
    guesses = np.argmax(np.asarray(predicted.predictions), axis=1)
    return {"accuracy": float((guesses == predicted.label_ids).mean())}


def main() -> None:
    """Train, evaluate after each epoch, and print the energy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    epochs: int = parser.parse_args().epochs

    torch.manual_seed(SEED)
    train_loader, validate_loader = loaders()

    # This is all. The callback takes the arguments of EnergyTracker.
    energy = EnergyCallback(project="digits", name="huggingface_digits")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            Digits(),  # type: ignore[arg-type, unused-ignore]
            TrainingArguments(
                folder,
                num_train_epochs=epochs,
                per_device_train_batch_size=train_loader.batch_size or 1,
                per_device_eval_batch_size=64,
                learning_rate=1e-3,
                lr_scheduler_type="constant",
                eval_strategy="epoch",
                save_strategy="no",
                report_to="none",
                use_cpu=True,
                disable_tqdm=True,
            ),
            data_collator=collate,  # type: ignore[arg-type, unused-ignore]
            train_dataset=train_loader.dataset,
            eval_dataset=validate_loader.dataset,  # type: ignore[arg-type, unused-ignore]
            compute_metrics=accuracy,
            callbacks=[energy],
        )
        trainer.train()

    report(energy.summary(), epochs, trainer.state.log_history[-2]["eval_accuracy"])


if __name__ == "__main__":
    main()
