#!/usr/bin/env bash
# keras 3.15.1 on JAX 0.10.2. A binary classifier answers (n, 1), and labels are often (n,). The loss
# "hinge" fits the two to each other; the metric keras.metrics.Hinge compares each label with each
# answer, n x n pairs, without a word.
# Seen: labels [0, 1, 1] and answers [0.9, 0.2, 0.8] have a hinge of 0.789; of shape (n, 1), 0.967.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

labels, answers = np.array([0, 1, 1]), np.array([[0.9], [0.2], [0.8]])
right = np.maximum(1 - (2 * labels - 1) * answers[:, 0], 0).mean()


def hinge(targets):
    metric = keras.metrics.Hinge()
    metric.update_state(targets, answers)
    return float(metric.result())


flat, column = hinge(labels), hinge(labels[:, None])
print(f"keras {keras.__version__}: (n,) {flat:.3f}, (n, 1) {column:.3f}, right {right:.3f}")
raise SystemExit(not (np.isclose(column, right) and abs(flat - right) > 0.1))
PYTHON
