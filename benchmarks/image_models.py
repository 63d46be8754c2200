"""What each image model learns at its defaults: test score, weights and CPU minutes.

    python benchmarks/image_models.py [--data cifar10_jpg] [--models resnet ...] [--seeds 0]

Each is trained as `dlkit train MODEL --data DATA --epochs N` does. CPU minutes are this process's,
all threads, evaluation left out; they compare fairly on a busy machine, where wall time does not.
"""

import argparse
import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from job_training import train

from dlkit.cli.job import Job

# Data -> model -> epochs and options. The baseline comes first.
JOBS = {
    "fashion_mnist": {"cnn": (10, {}), "resnet": (10, {})},
    "cifar10_jpg": {
        "cnn": (30, {}),
        "resnet": (30, {}),
        "mobilenet": (30, {}),
        "vit": (60, {}),
        "inception": (30, {"alpha": 0.25}),
    },
    "digits": {"cnn": (40, {}), "capsnet": (10, {"kernel_size": 3})},
    "blood_cells": {"detector": (30, {})},
}


def learn(job):
    """Return the test score, the number of weights and the CPU seconds of a training."""
    model, data, seconds = train(job)
    found = model.evaluate(data.test, return_dict=True, verbose=0)
    score = found.get("accuracy", found.get("mean_average_precision"))
    return score, model.count_params(), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    for data in given.data:
        for model, (epochs, options) in JOBS[data].items():
            if given.models and model not in given.models:
                continue
            runs = [learn(Job(model, data, epochs, seed=s, options=options)) for s in given.seeds]
            scores = [score for score, _, _ in runs]
            words = ", ".join(f"{name}={value!r}" for name, value in options.items())
            print(
                f"{data} {model}({words}), {epochs} epochs, {runs[0][1]:,} weights: test score"
                f" {statistics.fmean(scores):.4f} {[round(score, 4) for score in scores]},"
                f" {statistics.fmean(seconds for *_, seconds in runs) / 60:.1f} CPU minutes",
                flush=True,
            )


if __name__ == "__main__":
    main()
