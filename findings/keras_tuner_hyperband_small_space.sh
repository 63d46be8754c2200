#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. Hyperband of a space with fewer combinations than its first
# round wants ends once each was tried, for the fewest epochs: it looks for values of the first
# round before it looks for trials to train on, and stops where there are none.
# Seen: four combinations, max_epochs=27: four trials of 1 epoch, none of them goes on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import tempfile

import keras_tuner

space = keras_tuner.HyperParameters()
space.Choice("units", [8, 16, 32, 64])
epochs = []


class Tuner(keras_tuner.Hyperband):
    def run_trial(self, trial, **options):
        epochs.append(trial.hyperparameters.values["tuner/epochs"])
        return float(trial.hyperparameters.get("units"))


folder = tempfile.mkdtemp(dir=".")
Tuner(max_epochs=27, seed=1, hyperparameters=space, directory=folder).search(verbose=0)
print("keras-tuner", keras_tuner.__version__, "epochs of each trial:", epochs)
raise SystemExit(epochs != [1, 1, 1, 1])
PYTHON
