#!/usr/bin/env bash
# keras 3.15.1 on TensorFlow 2.21.0. The first `fit` of a model traces its training step twice: the
# first step makes the optimizer's variables, after which tf.function traces it again. Once the
# optimizer is built, by `model.optimizer.build(model.trainable_variables)`, it traces once. The
# seconds that it prints are told and not checked.
# Seen: 2 traces, and 1 with the optimizer built.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow-cpu==2.21.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - <<'PYTHON'
import time

import keras
import numpy as np
from keras import layers


class Counted(keras.Model):
    """Counts how often its training step is traced."""

    traces = 0

    def train_step(self, data):
        self.traces += 1
        return super().train_step(data)


def traces(built):
    """Return the traces of a first `fit`, and its seconds."""
    inputs = keras.Input((8,))
    outputs = inputs
    for _ in range(10):
        outputs = layers.Dense(8, activation="relu")(outputs)
    model = Counted(inputs, outputs)
    model.compile("adam", "mse")
    if built:
        model.optimizer.build(model.trainable_variables)
    began = time.perf_counter()
    model.fit(np.ones((64, 8)), np.ones((64, 8)), batch_size=8, verbose=0)
    return model.traces, time.perf_counter() - began


traces(False)  # the first of a process takes longer
(plain, seconds), (built, fewer) = traces(False), traces(True)
print("keras", keras.__version__, f"traces: {plain}, with the optimizer built {built}", end="; ")
print(f"{seconds:.1f} s and {fewer:.1f} s")
raise SystemExit((plain, built) != (2, 1))
PYTHON
