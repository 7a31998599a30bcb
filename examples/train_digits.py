"""Train a small network on handwritten digits in plain PyTorch, and print its energy: python examples/train_digits.py"""

from __future__ import annotations

import argparse

import torch
from digits import SEED, loaders, network, report
from torch.nn.functional import cross_entropy

from trainwatt import EnergyTracker


def main() -> None:
    """Train, validate, and print the energy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    epochs: int = options.epochs

    torch.manual_seed(SEED)
    train_loader, validate_loader = loaders(options.batch_size)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracy = 0.0

    # Everything within this block is one run. It is measured and stored while it runs.
    with EnergyTracker(project="digits", name="train_digits") as tracker:
        for epoch in range(epochs):
            # A phase is a named part of a run; the step says which epoch it was.
            with tracker.phase("train", step=epoch):
                model.train()
                # wrap() counts the samples of each batch, so that the run knows its energy per sample.
                for images, labels in tracker.wrap(train_loader):
                    loss = cross_entropy(model(images), labels)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()

            # The validation loader is not wrapped: the samples of a run are those of its training.
            with tracker.phase("validate", step=epoch), torch.no_grad():
                model.eval()
                correct = total = 0
                for images, labels in validate_loader:
                    correct += int((model(images).argmax(dim=1) == labels).sum())
                    total += len(labels)
                accuracy = correct / total

    report(tracker.summary(), epochs, accuracy)


if __name__ == "__main__":
    main()
