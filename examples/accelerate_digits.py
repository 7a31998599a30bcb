"""Train a small network on handwritten digits with Accelerate, and print its energy: python examples/accelerate_digits.py"""

from __future__ import annotations

import argparse

import torch
from accelerate import Accelerator
from digits import SEED, loaders, network, report
from torch.nn.functional import cross_entropy

from trainwatt.integrations.accelerate import AcceleratorTracker


def main() -> None:
    """Train, validate after each epoch, and print the energy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    epochs: int = parser.parse_args().epochs

    torch.manual_seed(SEED)
    accelerator = Accelerator(cpu=True)
    energy = AcceleratorTracker(accelerator, project="digits", name="accelerate_digits")
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model, optimizer, train_loader, validate_loader = accelerator.prepare(model, optimizer, *loaders())

    accuracy = 0.0
    with energy as tracker:
        for epoch in range(epochs):
            model.train()
            with tracker.phase("train", step=epoch):
                for images, labels in tracker.wrap(train_loader):
                    optimizer.zero_grad()
                    accelerator.backward(cross_entropy(model(images), labels))
                    optimizer.step()
            model.eval()
            with tracker.phase("validate", step=epoch), torch.no_grad():
                right = [(model(images).argmax(dim=1) == labels).float() for images, labels in validate_loader]
                accuracy = float(torch.cat(right).mean())
            accelerator.log({"val_accuracy": accuracy}, step=epoch)

    report(tracker.summary(), epochs, accuracy)


if __name__ == "__main__":
    main()
