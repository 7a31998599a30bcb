"""Train on handwritten digits with six learning rates, and rank them by energy: python examples/sweep_digits.py"""

from __future__ import annotations

import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from trainwatt import EnergyTracker

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
GROUP = "learning-rates"


def main() -> None:
    """Train once with each learning rate. Each training is a run of one group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()

    images, labels = load_digits(return_X_y=True)
    images, val_images, labels, val_labels = train_test_split(images / 16, labels, test_size=0.25, random_state=0)
    for rate in RATES:
        model = MLPClassifier((512,), learning_rate_init=rate, batch_size=32, random_state=0)
        accuracy = 0.0
        with EnergyTracker(project="digits", group=GROUP, name=f"lr={rate}", stage="experimentation") as tracker:
            for epoch in range(options.epochs):
                with tracker.phase("train", step=epoch):
                    model.partial_fit(images, labels, classes=range(10))
                    tracker.update(samples=len(images))
                with tracker.phase("validate", step=epoch):
                    accuracy = float(model.score(val_images, val_labels))
                # What the run has reached so far. The list and the report join it to the energy used by then.
                tracker.log(val_accuracy=accuracy)
        print(f"lr={rate}: accuracy {accuracy:.4f} after {tracker.energy_j or 0:,.1f} J")

    print(f'Next: trainwatt list --group {GROUP} --to "val_accuracy>=0.97" --sort to')


if __name__ == "__main__":
    main()
