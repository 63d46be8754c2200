"""Each combination once: a grid over a function of your own that builds the network (10 s)."""

import keras
import keras_tuner

import dlkit as dk

data = dk.data.load("breast_cancer", batch_size=32)


def network(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Return a classifier of 30 measurements; what it asks `hp` for is the space."""
    model = keras.Sequential([keras.Input((30,))])
    if hp.Boolean("hidden"):  # a grid tries what is asked for below this only where it is True
        model.add(keras.layers.Dense(hp.Choice("units", [8, 32]), activation="relu"))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    optimizer = keras.optimizers.SGD(hp.Choice("learning_rate", [0.01, 0.3]))
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


options = {"objective": "val_loss", "max_trials": 100, "epochs": 4}
tuner = dk.tuning.search(network, data, strategy="grid", **options)
table = dk.tuning.results(tuner)
print(table[["score", "hidden", "units", "learning_rate"]])
assert len(table) == 2 + 2 * 2, "two rates without a hidden layer, and with each of two widths"

best, _ = dk.tuning.best_model(tuner)
defaults = tuner.load_model(next(iter(tuner.oracle.trials.values())))  # the first trial's
loss, before = (
    m.evaluate(data.test, verbose=0, return_dict=True)["loss"] for m in (best, defaults)
)
print(f"Test loss {loss:.3f}, {before:.3f} with the defaults")
assert loss < 0.7 * before, "the best combination should be surer of what is right"
