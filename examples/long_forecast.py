"""The next four days of a transformer station, hour by hour, from the last four (half a minute).

    DLKIT_DATA=/folder/of/the/data/sets python examples/long_forecast.py

ETTh1 as it is published: seven variables, 8,640 hours to train, 2,880 to validate, 2,880 to test;
errors are counted in the deviations of the training hours, over every window of the test hours.
"""

import numpy as np

import dlkit as dk

EPOCHS = 5
WINDOW = HORIZON = 96

data = dk.data.load(
    "etth1",
    window=WINDOW,
    horizon=HORIZON,
    targets=None,  # all seven
    test_fraction=0.2,
    val_fraction=0.25,  # of what is before the test hours
)
schedule = dk.training.OneCycle(4e-3, EPOCHS * len(data.train))
model = dk.models.build("linear_forecast", data, learning_rate=schedule, seed=0)
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)

test = data.origin.split.test
truth, (_, deviation) = data.origin.targets.values[test], data.target_scale


def errors(forecast):
    """Return the mean squared and the mean absolute error, in deviations."""
    off = (forecast - truth) / deviation
    return np.mean(off**2), np.mean(np.abs(off))


# What a forecaster can say without any network: each hour as it was the day before.
yesterday = data.origin.raw(test)[:, -24:].reshape(len(test), -1)
squared, absolute = errors(model.predict(data.test, verbose=0))
naive_squared, naive_absolute = errors(np.tile(yesterday, HORIZON // 24))

print(f"{len(test):,} windows: MSE {squared:.3f}, MAE {absolute:.3f}")
print(f"the day before again: MSE {naive_squared:.3f}, MAE {naive_absolute:.3f}")
assert squared < 0.395 and absolute < 0.405, "the published figures are 0.386 and 0.395"
