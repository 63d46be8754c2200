"""Train every configuration of a grid once, and keep its score after each epoch.

`benchmarks/search_regret.py` searches the file that this writes, so that a strategy can be tried
with many seeds in seconds: 576 configurations of `mlp` on the digits, 27 epochs each.

    python benchmarks/search_scores.py [benchmarks/search_scores.npz]
"""

import itertools
import pathlib
import sys
import time

import keras
import numpy as np

import dlkit as dk

SPACE = {
    "learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1],
    "units": [(16,), (64,), (256,), (64, 64)],
    "normalization": ["none", "batch", "layer"],
    "dropout": [0.0, 0.3, 0.6],
    "batch_size": [32, 128],
}
EPOCHS = 27


def train(values, data):
    """Return the validation loss after each epoch."""
    options = {name: value for name, value in values.items() if name != "batch_size"}
    keras.backend.clear_session()
    model = dk.models.build("mlp", data, seed=0, **options)
    keras.utils.set_random_seed(0)
    history = model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=0)
    return history.history["val_loss"]


def main(path="benchmarks/search_scores.npz"):
    sets = {
        size: dk.data.load("digits", batch_size=size, val_fraction=0.4, augment=False)
        for size in SPACE["batch_size"]
    }
    scores, began = [], time.monotonic()
    grid = list(itertools.product(*SPACE.values()))
    for number, choice in enumerate(grid, 1):
        values = dict(zip(SPACE, choice, strict=True))
        scores.append(train(values, sets[values["batch_size"]]))
        if number % 20 == 0:
            left = (time.monotonic() - began) / number * (len(grid) - number)
            print(f"{number} of {len(grid)}, {left / 60:.0f} minutes left", flush=True)
    names = np.array([repr(dict(zip(SPACE, choice, strict=True))) for choice in grid])
    np.savez_compressed(pathlib.Path(path), values=names, losses=np.array(scores, np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:])
