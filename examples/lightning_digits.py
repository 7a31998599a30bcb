"""Train a small network on handwritten digits with Lightning, and print its energy: python examples/lightning_digits.py"""

from __future__ import annotations

import argparse

import lightning
import torch
from digits import SEED, loaders, network, report
from torch.nn.functional import cross_entropy

from trainwatt.integrations.lightning import EnergyCallback

Batch = tuple[torch.Tensor, torch.Tensor]


class Digits(lightning.LightningModule):
    """The network and its training. Nothing in it is about energy."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """The loss of one batch."""
        images, labels = batch
        return cross_entropy(self.network(images), labels)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """The accuracy, which Lightning averages over the batches."""
        images, labels = batch
        self.log("accuracy", (self.network(images).argmax(dim=1) == labels).float().mean(), batch_size=len(labels))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """As in train_digits.py."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def main() -> None:
    """Train, validate, and print the energy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    epochs: int = parser.parse_args().epochs

    torch.manual_seed(SEED)
    train_loader, validate_loader = loaders()

    # This is all. The callback takes the arguments of EnergyTracker, and each call of the Trainer becomes a run.
    energy = EnergyCallback(project="digits", name="lightning_digits")
    trainer = lightning.Trainer(
        callbacks=[energy],
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Digits(), train_loader, validate_loader)

    report(energy.summary(), epochs, float(trainer.callback_metrics["accuracy"]))


if __name__ == "__main__":
    main()
