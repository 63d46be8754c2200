#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. `Oracle.end_trial` writes oracle.json while the trial that ends
# still counts as running; the tuner writes it once more afterwards. Of a process that is killed
# between the two, the trial is run again, though trial.json has its score. Here the folder is
# copied at that moment, in `on_trial_end`, and the search goes on from the copy.
# Seen: trial.json of the last of three trials says COMPLETED, and the copy runs that trial again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import json
import pathlib
import shutil

import keras_tuner

space = keras_tuner.HyperParameters()
space.Float("x", 0.0, 1.0)
ran = []


class Tuner(keras_tuner.RandomSearch):
    def run_trial(self, trial, **options):
        ran.append(trial.trial_id)
        return trial.hyperparameters.get("x")

    def on_trial_end(self, trial):
        self.oracle.end_trial(trial)
        shutil.copytree(self.project_dir, f"at the end of {trial.trial_id}/search")
        self.save()


options = {"max_trials": 3, "seed": 1, "hyperparameters": space, "project_name": "search"}
Tuner(directory=".", **options).search(verbose=0)
first, last = list(ran), ran[-1]
folder = pathlib.Path(f"at the end of {last}")
status = json.loads((folder / f"search/trial_{last}/trial.json").read_text())["status"]
ran.clear()


class Resumed(Tuner):
    def on_trial_end(self, trial):
        keras_tuner.RandomSearch.on_trial_end(self, trial)


Resumed(directory=folder, **options).search(verbose=0)
print("keras-tuner", keras_tuner.__version__, f"{last}: {status}, run after a kill: {ran}")
raise SystemExit((status, ran) != ("COMPLETED", [last]))
PYTHON
