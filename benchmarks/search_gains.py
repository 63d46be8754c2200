"""Search for better values than the builders' defaults, and compare both on the test split.

The search sees training and validation examples alone. Then the defaults and the best values are
each trained from several seeds for the epochs that were best for them, and tested once.

    python benchmarks/search_gains.py [--trials 20] [--seeds 5]
"""

import argparse
import statistics
import tempfile

import keras

import dlkit as dk
from dlkit.tuning.reading import best_trial

SETS = {"digits": "cnn", "breast_cancer": "mlp", "california_housing": "mlp"}
BETTER = {"accuracy": "higher", "mae": "lower"}


def test(tuner, trial, data, seeds):
    """Return the test metric of a trial's values, trained anew from each seed."""
    found = []
    for seed in range(seeds):
        hp = trial.hyperparameters.copy()
        keras.backend.clear_session()
        keras.utils.set_random_seed(1000 + seed)
        model = tuner.hypermodel.build(hp)
        train, _ = tuner.data.splits(hp, 0)
        model.fit(train, epochs=trial.best_step + 1, verbose=0)
        results = model.evaluate(data.test, return_dict=True, verbose=0)
        results.pop("loss")
        ((name, value),) = results.items()
        found.append(value)
    return name, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    given = parser.parse_args()
    for name in given.sets:
        data = dk.data.load(name)
        with tempfile.TemporaryDirectory() as folder:
            tuner = dk.tuning.search(
                SETS[name],
                data,
                max_trials=given.trials,
                epochs=given.epochs,
                directory=folder,
            )
            first = tuner.oracle.trials[min(tuner.oracle.trials)]
            best = best_trial(tuner)
            metric, defaults = test(tuner, first, data, given.seeds)
            _, tuned = test(tuner, best, data, given.seeds)
        print(
            f"{SETS[name]} on {name}, test {metric} ({BETTER[metric]} is better), {given.seeds}"
            f" seeds: defaults {statistics.fmean(defaults):.4f} ({statistics.stdev(defaults):.4f}),"
            f" tuned {statistics.fmean(tuned):.4f} ({statistics.stdev(tuned):.4f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
