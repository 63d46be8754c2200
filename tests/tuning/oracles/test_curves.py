import math

import keras_tuner
import pytest
from keras_tuner.engine.trial import Trial

from dlkit.tuning.oracles.curves import STRIDE, best_epoch, curves


def test_executions_are_told_apart_however_long_each_was():
    trial = Trial(keras_tuner.HyperParameters())
    for step, value in enumerate([0.1, 0.2, 0.3]):
        trial.metrics.update("val_loss", value, step=step)
    trial.metrics.update("val_loss", 0.5, step=2 * STRIDE)
    assert curves(trial, "val_loss") == [{0: 0.1, 1: 0.2, 2: 0.3}, {0: 0.5}]
    assert curves(trial, "loss") == []


@pytest.mark.parametrize(("direction", "best"), [("min", (0.1, 2)), ("max", (0.9, 0))])
def test_the_best_epoch_is_finite(direction, best):
    assert best_epoch({0: 0.9, 1: math.nan, 2: 0.1, 3: math.inf}, direction) == best


def test_no_finite_epoch_is_no_number():
    value, epoch = best_epoch({0: math.nan}, "min")
    assert math.isnan(value) and epoch == 0
