"""What one training would emit in other places, and with other lifetimes of its hardware: python examples/carbon_of_a_run.py"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

import torch
from digits import SEED, loaders, network
from torch.nn.functional import cross_entropy

from trainwatt import EnergyTracker

ZONES = ("SE", "FR", "PL")
LIFETIMES_YEARS = (3, 6)


def train(epochs: int) -> str:
    """Train the small network of digits.py, and return the run's id."""
    torch.manual_seed(SEED)
    train_loader, _ = loaders()
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with EnergyTracker(project="digits", name="carbon_of_a_run") as tracker:
        for epoch in range(epochs):
            with tracker.phase("train", step=epoch):
                for images, labels in tracker.wrap(train_loader):
                    loss = cross_entropy(model(images), labels)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
    run_id: str = tracker.summary().to_dict()["run"]["id"]
    return run_id


def trainwatt(*arguments: str) -> str:
    """What the command prints. The database has energy only, so its grams can be computed for any grid at any time."""
    return subprocess.run([sys.executable, "-m", "trainwatt", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def milligrams(carbon: dict[str, Any], part: str) -> str:
    """The "operational", "embodied" or "total" emissions with their range."""
    if carbon[f"{part}_g"] is None:
        return "unknown"  # embodied grams, if the machine does not report its hardware
    value, low, high = (1000 * carbon[f"{part}{bound}_g"] for bound in ("", "_low", "_high"))
    return f"{value:,.2f} ({low:,.2f}–{high:,.2f})"


def main() -> None:
    """Train once. Print a line for each place and lifetime, and what a paper says about the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    run_id = train(parser.parse_args().epochs)

    print(f"{'zone':<6}{'lifetime':<10}{'operational':>24}{'embodied':>24}{'total, mg CO2e':>24}")
    for zone in ZONES:
        for years in LIFETIMES_YEARS:
            answer = json.loads(trainwatt("footprint", run_id, "--zone", zone, "--lifetime-years", str(years), "--json"))
            carbon = answer["footprints"][0]["carbon"]
            if carbon is None:
                sys.exit("the run has no energy, so it has no grams: `trainwatt doctor` says why")
            parts = (milligrams(carbon, part) for part in ("operational", "embodied", "total"))
            print(f"{zone:<6}{f'{years} years':<10}" + "".join(f"{text:>24}" for text in parts))

    # The table, the methods paragraph and the references of a paper; --format tex and md give them with BibTeX.
    print()
    print(trainwatt("footprint", run_id, "--zone", "FR", "--format", "text"), end="")


if __name__ == "__main__":
    main()
