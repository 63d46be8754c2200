#!/usr/bin/env bash
# keras 3.15.1 on JAX 0.10.2. The docstring of MultiOptimizer maps optimizers by the pattern
# "encoder/.*". Variables of a sub-model named "encoder" have paths without its name in a functional
# model ("dense/kernel"), and a layer named "encoder" in a Sequential has one before it
# ("sequential/encoder/kernel"). The pattern then matches nothing, without a word: that optimizer
# makes no step, and the default one trains everything.
# Seen: 0 steps of the encoder's optimizer in both models, 1 of the default's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from keras import layers, optimizers

inputs = keras.Input((3,))
encoder = keras.Model(inputs, layers.Dense(4)(inputs), name="encoder")
functional = keras.Model(inputs, layers.Dense(1)(encoder(inputs)))
sequential = keras.Sequential(
    [keras.Input((3,)), layers.Dense(4, name="encoder"), layers.Dense(1)], name="sequential"
)


def steps(model):
    """Return how many steps the encoder's and the default optimizer made in one batch."""
    by_path = optimizers.OptimizerMap(default_optimizer=optimizers.SGD(0.1))
    by_path["encoder/.*"] = optimizers.Adam(0.1)
    model.compile(optimizer=optimizers.MultiOptimizer(by_path), loss="mse")
    model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
    print([variable.path for variable in model.trainable_variables])
    return [int(optimizer.iterations) for optimizer in model.optimizer.optimizers]


seen = {"functional": steps(functional), "sequential": steps(sequential)}
print("keras", keras.__version__, "steps of [encoder's, default] optimizer:", seen)
raise SystemExit(seen != {"functional": [0, 1], "sequential": [0, 1]})
PYTHON
