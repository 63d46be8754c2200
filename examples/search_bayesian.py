"""A small network for digits: a Gaussian process of the scores proposes what to try (15 s)."""

import dlkit as dk
from dlkit.tuning import Float

data = dk.data.load("digits", batch_size=32)
space = {
    "learning_rate": Float(1e-4, 3e-2, sampling="log", default=1e-3),
    "filters": (16, 32),  # a plain value is not searched
    "units": (),
    "normalization": "none",
}
tuner = dk.tuning.search("cnn", data, strategy="bayesian", space=space, max_trials=6, epochs=3)
defaults = tuner.load_model(next(iter(tuner.oracle.trials.values())))  # the first trial's
before = defaults.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]

model, data = dk.tuning.best_model(tuner, retrain=True)  # on the training and validation split
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
print(f"Test accuracy {accuracy:.1%}, {before:.1%} with the defaults")
assert accuracy > before + 0.05, "a better learning rate should read 5% more of the digits"
