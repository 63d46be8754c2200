"""A small training in which everything random takes part; also a script that another test kills.

As a script: `digits_training.py RUN [STOP]`. STOP is where it says "here" and waits to be killed:
`epoch 1` (the epoch's history and best model are written, its checkpoint is not yet) or `batch 3 5`
(epoch 3, batch 5).
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from dlkit.training import OneCycle, callbacks, set_seed

EPOCHS = 5
BATCHES = 15


def datasets():
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32").reshape(-1, 8, 8, 1)
    rows = tf.data.Dataset.from_tensor_slices((x[:480], y[:480]))
    train = rows.shuffle(480, seed=1, reshuffle_each_iteration=True).batch(32).prefetch(2)
    return train, tf.data.Dataset.from_tensor_slices((x[480:800], y[480:800])).batch(160)


def build():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(8, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.AdamW(OneCycle(0.01, EPOCHS * BATCHES)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train(run, watching=(), epochs=EPOCHS, **options):
    """Train in the run directory, with more callbacks before the one that saves."""
    set_seed(3)
    train_data, val = datasets()
    model = build()
    made = callbacks(run, data=train_data, tensorboard=False, **options)
    made = [*made[:-1], *watching, made[-1]]
    history = model.fit(train_data, validation_data=val, epochs=epochs, callbacks=made, verbose=0)
    return model, history


class WaitForTheEnd(keras.callbacks.Callback):
    def __init__(self, kind, epoch, batch=None):
        super().__init__()
        self.kind, self.at, self.batch, self.epoch = kind, int(epoch), int(batch or 0), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.kind == "batch" and (self.epoch, batch) == (self.at, self.batch):
            self.wait()

    def on_epoch_end(self, epoch, logs=None):
        if self.kind == "epoch" and epoch == self.at:
            self.wait()

    def wait(self):
        print("here", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    run, *stop = sys.argv[1:]
    model, history = train(run, [WaitForTheEnd(*stop)] if stop else [])
    np.savez(f"{run}/final.npz", *[variable.numpy() for variable in model.variables])
    print(f"trained {history.epoch}", flush=True)
