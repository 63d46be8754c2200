"""What each network for tables learns at its defaults, beside scikit-learn's boosted trees.

    python benchmarks/table_models.py [--data adult] [--architectures tabm] [--seeds 0 1 2]

Each is trained as `dlkit train tabular --data DATA --epochs N` does. The trees,
`HistGradientBoosting` at its defaults, get the raw columns, categories as such, of the rows of
training and validation. Adult has its published test file (accuracy), California housing the fifth
of its rows that is the same for every seed (root of the mean squared error in 100,000 dollars,
where a deviation is 1.15). CPU minutes are this process's, all threads, evaluation left out; they
compare fairly on a busy machine, where wall time does not.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from job_training import train
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import OrdinalEncoder

import dlkit as dk
from dlkit.cli.job import Job
from dlkit.models.table.tabular import ARCHITECTURES

EPOCHS = {"adult": 10, "california_housing": 20}


def score(predicted, data):
    """Return the accuracy, or the root of the mean squared error, on the test rows."""
    truth = data.origin.targets.values[data.origin.split.test].reshape(-1)
    predicted = np.asarray(predicted).reshape(-1)
    if data.task == "regression":
        return float(np.sqrt(np.mean((predicted - truth) ** 2)))
    return float(np.mean((predicted > 0.5) == truth))


def trees(name, seed):
    """Return the score of boosted trees, no number of weights, and the CPU seconds."""
    data = dk.data.load(name, seed=seed)
    split, labels = data.origin.split, data.origin.targets.values.reshape(-1)
    rows = data.origin.raw(np.arange(data.origin.count))
    texts = [place for place, values in enumerate(rows.values()) if values.dtype == object]
    table = np.stack([np.asarray(values, object) for values in rows.values()], axis=1)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = make_column_transformer(
        (encoder, texts), remainder="passthrough", verbose_feature_names_out=False
    )
    learned = np.concatenate([split.train, split.val])
    x = columns.fit(table[learned]).transform(table).astype(float)
    made = HistGradientBoostingRegressor
    if data.task == "binary":
        made = HistGradientBoostingClassifier
    model = made(categorical_features=list(range(len(texts))), random_state=seed)
    began = time.process_time()
    model.fit(x[learned], labels[learned])
    seconds = time.process_time() - began
    return score(model.predict(x[split.test]), data), 0, seconds


def learn(name, architecture, seed):
    """Return the test score, the number of weights and the CPU seconds of a training."""
    job = Job("tabular", name, EPOCHS[name], seed=seed, options={"architecture": architecture})
    model, data, seconds = train(job)
    return score(model.predict(data.test, verbose=0), data), model.count_params(), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=list(EPOCHS), choices=list(EPOCHS))
    parser.add_argument("--architectures", nargs="+", default=list(ARCHITECTURES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    for name in given.data:
        for what in ("boosted trees", *given.architectures):
            runs = [
                trees(name, seed) if what == "boosted trees" else learn(name, what, seed)
                for seed in given.seeds
            ]
            scores = [found for found, *_ in runs]
            print(
                f"{name} {what}: {statistics.fmean(scores):.4f} {[round(s, 4) for s in scores]},"
                f" {runs[0][1]:,} weights,"
                f" {statistics.fmean(seconds for *_, seconds in runs) / 60:.2f} CPU minutes",
                flush=True,
            )


if __name__ == "__main__":
    main()
