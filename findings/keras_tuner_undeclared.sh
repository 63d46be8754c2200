#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. It imports packages that it does not require: six, which
# TensorFlow brings and JAX does not, and on TensorFlow tensorboard, which TensorFlow 2.21 no longer
# brings. Without six it cannot be imported; without tensorboard each trial fails.
# Seen: No module named 'six' beside JAX, and beside TensorFlow a trial that FAILED, of whose
# message the last line is No module named 'tensorboard'.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2
alone=$(KERAS_BACKEND=jax "$folder/venv/bin/python" -c "import keras_tuner" 2>&1 | tail -n1) || true
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - "$alone" <<'PYTHON'
import sys

import keras
import keras_tuner
import numpy as np


def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 0.01, 0.1)), "mse")
    return model


x, y = np.ones((4, 2)), np.ones((4, 1))
tuner = keras_tuner.RandomSearch(build, "val_loss", max_trials=1, directory=".")
tuner.search(x, y, validation_data=(x, y), verbose=0)
trial = tuner.oracle.get_trial("0")
last = trial.message.strip().splitlines()[-1] if trial.message else ""
print("keras-tuner", keras_tuner.__version__, "JAX:", sys.argv[1])
print("TensorFlow:", trial.status, last)
raise SystemExit(not ("'six'" in sys.argv[1] and "'tensorboard'" in last))
PYTHON
