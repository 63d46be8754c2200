"""What a trial of `dlkit.tuning.search` costs beside one of KerasTuner alone.

Both search the same function of `hp` on the same batches with the same seeds, by turns; the figure
is the ratio of CPU seconds a trial, the median over rounds.

    python benchmarks/search_overhead.py [--rounds 5] [--trials 8]
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time

import keras
import keras_tuner

import dlkit as dk


def model(hp):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    network.add(keras.layers.Dense(hp.Int("units", 16, 256, step=16), "relu"))
    network.add(keras.layers.Dense(10, "softmax"))
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    optimizer = keras.optimizers.Adam(rate)
    network.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def by_kerastuner(data, trials, epochs):
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        tuner = keras_tuner.RandomSearch(
            model,
            objective=keras_tuner.Objective("val_accuracy", "max"),
            max_trials=trials,
            seed=1,
            directory=folder,
        )
        began = time.process_time()
        tuner.search(data.train, validation_data=data.val, epochs=epochs, verbose=0)
        return (time.process_time() - began) / trials


def by_dlkit(data, trials, epochs):
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        began = time.process_time()
        dk.tuning.search(
            model,
            data,
            strategy="random",
            max_trials=trials,
            epochs=epochs,
            directory=folder,
        )
        return (time.process_time() - began) / trials


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    data = dk.data.load("digits", augment=False)
    by_dlkit(data, 2, 1)  # what is loaded at the first call
    ratios = []
    for _ in range(given.rounds):
        ours = by_dlkit(data, given.trials, given.epochs)
        theirs = by_kerastuner(data, given.trials, given.epochs)
        ratios.append(ours / theirs)
        print(f"CPU seconds a trial: {ours:.3f} dlkit, {theirs:.3f} KerasTuner, {ratios[-1]:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
