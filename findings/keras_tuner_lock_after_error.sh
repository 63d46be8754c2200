#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. `keras_tuner.synchronized` takes an oracle's lock and does not
# give it back when the method raises, as `update_trial` does without the objective and `end_trial`
# where the disk is full. The same thread goes on; any other one, of a chief with several workers
# say, waits for ever at its next call (which is not shown here).
# Seen: the lock is held after the ValueError of an update without the objective.
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
from keras_tuner.src.engine.oracle import LOCKS

space = keras_tuner.HyperParameters()
space.Float("x", 0.0, 1.0)
held = {}


class Tuner(keras_tuner.RandomSearch):
    def run_trial(self, trial, **options):
        held["before"] = LOCKS[self.oracle].locked()
        try:
            self.oracle.update_trial(trial.trial_id, {"accuracy": 0.5})
        except ValueError:
            held["after an error"] = LOCKS[self.oracle].locked()
        return 0.0


folder = tempfile.mkdtemp(dir=".")
Tuner(max_trials=1, seed=1, hyperparameters=space, directory=folder).search(verbose=0)
print("keras-tuner", keras_tuner.__version__, "the lock is held:", held)
raise SystemExit(held != {"before": False, "after an error": True})
PYTHON
