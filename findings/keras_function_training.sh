#!/usr/bin/env bash
# keras 3.15.1. A layer whose `call` has `training=False` for a default, as Dropout, is put into a
# graph with that value. `keras.Model` gives it another when it is called; `keras.Function` does not,
# so that no layer around it can train with dropout: not with `training=True`, and without a word.
# BatchNormalization, whose default is None, does what the call around it says.
# Seen: Dropout(0.5) in a Function, called by a layer in training, leaves all values as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


class Around(keras.layers.Layer):
    def __init__(self, graph):
        super().__init__()
        self.graph = graph

    def call(self, x, training=None):
        return self.graph(x)


inputs = keras.Input((1000,))
outputs = keras.layers.Dropout(0.5)(inputs)
ones = np.ones((1, 1000), "float32")
zeros = {
    kind.__name__: int((np.asarray(Around(kind(inputs, outputs))(ones, training=True)) == 0).sum())
    for kind in (keras.Function, keras.Model)
}
print("keras", keras.__version__, "zeros of 1000 values in training:", zeros)
raise SystemExit(not (zeros["Function"] == 0 and 400 < zeros["Model"] < 600))
PYTHON
