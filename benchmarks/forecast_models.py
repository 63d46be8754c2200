"""What each forecaster learns at its defaults: test score, weights, CPU minutes, a baseline.

    python benchmarks/forecast_models.py [--data sunspots] [--models linear_forecast] [--seeds 0]

Each is trained as `dlkit train MODEL --data DATA --epochs N` does. CPU minutes are this process's,
all threads, evaluation left out; they compare fairly on a busy machine, where wall time does not.
Errors of forecasts are counted in the deviations of the training span, over every window of the
test span; beside them stands the forecast that says the value of a season before.
"""

import argparse
import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from job_training import train

from dlkit.cli.job import Job

# Data -> model -> epochs and options.
JOBS = {
    "etth1_96": {"linear_forecast": (10, {}), "patch_transformer": (10, {})},
    "etth1_336": {"linear_forecast": (10, {}), "patch_transformer": (10, {})},
    "airline_passengers": {"linear_forecast": (100, {}), "patch_transformer": (100, {})},
    "sunspots": {"linear_forecast": (20, {}), "patch_transformer": (20, {})},
}
# The published rows: 8,640 to train, 2,880 to validate, 2,880 to test; all 7 variables.
_ETTH1 = {"horizon": 96, "targets": None, "val_fraction": 0.25, "test_fraction": 0.2}
# Data -> the named set, how it is loaded, and the steps of a season of the baseline.
FORECASTS = {
    "etth1_96": ("etth1", {**_ETTH1, "window": 96}, (24,)),
    "etth1_336": ("etth1", {**_ETTH1, "window": 336}, (24,)),
    "airline_passengers": ("airline_passengers", {"window": 36, "horizon": 12}, (12,)),
    # The sun's cycle has 11 years; months of a year do not matter to it. And the last value.
    "sunspots": ("sunspots", {"window": 132, "horizon": 12}, (132, 1)),
}


def forecast_errors(forecast, data):
    """Return the mean squared and the mean absolute error, in deviations of the training span."""
    rows = data.origin.split.test
    truth = data.origin.targets.values[rows].reshape(len(rows), -1)
    off = (forecast.reshape(truth.shape) - truth) / data.target_scale[1]
    return float(np.mean(off**2)), float(np.mean(np.abs(off)))


def seasonal_naive(data, season):
    """Return what was a season before, for each step of the test windows."""
    past = data.origin.raw(data.origin.split.test)[..., list(data.target_columns)]
    steps = np.arange(data.num_classes // len(data.target_columns))
    return past[:, past.shape[1] - season + steps % season]  # (windows, horizon, targets)


def scores(model, data, seasons):
    """Return what there is to say of a trained model, and of the baselines, by name."""
    found = dict(
        zip(("MSE", "MAE"), forecast_errors(model.predict(data.test, verbose=0), data), strict=True)
    )
    for season in seasons:
        squared, absolute = forecast_errors(seasonal_naive(data, season), data)
        found |= {f"MSE of {season} before": squared, f"MAE of {season} before": absolute}
    return found


def learn(name, model_name, epochs, options, seed):
    """Return the scores, the number of weights and the CPU seconds of a training."""
    data_name, data_options, seasons = FORECASTS[name]
    job = Job(model_name, data_name, epochs, seed=seed, options=options, data_options=data_options)
    model, data, seconds = train(job)
    return scores(model, data, seasons), model.count_params(), seconds


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
            runs = [learn(data, model, epochs, options, seed) for seed in given.seeds]
            told = ", ".join(
                f"{score} {statistics.fmean(found[score] for found, *_ in runs):.4f}"
                for score in runs[0][0]
            )
            words = ", ".join(f"{name}={value!r}" for name, value in options.items())
            print(
                f"{data} {model}({words}), {epochs} epochs, {runs[0][1]:,} weights: {told},"
                f" {statistics.fmean(seconds for *_, seconds in runs) / 60:.2f} CPU minutes",
                flush=True,
            )


if __name__ == "__main__":
    main()
