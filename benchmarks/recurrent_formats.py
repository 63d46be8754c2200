"""A recurrent network in ONNX: which nodes it becomes, and the time of a row beside its twins.

    python benchmarks/recurrent_formats.py [--length 64] [--rounds 9]

The same untrained network, 64 units, by kind of cell: over a series of numbers, and over tokens,
whose padding is masked. ONNX Runtime runs each with one thread; they take turns, a round of calls
each, after a round that is not counted; the figure is the median of the rounds' mean time a call.
"""

import argparse
import collections
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnx
import onnxruntime

import dlkit as dk

CELLS = ("lstm", "gru", "simple")


def nodes(graph):
    """Return how often each kind of node stands in a graph and in the bodies of its loops."""
    found = collections.Counter()
    for node in graph.node:
        found[node.op_type] += 1
        for attribute in node.attribute:
            found += nodes(attribute.g)
    return found


def networks(length):
    """Return name -> a network and a row for it."""
    row = np.random.default_rng(0).integers(1, 1000, (1, length)).astype("int32")
    row[:, -length // 4 :] = 0
    inputs = {
        "series": ((length, 8), {}, np.ones((1, length, 8), "float32")),
        "tokens": ((length,), {"vocab_size": 1000}, row),
    }
    built = {
        f"{kind} {cell}": (dk.models.rnn(shape, 4, cell=cell, seed=0, **options), x)
        for kind, (shape, options, x) in inputs.items()
        for cell in CELLS
    }
    for kind, (shape, options, x) in inputs.items():
        built[f"{kind} temporal_cnn"] = dk.models.temporal_cnn(shape, 4, seed=0, **options), x
    return built


def caller(path, x):
    """Return a function that runs a file on one row."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return lambda: session.run(None, {taken.name: x})


def main():
    """Export and time each, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=100)
    given = parser.parse_args()
    calls, kinds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (model, x) in networks(given.length).items():
            path = dk.export.onnx(model, pathlib.Path(folder, f"{name}.onnx"))
            calls[name] = caller(path, x)
            kinds[name] = nodes(onnx.load(path).graph)
    times = {name: [] for name in calls}
    for _ in range(given.rounds + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(given.calls):
                call()
            times[name].append(1e6 * (time.perf_counter() - start) / given.calls)
    print(f"{'network':<20} {'LSTM':>5} {'GRU':>5} {'Loop':>5} {'nodes':>6} {'us a row':>9}")
    for name, found in kinds.items():
        counted = " ".join(f"{found[kind]:>5}" for kind in ("LSTM", "GRU", "Loop"))
        row = statistics.median(times[name][1:])
        print(f"{name:<20} {counted} {found.total():>6} {row:>9.1f}")


if __name__ == "__main__":
    main()
