"""Rows beside random companions: does a request get what it gets alone, whatever runs it?

    python -m tests.serving.row_fuzzing --count 20000

exports small models of each kind of input, with twins where there are any, and answers random
requests as the server does, each alone and several of them joined. Rows are examples, much longer,
larger and smaller ones, and indices that are none. It fails for an answer that a companion has
changed, for one that differs from TensorFlow's, and for a request that one runtime refuses and
another answers.
"""

import argparse
import json
import pathlib
import random
import tempfile
import time
import types
from collections import Counter
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import layers, ops

from dlkit.export import saved_model
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version
from dlkit.serving.inference import batch_execution
from dlkit.serving.runtimes import export_manifest, selection
from dlkit.serving.wire.codec import Call
from dlkit.serving.wire.rest_json.predict import PREDICT

KEY = "serving_default"
WORDS = ("nice", "film", "bad", "a", "what", "ever")
IDS = (0, 1, 7, 48, 49, 50, 51, 99, -1, -2, -49, -50, -51, -52, -100, -101, 2**31 - 1, -(2**31))
SCALES = (0.0, 1e-30, 1.0, 1.0, 1.0, 30.0, -1e3, 1e6, 1e30, -1e30)
MODERATE = 1e4  # below it the runtimes' answers are compared, too; beyond, sums lose their digits


class BelowTheLargest(layers.Layer):
    """A layer whose rows mix, in a way that order and repetition do not show."""

    def call(self, x):
        return x - ops.max(x, axis=0)


def _text(chance):
    return " ".join(chance.choices(WORDS, k=chance.choice((0, 1, 1, 2, 5, 80, 300)))).encode()


def _float(chance, shape):
    scale = chance.choice(SCALES)
    return scale * np.array([chance.uniform(-1, 1) for _ in range(np.prod(shape))]).reshape(shape)


def _id(chance, shape):
    odd = chance.random() < 0.1
    values = [chance.choice(IDS) if odd else chance.randrange(50) for _ in range(np.prod(shape))]
    return np.array(values).reshape(shape)


def _byte(chance, shape):
    low = chance.choice((0, 0, 128, 255))
    return np.array([chance.randint(low, 255) for _ in range(np.prod(shape))]).reshape(shape)


def _models():
    """Yield name, model, input name -> (how a row is made, its shape, its type), and runtimes."""
    every = ("onnx", "litert", "onnx_dynamic")
    x = keras.Input((4,), name="x")
    dense = layers.Dense(3)(layers.Dense(16, activation="relu")(x))
    yield "floats", keras.Model(x, dense), {"x": (_float, (4,), "float32")}, every
    x = keras.Input((1,), name="x")
    yield "largest", keras.Model(x, BelowTheLargest()(x)), {"x": (_float, (1,), "float32")}, every
    x = keras.Input((6, 6, 1), dtype="uint8", name="x")
    y = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(x))
    y = layers.Dense(3, activation="softmax")(layers.Flatten()(y))
    yield "picture", keras.Model(x, y), {"x": (_byte, (6, 6, 1), "uint8")}, every
    x = keras.Input((5,), dtype="int32", name="x")
    y = layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.Embedding(50, 3)(x)))
    yield "ids", keras.Model(x, y), {"x": (_id, (5,), "int32")}, every
    wide, user = keras.Input((3,), name="wide"), keras.Input((1,), dtype="int64", name="user")
    both = layers.Concatenate()([wide, layers.Flatten()(layers.Embedding(50, 2)(user))])
    makers = {"wide": (_float, (3,), "float32"), "user": (_id, (1,), "int64")}
    yield "two inputs", keras.Model([wide, user], layers.Dense(2)(both)), makers, every
    for length in (None, 8):
        words = layers.TextVectorization(vocabulary=WORDS[:4], output_sequence_length=length)
        x = keras.Input((), dtype="string", name="x")
        y = layers.GlobalAveragePooling1D()(layers.Embedding(6, 3)(words(x)))
        makers = {"x": (lambda chance, _: _text(chance), (), object)}
        yield f"texts of {length or 'any'} words", keras.Model(x, y), makers, ()


@dataclass
class Served:
    """A model as it is served: how its rows are made, and a version for each runtime."""

    makers: dict
    versions: dict

    def request(self, chance):
        rows = chance.choice((1, 1, 1, 2, 3))
        return {
            name: np.array([make(chance, shape) for _ in range(rows)], dtype).reshape(rows, *shape)
            for name, (make, shape, dtype) in self.makers.items()
        }


@dataclass
class Found:
    """What a run has found: how often each thing happened, and what should not have."""

    counts: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def serve(folder):
    """Export each model into a folder and load it with each of its runtimes, by name."""
    keras.utils.set_random_seed(0)
    chance, served = random.Random(0), {}
    for name, model, makers, runtimes in _models():
        rows = {
            key: np.array([_example(make, chance, shape) for _ in range(16)], dtype)
            for key, (make, shape, dtype) in makers.items()
        }
        data = types.SimpleNamespace(
            examples=(rows, None), input_spec=None, preprocessing=None, task=None
        )
        path = saved_model(model, pathlib.Path(folder, name), data, runtimes=runtimes)
        told = export_manifest.read_manifest(path)
        loaded = {
            runtime: Version(
                1, path, runtime=selection.load_runtime(path, Settings(runtime=runtime), told)
            )
            for runtime in ("tensorflow", *runtimes)
        }
        served[name] = Served(makers, loaded)
    return served


def _example(make, chance, shape):
    """Return a row as one of the data is: no number out of the way, and no index that is none."""
    while True:
        row = make(chance, shape)
        if isinstance(row, bytes) or make is _byte or -50 < np.min(row) <= np.max(row) < 50:
            return abs(row) if make is _id else row


def fuzz(served, count, seed, found=None):
    """Send `count` random groups of requests; return what came of them."""
    chance, found = random.Random(seed), found or Found()
    for _ in range(count):
        name = chance.choice(list(served))
        model = served[name]
        requests = [model.request(chance) for _ in range(chance.randint(2, 8))]
        reference = None
        for runtime, version in model.versions.items():
            alone = [_answers(version, [request])[0] for request in requests]
            joinable = KEY in version.runtime.rowwise
            together = _answers(version, requests) if joinable else alone
            reference = reference or alone
            for request, one, other, first in zip(
                requests, alone, together, reference, strict=True
            ):
                found.counts[runtime, "joined" if joinable else "alone", type(one).__name__] += 1
                if not _same(one, other):
                    found.faults.append(f"{name} by {runtime}, {request}: {one} alone, not {other}")
                quantized = runtime == "onnx_dynamic"
                if isinstance(one, str) != isinstance(first, str) or (
                    not quantized and _is_moderate(request) and not _same(one, first)
                ):
                    found.faults.append(f"{name} by {runtime}, {request}: {one}, not {first}")
    return found


def _answers(version, requests):
    """Return an array for each request, or the code of its refusal."""
    calls = [Call(KEY, inputs, True) for inputs in requests]  # True: in rows
    tasks = [batch_execution.Task(version, PREDICT, call, print) for call in calls]
    batch_execution.run_tasks(tasks, alone=True)
    return [
        task.found.code
        if isinstance(task.found, StatusError)
        else np.array(json.loads(task.found)["predictions"])
        for task in tasks
    ]


def _is_moderate(request):
    return all(a.dtype.kind != "f" or np.max(np.abs(a)) < MODERATE for a in request.values())


def _same(one, other):
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    if one.shape != other.shape:
        return False
    scale = max(1.0, np.max(np.abs(one), where=np.isfinite(one), initial=0))
    return np.allclose(one, other, rtol=1e-4, atol=1e-4 * scale, equal_nan=True)


def main():
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(serve(folder), options.count, options.seed)
    for what, times in sorted(found.counts.items()):
        print(*what, times)
    for fault in found.faults[:20]:
        print(fault)
    print(f"{options.count} cases, {time.monotonic() - start:.0f} s; {len(found.faults)} faults")
    return 1 if found.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
