"""Train a small network on handwritten digits with Keras on PyTorch, and print its energy: python examples/keras_digits.py"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from digits import SEED, report
from sklearn.datasets import load_digits

from trainwatt.integrations.keras import EnergyCallback


def main() -> None:
    """Train, validate after each epoch, and print the energy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    epochs: int = parser.parse_args().epochs

    keras.utils.set_random_seed(SEED)
    digits = load_digits()
    images, labels = digits.images[..., None].astype("float32") / 16, digits.target
    half = len(images) // 2

    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(128, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])

    # This is all. The callback takes the arguments of EnergyTracker.
    energy = EnergyCallback(project="digits", name="keras_digits")
    history = model.fit(
        images[:half],
        labels[:half],
        batch_size=16,
        epochs=epochs,
        validation_data=(images[half:], labels[half:]),
        callbacks=[energy],
        verbose=0,
    )

    report(energy.summary(), epochs, history.history["val_accuracy"][-1])


if __name__ == "__main__":
    main()
