"""What the examples share: scikit-learn's handwritten digits, a small network, and a printed summary."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainwatt import Summary

SEED = 0


def loaders(batch_size: int = 64) -> tuple[DataLoader[tuple[torch.Tensor, ...]], DataLoader[tuple[torch.Tensor, ...]]]:
    """1797 real images of 8 × 8 pixels, bundled with scikit-learn: half for training, half for validation."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(SEED))
    train, validate = order[: len(order) // 2], order[len(order) // 2 :]
    return (
        DataLoader(TensorDataset(images[train], labels[train]), batch_size=batch_size, shuffle=True),
        DataLoader(TensorDataset(images[validate], labels[validate]), batch_size=batch_size),
    )


def network() -> nn.Module:
    """A small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Conv2d(64, 256, 3, padding=1),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.Conv2d(256, 128, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128 * 4, 10),
    )


def report(summary: Summary, epochs: int, accuracy: float) -> None:
    """Print what the run used, and the accuracy that it reached."""
    print(summary)  # the headline, the devices with their ranges and sources, the phases
    run = summary.to_dict()  # the same as `trainwatt show --json`
    joules = run["energy"]["total_j"]
    if joules is not None:
        print(f"energy per epoch: {joules / epochs:,.1f} J")
        print(f"energy per training sample: {1000 * joules / run['work']['samples']:,.1f} mJ")
    print(f"accuracy: {accuracy:.4f}")
