#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. A model that asks for a hyperparameter in a plain `if` is fine
# for every other search, and ends a grid search with a KeyError: it compares the values of two
# trials, of which one does not have it. `hp.conditional_scope` around it helps.
# Seen: KeyError 'layers' after 2 trials; with a conditional scope, 4 trials.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import tempfile

import keras_tuner


def grid(scoped):
    """Return how many trials a grid of four combinations ran, and the error that ended it."""
    ran = []

    class Tuner(keras_tuner.GridSearch):
        def run_trial(self, trial, **options):
            hp = trial.hyperparameters
            ran.append(trial.trial_id)
            scope = hp.conditional_scope("kind", ["deep"]) if scoped else contextlib.nullcontext()
            if hp.Choice("kind", ["plain", "deep"]) == "deep":
                with scope:
                    hp.Int("layers", 1, 3)
            hp.Fixed("epochs", 1)
            return 0.0

    try:
        Tuner(directory=tempfile.mkdtemp(dir=".")).search(verbose=0)
    except KeyError as error:
        return len(ran), repr(error)
    return len(ran), None


seen = {"plain if": grid(False), "conditional scope": grid(True)}
print("keras-tuner", keras_tuner.__version__, seen)
raise SystemExit(seen != {"plain if": (2, "KeyError('layers')"), "conditional scope": (4, None)})
PYTHON
