"""Miles per gallon, searched by Optuna's TPE, with an option that only some trials have (20 s).

    DLKIT_DATA=/folder/of/the/data/sets python examples/search_tpe.py

Needs Optuna: `pip install "dlkit[tune]"`.
"""

import dlkit as dk
from dlkit.tuning import Choice, Float

data = dk.data.load("auto_mpg", batch_size=32)
space = {
    "optimizer": Choice(["adam", "adamw"]),
    "weight_decay": Float(1e-4, 1e-1, sampling="log", when={"optimizer": ["adamw"]}),
    "learning_rate": Float(1e-4, 1e-1, sampling="log", default=1e-3),
    "units": (32,),
}
# The first ten trials are drawn at random, the others where the good ones of those are frequent.
tuner = dk.tuning.search("mlp", data, strategy="tpe", space=space, max_trials=12, epochs=4)
print(dk.tuning.results(tuner)[["trial", "score", "optimizer", "weight_decay", "learning_rate"]])

best, _ = dk.tuning.best_model(tuner)
defaults = tuner.load_model(next(iter(tuner.oracle.trials.values())))  # the first trial's
error, before = (
    m.evaluate(data.test, verbose=0, return_dict=True)["mae"] for m in (best, defaults)
)
print(f"Off by {error:.1f} miles per gallon, {before:.1f} with the defaults")
assert error < 0.7 * before, "a better learning rate should come far closer in four epochs"
