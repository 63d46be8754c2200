#!/usr/bin/env bash
# keras 3.15.1 on tensorflow 2.21.0. `model.trainable = True` on a model whose own flag is True
# already does nothing: a frozen model inside stays frozen, and nothing says so. On JAX the same line
# sets every layer, as its documentation says. TensorFlow's base class returns where an attribute is
# given the value that it has, before the property's setter is reached.
# Seen: tensorflow 2 trainable weights, jax 4.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow==2.21.0 jax==0.10.2 jaxlib==0.10.2
for backend in tensorflow jax; do
    KERAS_BACKEND=$backend TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras

inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
inner.trainable = False
model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)])
model.trainable = True
backend, count = keras.backend.backend(), len(model.trainable_weights)
print("keras", keras.__version__, backend, count)
raise SystemExit(count != {"tensorflow": 2, "jax": 4}[backend])
PYTHON
done
