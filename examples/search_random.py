"""How many months should a forecast look back? Options of the data, searched at random (15 s).

    DLKIT_DATA=/folder/of/the/data/sets python examples/search_random.py

Data may be a function of `hp`, made for each trial, so that any option of a loader can be searched.
"""

import os
import pathlib

import keras_tuner

import dlkit as dk

path = pathlib.Path(os.environ["DLKIT_DATA"], "timeseries", "airline-passengers.csv")


def passengers(hp: keras_tuner.HyperParameters) -> dk.data.Data:
    """Return the airlines' passengers, in windows of so many months; a search begins with one."""
    return dk.data.from_series(path, window=hp.Choice("window", [1, 12, 24]), batch_size=8)


space = {"learning_rate": dk.tuning.Float(0.03, 0.1, sampling="log")}
options = {"objective": "val_mae", "max_trials": 6, "epochs": 12, "name": "passengers"}
tuner = dk.tuning.search("perceptron", passengers, strategy="random", space=space, **options)
print(dk.tuning.results(tuner)[["score", "window", "learning_rate"]])

model, data = dk.tuning.best_model(tuner)  # the data of the best window
error = model.evaluate(data.test, verbose=0, return_dict=True)["mae"]
defaults = tuner.load_model(next(iter(tuner.oracle.trials.values())))  # the first trial's
data = passengers(keras_tuner.HyperParameters())
before = defaults.evaluate(data.test, verbose=0, return_dict=True)["mae"]
print(f"Off by {error:.0f} thousand a month; {before:.0f} from last month alone, the default")
assert error < 0.75 * before, "a year of months should say more than the last one"
