"""Windows a second of a series in memory, through dlkit and as Keras's guides make them.

    DLKIT_DATA=/folder/of/the/data/sets python benchmarks/series_pipeline.py

Both sides give shuffled batches of 64 windows of ETTh1's training span, 96 hours of 7 standardised
variables, and the oil temperature of the 24 hours behind them. Keras:
`timeseries_dataset_from_array` on windows of 120 hours, each batch then split in two. The sides
take turns, an epoch each, after a first epoch that is not counted.
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
import tensorflow as tf

import dlkit as dk

RESULTS = pathlib.Path(__file__).parent / "results" / "series_pipeline.json"
WINDOW, HORIZON, BATCH = 96, 24, 64


def by_keras(data):
    """Return the batches of the recipe in Keras's and TensorFlow's guides."""
    windows = data.preprocessing(data.origin.raw(data.origin.split.train[::WINDOW])).numpy()
    # The training span in one piece; its first hours stand in for the few behind the last window.
    steps = len(data.origin.split.train) + WINDOW + HORIZON - 1
    span = np.resize(windows.reshape(-1, windows.shape[-1]), (steps, windows.shape[-1]))
    whole = keras.utils.timeseries_dataset_from_array(
        span, None, WINDOW + HORIZON, batch_size=BATCH, shuffle=True, seed=0
    )
    oil = data.feature_names.index("OT")
    divided = whole.map(lambda part: (part[:, :WINDOW], part[:, WINDOW:, oil]))
    return divided.prefetch(tf.data.AUTOTUNE)


def epoch(batches):
    """Return the CPU and wall seconds of an epoch, and its windows."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = sum(len(targets) for _, targets in batches)
    return time.process_time() - cpu, time.perf_counter() - wall, count


def main():
    """Measure both sides, print the medians and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    data = dk.data.load("etth1", window=WINDOW, horizon=HORIZON, batch_size=BATCH)
    sides = {"dlkit": data.train, "Keras": by_keras(data)}
    counts = {name: epoch(batches)[2] for name, batches in sides.items()}
    if len(set(counts.values())) > 1:
        raise SystemExit(f"The sides give different numbers of windows: {counts}.")
    taken = {name: [] for name in sides}
    for turn in range(rounds):
        for name in sorted(sides, reverse=turn % 2 == 1):
            taken[name].append(epoch(sides[name])[:2])
    results = {"windows": counts["dlkit"], "rounds": rounds}
    for place, kind in enumerate(("cpu", "wall")):
        seconds = {name: [one[place] for one in pairs] for name, pairs in taken.items()}
        ratios = [k / d for k, d in zip(seconds["Keras"], seconds["dlkit"], strict=True)]
        results[kind] = {
            **{name: round(statistics.median(values), 4) for name, values in seconds.items()},
            "ratio": round(statistics.median(ratios), 1),
            "ratios": [round(min(ratios), 1), round(max(ratios), 1)],
        }
        print(f"{kind} seconds an epoch:", json.dumps(results[kind]))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
