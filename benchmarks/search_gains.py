"""Search for better values than the builders' defaults, and compare both on the test split.

The search sees training and validation examples alone. Then the defaults and the best values are
each trained from other seeds, with the weights of the epoch that validates best, and tested once.

    python benchmarks/search_gains.py [--trials 30] [--seeds 5]
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
    found, goal = [], tuner.oracle.objective
    for seed in range(seeds):
        hp = trial.hyperparameters.copy()
        keras.backend.clear_session()
        keras.utils.set_random_seed(1000 + seed)
        model = tuner.hypermodel.build(hp)
        train, held = tuner.data.splits(hp, 0)
        best = keras.callbacks.EarlyStopping(
            goal.name, mode=goal.direction, patience=tuner.epochs, restore_best_weights=True
        )
        model.fit(train, validation_data=held, epochs=tuner.epochs, verbose=0, callbacks=[best])
        results = model.evaluate(data.test, return_dict=True, verbose=0)
        results.pop("loss")
        ((name, value),) = results.items()
        found.append(value)
    return name, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=20)
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
