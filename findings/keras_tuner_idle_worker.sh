#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. A process whose oracle has nothing to try until another one's
# trial has ended, as in grid search and Hyperband, asks again without any pause. With a chief each
# question is a request to it, and both keep a core busy that the trial could train on.
# Seen: thousands of questions in the second that the other trial still runs (here in one process).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import tempfile
import threading

import keras_tuner

space = keras_tuner.HyperParameters()
space.Boolean("x")
questions = []


class Tuner(keras_tuner.GridSearch):
    def pre_create_trial(self):
        questions.append(None)

    def run_trial(self, trial, **options):
        return 0.0


tuner = Tuner(hyperparameters=space, directory=tempfile.mkdtemp(dir="."))
oracle = tuner.oracle
oracle.verbose = 0
other = oracle.create_trial("another worker")


def end_other():
    oracle.update_trial(other.trial_id, {oracle.objective.name: 1.0})
    other.status = "COMPLETED"
    oracle.end_trial(other)


timer = threading.Timer(1.0, end_other)
timer.start()
tuner.search(verbose=0)
timer.join()
print("keras-tuner", keras_tuner.__version__, len(questions), "questions for two trials in 1 s")
raise SystemExit(not len(questions) > 200)
PYTHON
