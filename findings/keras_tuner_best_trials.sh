#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. `get_best_trials(n)` fills up with trials that failed, and
# `get_best_hyperparameters(n)` with their values, where fewer than n have a score.
# Seen: of four trials, two of which raise, the best three are COMPLETED, COMPLETED and FAILED.
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
space.Int("x", 0, 3)


class Tuner(keras_tuner.GridSearch):
    def run_trial(self, trial, **options):
        x = trial.hyperparameters.get("x")
        if x in (0, 2):
            raise ValueError("no such model")
        return float(x)


tuner = Tuner(hyperparameters=space, directory=tempfile.mkdtemp(dir="."))
tuner.search(verbose=0)
best = [(trial.status, trial.score) for trial in tuner.oracle.get_best_trials(3)]
values = [hp.get("x") for hp in tuner.get_best_hyperparameters(3)]
print("keras-tuner", keras_tuner.__version__, best, "values:", values)
seen = ([status for status, _ in best], values)
raise SystemExit(seen != (["COMPLETED", "COMPLETED", "FAILED"], [1, 3, 0]))
PYTHON
