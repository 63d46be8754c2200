#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. Of all that a random search draws, the k-th value is drawn by a
# generator of its own with the seed `seed + k`. In a space of D hyperparameters the search with
# seed s + D is therefore the one with seed s without its first trial, and a mean over the seeds 1,
# 2, 3, ... is a mean over searches that share most of their values.
# Seen: three hyperparameters, six trials a search: the first five of seed 4 are the last five of
# seed 1, and of the 60 trials of the seeds 1 to 10 only 25 differ.
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
for name in ("a", "b", "c"):
    space.Float(name, 0.0, 1.0)


def tried(seed):
    """Return the values that a random search of six trials tries."""
    values = []

    class Tuner(keras_tuner.RandomSearch):
        def run_trial(self, trial, **options):
            values.append(tuple(trial.hyperparameters.values.values()))
            return 0.0

    folder = tempfile.mkdtemp(dir=".")
    Tuner(max_trials=6, seed=seed, hyperparameters=space, directory=folder).search(verbose=0)
    return values


by_seed = {seed: tried(seed) for seed in range(1, 11)}
shifted = by_seed[4][:5] == by_seed[1][1:]
trials = sum(by_seed.values(), [])
print("keras-tuner", keras_tuner.__version__, "seed 4 is seed 1 from its second trial on:", shifted)
print(f"{len(trials)} trials of ten seeds, {len(set(trials))} that differ")
raise SystemExit(not (shifted and len(set(trials)) < len(trials)))
PYTHON
