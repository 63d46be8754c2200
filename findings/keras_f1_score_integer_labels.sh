#!/usr/bin/env bash
# keras 3.15.1 on JAX 0.10.2. F1Score wants one-hot labels. Given whole numbers of shape (n, 1), as
# many pipelines have them, it broadcasts them against the predictions instead of refusing them, and
# perfect predictions of three classes have a macro F1 of 0.5. Whole numbers of shape (n,) raise.
# Seen: one-hot 1.0, whole numbers of shape (6, 1) 0.5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

labels = np.array([0, 1, 2, 0, 1, 2])
one_hot = np.eye(3, dtype="float32")[labels]


def f1(targets):
    metric = keras.metrics.F1Score(average="macro")
    metric.update_state(targets, one_hot)  # perfect predictions
    return float(metric.result())


seen = {"one-hot": f1(one_hot), "whole numbers (6, 1)": f1(labels[:, None])}
print("keras", keras.__version__, seen)
raise SystemExit(seen != {"one-hot": 1.0, "whole numbers (6, 1)": 0.5})
PYTHON
