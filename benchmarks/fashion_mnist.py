"""Fashion-MNIST: accuracy and CPU seconds of `dlkit train cnn --data fashion_mnist`.

    python benchmarks/fashion_mnist.py                    # 3 seeds, the keras.io convnet, ablation
    python benchmarks/fashion_mnist.py --seeds 0 --no-ablation

Prints, and writes to benchmarks/results/fashion_mnist.json: the test accuracy after each epoch and
the CPU seconds that training had taken until then (this process's, all threads, evaluation left
out). CPU seconds compare fairly on a busy machine, where wall time does not.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from dlkit.cli.job import Job
from dlkit.data.arrays import sources
from dlkit.training import set_seed

RESULTS = pathlib.Path(__file__).parent / "results" / "fashion_mnist.json"
JOB = Job("cnn", "fashion_mnist")
# What each change takes away from the defaults, one at a time.
ABLATION = {
    "no flip": {"augment": False},
    "constant rate": {"schedule": "constant"},
    "no label smoothing": {"options": {"label_smoothing": 0.0}},
    "no dropout": {"options": {"dropout": 0.0}},
    "adam, no weight decay": {"options": {"optimizer": "adam"}},
    "pool last": {"options": {"order": "norm-act-pool"}},
    "no normalization": {"options": {"normalization": "none"}},
    "steps_per_execution 1": {"options": {"steps_per_execution": 1}},
}


class Clock(keras.callbacks.Callback):
    """Notes test accuracy and training CPU seconds after each epoch."""

    def __init__(self, test, stop_at=1.0):
        super().__init__()
        self.test, self.stop_at, self.epochs, self.aside = test, stop_at, [], 0.0

    def on_train_begin(self, logs=None):
        self.start = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        paused = time.process_time()
        accuracy = self.model.evaluate(*self.test, verbose=0, return_dict=True)["accuracy"]
        seconds = paused - self.start - self.aside
        self.aside += time.process_time() - paused
        self.epochs.append({"accuracy": accuracy, "cpu_seconds": round(seconds, 1)})
        print(f"  epoch {epoch + 1}: {accuracy:.4f} after {seconds:.0f} CPU s", flush=True)
        if accuracy >= self.stop_at:
            self.model.stop_training = True


def train_dlkit(seed, **changes):
    """Train as `dlkit train` does, without its run directory; return the epochs."""
    job = dataclasses.replace(JOB, seed=seed, **changes)
    set_seed(seed)
    data = job.load_data()
    model = job.build_model(data)
    clock = Clock((data.test,))
    model.fit(data.train, validation_data=data.val, epochs=job.epochs, verbose=0, callbacks=[clock])
    return clock.epochs


def train_keras_io(seed, goal):
    """Train keras.io's "Simple MNIST convnet" (F. Chollet 2015), as it stands there."""
    keras.utils.set_random_seed(seed)
    arrays = sources.read_arrays("fashion_mnist")
    x, test_x = (
        np.expand_dims(a.astype("float32") / 255, -1) for a in (arrays.inputs, arrays.test[0])
    )
    y, test_y = (keras.utils.to_categorical(a, 10) for a in (arrays.targets, arrays.test[1]))
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    clock = Clock((test_x, test_y), goal)
    model.fit(x, y, batch_size=128, epochs=30, validation_split=0.1, verbose=0, callbacks=[clock])
    return clock.epochs


def seconds_to(epochs, goal):
    """Return the CPU seconds at the end of the first epoch that reached `goal`."""
    return next((e["cpu_seconds"] for e in epochs if e["accuracy"] >= goal), None)


def main():
    """Run what was asked for, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--no-ablation", action="store_true", help="only the figures")
    arguments = parser.parse_args()
    results = {"defaults": [], "keras.io convnet": [], "ablation": {}}
    for seed in arguments.seeds:
        print(f"dlkit's defaults, seed {seed}", flush=True)
        results["defaults"].append(train_dlkit(seed))
        print(f"keras.io convnet, seed {seed}", flush=True)
        results["keras.io convnet"].append(train_keras_io(seed, 0.90))
    for name, changes in {} if arguments.no_ablation else ABLATION.items():
        print(f"without: {name}", flush=True)
        results["ablation"][name] = train_dlkit(arguments.seeds[0], **changes)

    finals = [epochs[-1]["accuracy"] for epochs in results["defaults"]]
    ours = [seconds_to(epochs, 0.91) for epochs in results["defaults"]]
    theirs = [seconds_to(epochs, 0.90) for epochs in results["keras.io convnet"]]
    print(f"\ntest accuracy, mean of {len(finals)} seeds: {statistics.mean(finals):.4f} {finals}")
    print(f"CPU seconds to 91%: dlkit {ours}; to 90%: keras.io convnet {theirs}")
    for name, epochs in results["ablation"].items():
        last = epochs[-1]
        print(
            f"{name:<24} {last['accuracy']:.4f} ({last['accuracy'] - finals[0]:+.4f}),"
            f" {last['cpu_seconds']:.0f} CPU s, 91% after {seconds_to(epochs, 0.91)}"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
