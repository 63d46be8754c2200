"""Each method of `ensemble` at its defaults against its best member: three real sets, three seeds.

    python benchmarks/ensembles.py [--data digits ...] [--methods averaging ...] [--seeds 0 1 2]

Every ensemble is trained as `dlkit train ensemble --data DATA --no-augment --epochs N` does: a view
of an example that stacking holds out must not be learned from another. A member that is trained by
averaging has the weights that it would have alone, which a test shows; so its members are the
models to beat, and the best of them is chosen on the test split, which flatters it. CPU minutes are
this process's, all threads, evaluation left out. `--split val` is for choosing defaults.
"""

import argparse
import dataclasses
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from dlkit.cli.job import Job
from dlkit.models.ensembles.ensemble import METHODS
from dlkit.training import set_seed

# Epochs, and the share of the training images that is kept for validation: of Fashion-MNIST, 1,500
# images are left.
JOBS = {
    "digits": {"epochs": 20},
    "fashion_mnist": {"epochs": 10, "val_fraction": 0.975},
    "california_housing": {"epochs": 40},
}


def score(predicted, y, task):
    """Return the accuracy of probabilities, or the mean absolute error of numbers."""
    if task == "regression":
        return float(np.mean(np.abs(predicted[:, 0] - y)))
    if task == "binary":
        return float(np.mean((predicted[:, 0] > 0.5) == y))
    return float(np.mean(predicted.argmax(axis=-1) == y))


def train(job, split):
    """Return the scores of a trained ensemble and of each of its members, and the CPU seconds."""
    keras.backend.clear_session()
    set_seed(job.seed)
    data = job.load_data()
    model = job.build_model(data)
    began = time.process_time()
    model.fit(data.train, epochs=job.epochs, verbose=0)
    seconds = time.process_time() - began
    held = getattr(data, split)
    y = np.concatenate([np.asarray(y) for _, y in held])
    x = held.map(lambda x, y: x)
    scores = [score(one.predict(x, verbose=0), y, data.task) for one in (model, *model.members)]
    return scores[0], scores[1:], seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--split", default="test", choices=["val", "test"])
    given = parser.parse_args()
    for name in given.data:
        best = min if name == "california_housing" else max
        for method in given.methods:
            options = {"augment": False, "options": {"method": method}, **JOBS[name]}
            job = Job("ensemble", name, **options)
            jobs = [dataclasses.replace(job, seed=seed) for seed in given.seeds]
            runs = [train(one, given.split) for one in jobs]
            told = f"{name} {method}: {statistics.fmean(run[0] for run in runs):.4f}"
            told += f" {[round(run[0], 4) for run in runs]}"
            if method == "averaging":
                members = [(statistics.fmean(run[1]), best(run[1])) for run in runs]
                mean, top = map(statistics.fmean, zip(*members, strict=True))
                told += f"; its members alone {mean:.4f}, the best of each five {top:.4f}"
            minutes = statistics.fmean(seconds for *_, seconds in runs) / 60
            print(f"{told}; {minutes:.2f} CPU minutes", flush=True)


if __name__ == "__main__":
    main()
