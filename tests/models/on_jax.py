"""Load models that TensorFlow has saved, on JAX, and tell what they predict and learn.

    KERAS_BACKEND=jax python -m tests.models.on_jax FOLDER     # NAME.keras and NAME.npz of each

Prints a line of JSON a model: its name, how far its predictions are from those in the file, the
loss of its first step, how far that is from the file's step, in parts of the longest, and the paths
of the weights that it left as they were. Then the losses of a network without and with
`rematerialize=True`, and whether TensorFlow was imported.
"""

import json
import pathlib
import sys

import keras
import numpy as np

import dlkit as dk


def pack(name, value):
    """Return an array, or several by name, as entries of a file."""
    if isinstance(value, dict):
        return {f"{name}/{key}": array for key, array in value.items()}
    return {name: value}


def unpack(name, held):
    """Return what `pack` was given."""
    if name in held:
        return held[name]
    return {key.removeprefix(f"{name}/"): held[key] for key in held if key.startswith(f"{name}/")}


def values(weights):
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def furthest(one, other):
    """Return the largest difference, of arrays alone or by name."""
    off = keras.tree.map_structure(lambda a, b: np.abs(a - b).max(), one, other)
    return float(max(keras.tree.flatten(off)))


def rematerialized(on):
    """Return the losses of a network with batch statistics and dropout."""
    options = {"units": (8,) * 5, "normalization": "batch", "dropout": 0.3, "seed": 1}
    model = dk.models.mlp((4,), 3, rematerialize=on, **options)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    steps = model.fit(x, np.arange(8) % 3, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return steps.history["loss"]


def main(folder):
    for path in sorted(pathlib.Path(folder).glob("*.keras")):
        held = np.load(path.with_suffix(".npz"))
        model = dk.models.load(path)
        model.jit_compile = True  # once: each operation by itself takes longer
        off = furthest(model.predict_on_batch(held["x"]), unpack("predicted", held))
        before = values(model.trainable_weights)
        loss = float(model.train_on_batch(held["x"], unpack("y", held), return_dict=True)["loss"])
        moved = [
            new - old for new, old in zip(values(model.trainable_weights), before, strict=True)
        ]
        wanted = [held[f"after/{place}"] - old for place, old in enumerate(before)]
        longest = max(np.abs(step).max() for step in wanted)
        # What a softmax forgets, as the bias of a transformer's keys, moves by rounding alone.
        left = [
            weight.path
            for weight, step, other in zip(model.trainable_weights, moved, wanted, strict=True)
            if not step.any() and np.abs(other).max() > 1e-6 * longest
        ]
        step = furthest(moved, wanted) / float(longest)
        print(json.dumps([path.stem, off, loss, step, left]), flush=True)
    print(json.dumps([rematerialized(on) for on in (False, True)]))
    print(json.dumps("tensorflow" in sys.modules))


if __name__ == "__main__":
    main(sys.argv[1])
