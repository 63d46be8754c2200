#!/usr/bin/env bash
# keras 3.15.1 with TensorFlow 2.21.0 and with jax 0.10.2. RematScope is to recompute the activations
# of layers that are called under it. A functional model of dense layers and dropout, made under it,
# cannot be trained by `fit` on TensorFlow, since tf.recompute_grad takes no keyword arguments in a
# graph, and Keras gives it `training`; nor on JAX, where jax.checkpoint gets it as an argument that
# it would trace.
# Seen: errors on both, and the same model without the scope is trained.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    tensorflow-cpu==2.21.0 jax==0.10.2 jaxlib==0.10.2
cat >"$folder/fit.py" <<'PYTHON'
import contextlib

import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
failed = []
for scope in (contextlib.nullcontext(), keras.RematScope("full")):
    with scope:
        inputs = keras.Input((4,))
        hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(8)(inputs))
        model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile("sgd", "mse")
    try:
        model.fit(x, x[:, :1], verbose=0)
        failed.append("")
    except Exception as error:
        failed.append(" ".join(str(error).split()))
print(f"keras {keras.__version__} on {keras.backend.backend()}: {failed[0] or 'trained'} without,"
      f" and with the scope: {failed[1][:640] or 'trained'}")
raise SystemExit(bool(failed[0]) or not failed[1])
PYTHON
for backend in tensorflow jax; do
    TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= KERAS_BACKEND=$backend \
        "$folder/venv/bin/python" "$folder/fit.py" 2>/dev/null
done
