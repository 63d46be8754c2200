#!/usr/bin/env bash
# keras 3.15.1 on JAX 0.10.2. sparsemax (Martins and Astudillo 2016) is the point of the simplex that
# is closest to the logits, so its values add up to 1. Where two or more values are above 0, Keras's
# do not: the threshold is made of the sum of the cumulative sums over the support, not of the last
# of them.
# Seen: [1, 1] gives [0, 0], where [0.5, 0.5] is right; [0.1, 0.2, 0.3] adds up to 0.233.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def sparsemax(logits):
    """Return the projection by bisection: the threshold at which the rest adds up to 1."""
    low, high = min(logits) - 1, max(logits)
    for _ in range(100):
        middle = (low + high) / 2
        if np.maximum(logits - middle, 0).sum() > 1:
            low = middle
        else:
            high = middle
    return np.maximum(logits - high, 0)


wrong = 0
for logits in ([3.0, 1.0, 0.2], [1.0, 1.0], [0.1, 0.2, 0.3]):
    keras_has = np.asarray(keras.activations.sparsemax(np.array([logits], "float32")))[0]
    right = sparsemax(np.array(logits))
    wrong += not np.allclose(keras_has, right, atol=1e-5)
    print(f"keras {keras.__version__} {logits}: {keras_has.round(3)}, right {right.round(3)}")
raise SystemExit(wrong != 2)
PYTHON
