#!/usr/bin/env bash
# keras 3.15.1 on TensorFlow 2.21.0. A token that stands in a batch several times gets another step
# than on JAX 0.10.2: the gradient of `Embedding` is a list with an entry for each place, and Keras's
# optimizers square the entries, and take their norm, before they are added up. Adam's steps of
# frequent tokens are too large by up to the root of their count, and clipping cuts by another norm.
# A plain SGD step, which is linear, is the same.
# Seen: the first step of Adagrad for a token that stands there four times is twice as long.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow-cpu==2.21.0 jax==0.10.2 numpy==2.4.6
cat >"$folder/step.py" <<'PYTHON'
import json

import keras
import numpy as np

moved = {}
for optimizer in (
    keras.optimizers.SGD(0.1),
    keras.optimizers.SGD(0.1, global_clipnorm=0.1, name="clipped"),
    keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.0),
    keras.optimizers.Adam(0.1, epsilon=0.01),
):
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(3, 2, embeddings_initializer="ones"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(1, kernel_initializer="ones"),
        ]
    )
    model.compile(optimizer, "mse")
    model.train_on_batch(np.array([[1, 1, 1, 1]]), np.zeros((1, 1)))
    moved[optimizer.name] = float(1 - np.array(model.layers[0].get_weights()[0])[1, 0])
print(json.dumps(moved))
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= JAX_PLATFORMS=cpu
for backend in tensorflow jax; do
    KERAS_BACKEND=$backend "$folder/venv/bin/python" "$folder/step.py" >"$folder/$backend"
    echo "$backend: $(cat "$folder/$backend")"
done
"$folder/venv/bin/python" - "$folder/tensorflow" "$folder/jax" <<'PYTHON'
import json
import sys

tensorflow, jax = (json.load(open(path)) for path in sys.argv[1:])
ratios = {name: tensorflow[name] / jax[name] for name in jax}
print("A step on TensorFlow in those of JAX:", {n: round(r, 3) for n, r in ratios.items()})
assert abs(ratios["sgd"] - 1) < 1e-4
assert abs(ratios["adagrad"] - 2) < 0.01
assert all(abs(ratios[name] - 1) > 0.02 for name in ("adam", "clipped"))
PYTHON
