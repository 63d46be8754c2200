"""`fit` through dlkit beside the same network compiled and fed as Keras does by default.

    python benchmarks/fit_speed.py                 # mlp and cnn at batch 32 and 64
    python benchmarks/fit_speed.py --models mlp --batch-sizes 32 --rounds 9
    python benchmarks/fit_speed.py --models resnet vit --examples 1024 --batch-sizes 64 --rounds 3
    python benchmarks/fit_speed.py --models rnn temporal_cnn --data ag_news --batch-sizes 64
    python benchmarks/fit_speed.py --models linear_forecast --data etth1
    python benchmarks/fit_speed.py --models tabular --data adult

Both sides train the same layers with the same optimizer and loss on the same Fashion-MNIST images,
or the texts of a named set, cut to the length that 95% of them have, windows of ETTh1, or the rows
of a table.
By hand: NumPy arrays, `compile(optimizer, loss, metrics)`, `fit(x, y, batch_size)`. dlkit:
`models.build` and `fit(data.train)`, no augmentation. The two take turns, an epoch each; the median
of the epochs' wall times and of the ratios of neighbours is printed. The first epoch, which traces
and compiles, is shown by itself.
"""

import argparse
import json
import os
import pathlib
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import dlkit as dk
from dlkit.data.arrays import sources

RESULTS = pathlib.Path(__file__).parent / "results" / "fit_speed.json"


def by_hand(model, data):
    """Return a function that trains a copy of `model` for an epoch as Keras does by default."""
    copy = keras.models.clone_model(model)
    copy.compile(
        optimizer=type(model.optimizer).from_config(model.optimizer.get_config()),
        loss=model.loss,
        metrics=["mae" if data.task == "regression" else "accuracy"],
    )
    x, y = (np.concatenate(part) for part in zip(*data.train.as_numpy_iterator(), strict=True))
    size = len(next(data.train.as_numpy_iterator())[0])
    return lambda: copy.fit(x, y, batch_size=size, verbose=0)


def load(name, batch_size, examples):
    """Return texts, the first of the images, or as many windows, of 96 hours and 96 to forecast."""
    if name == "etth1":
        stride = -(-8449 // examples)  # so many windows train at a stride of 1
        options = {"window": 96, "horizon": 96, "targets": None, "val_fraction": 0.25}
        return dk.data.load(name, batch_size=batch_size, stride=stride, **options)
    if name != "fashion_mnist":
        return dk.data.load(name, val_fraction=0, batch_size=batch_size, augment=False)
    arrays = sources.read_arrays(name)
    return dk.data.from_arrays(
        arrays.inputs[:examples],
        arrays.targets[:examples],
        test=arrays.test,
        val_fraction=0,
        batch_size=batch_size,
    )


def measure(name, data, rounds):
    """Return the seconds of each epoch on both sides, the compiling one first."""
    model = dk.models.build(name, data, seed=0)
    sides = {"by hand": by_hand(model, data), "dlkit": lambda: model.fit(data.train, verbose=0)}
    seconds = {side: [] for side in sides}
    for index in range(rounds + 1):
        order = list(sides) if index % 2 else list(reversed(sides))
        for side in order:
            start = time.perf_counter()
            sides[side]()
            seconds[side].append(time.perf_counter() - start)
    return seconds


def main():
    """Measure, print a table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn"])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--examples", type=int, default=10_000)
    arguments = parser.parse_args()
    results = []
    print(f"{'model':<12}{'batch':>6}{'by hand s':>11}{'dlkit s':>9}{'ratio':>7}  first epochs s")
    for name in arguments.models:
        for batch_size in arguments.batch_sizes:
            data = load(arguments.data, batch_size, arguments.examples)
            seconds = measure(name, data, arguments.rounds)
            hand, ours = seconds["by hand"], seconds["dlkit"]
            ratio = statistics.median(h / o for h, o in zip(hand[1:], ours[1:], strict=True))
            results.append({"model": name, "batch_size": batch_size, "ratio": ratio, **seconds})
            print(
                f"{name:<12}{batch_size:>6}{statistics.median(hand[1:]):>11.2f}"
                f"{statistics.median(ours[1:]):>9.2f}{ratio:>7.2f}"
                f"  {hand[0]:.1f} by hand, {ours[0]:.1f} dlkit",
                flush=True,
            )
    if arguments.models == parser.get_default("models"):
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
