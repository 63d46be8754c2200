#!/usr/bin/env bash
# keras 3.15.1. An initializer that scales a kernel by its fan in draws that of DepthwiseConv2D too
# small by the square root of the number of channels: an output sees the 9 inputs of one channel,
# and Keras counts those of all channels, 9 times 256. Nothing tells; batch normalization hides it in
# training, and without it the maps of a deep network fade. SeparableConv2D has the same kernel.
# Seen: a standard deviation of 0.030 where He et al. ask for sqrt(2 / 9) = 0.471.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

found = {}
for name, layer in (
    ("DepthwiseConv2D", keras.layers.DepthwiseConv2D(3, depthwise_initializer="he_normal")),
    ("SeparableConv2D", keras.layers.SeparableConv2D(8, 3, depthwise_initializer="he_normal")),
):
    layer.build((None, 8, 8, 256))
    kernel = next(weight for weight in layer.weights if weight.shape == (3, 3, 256, 1))
    found[name] = float(np.std(np.asarray(kernel)))
print("keras", keras.__version__, {name: round(value, 3) for name, value in found.items()})
print("wanted", round(float(np.sqrt(2 / 9)), 3))
raise SystemExit(not all(abs(value - np.sqrt(2 / 9 / 256)) < 0.003 for value in found.values()))
PYTHON
