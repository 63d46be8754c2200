#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. A grid search never tries the upper end of 0.1 to 0.7 in steps
# of 0.1, where floats do not come out even, nor that of a range without steps: it tries the default
# and the middle of each tenth. The documentation says that max_value is included.
# Seen: 0.1, 0.2, ... 0.6; of 1e-4 to 1e-1 on a log scale eleven values up to 0.0708.
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


def grid(**range_):
    """Return the values that a grid search tries, in their order."""
    values = []
    space = keras_tuner.HyperParameters()
    space.Float("x", **range_)

    class Tuner(keras_tuner.GridSearch):
        def run_trial(self, trial, **options):
            values.append(trial.hyperparameters.get("x"))
            return 0.0

    Tuner(hyperparameters=space, directory=tempfile.mkdtemp(dir=".")).search(verbose=0)
    return sorted(values)


steps = grid(min_value=0.1, max_value=0.7, step=0.1)
log = grid(min_value=1e-4, max_value=1e-1, sampling="log")
print("keras-tuner", keras_tuner.__version__, "steps:", [f"{value:.3g}" for value in steps])
print("log:", [f"{value:.3g}" for value in log])
raise SystemExit(not (steps[-1] < 0.65 and log[-1] < 0.08))
PYTHON
