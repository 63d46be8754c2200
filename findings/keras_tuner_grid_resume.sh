#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. A grid search writes to no file which combinations come next.
# One that goes on in the folder of a process that was stopped ends with a KeyError after its first
# trial.
# Seen: three of nine combinations; a new tuner on the same folder tries the fourth: KeyError('3').
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras_tuner

space = keras_tuner.HyperParameters()
space.Int("x", 1, 9)
ran = []


class Tuner(keras_tuner.GridSearch):
    def run_trial(self, trial, **options):
        if len(ran) == 3:
            ran.append("stopped")
            raise keras_tuner.errors.FatalError("as by Ctrl-C")
        ran.append(trial.hyperparameters.get("x"))
        return 0.0


def search():
    """Search in the same folder; return the error that ends it."""
    tuner = Tuner(max_trials=9, hyperparameters=space, directory=".", project_name="grid")
    try:
        tuner.search(verbose=0)
    except (keras_tuner.errors.FatalError, KeyError) as error:
        return repr(error)
    return None


ended = [search(), search()]
print("keras-tuner", keras_tuner.__version__, ran, ended)
raise SystemExit((ran, ended[1]) != ([1, 2, 3, "stopped", 4], "KeyError('3')"))
PYTHON
