"""What a forecast begins with: which channels of a series are predicted, and in which units."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.sequence.forecasts import forecast_input
from tests.data.arrays.test_from_arrays import batches


def walks(steps=300):
    """Return three random walks far from 0, in units that are hundreds apart."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(steps, 3)).cumsum(axis=0) * [50.0, 0.01, 3.0] + [9000.0, 0.3, -40.0]
    return dict(zip(("power", "voltage", "heat"), values.T, strict=True))


def test_the_channels_are_those_of_the_targets_in_their_order():
    inputs, x, horizon = forecast_input((5, 3), 4, (2, 0))
    assert (inputs.shape, x.shape, horizon) == ((None, 5, 3), (None, 5, 2), 2)
    inputs, x, horizon = forecast_input((5, 3), 12, None)
    assert x is inputs and horizon == 4


@pytest.mark.parametrize(
    ("shape", "numbers", "columns", "words"),
    [
        ((None, 3), 3, None, r"fixed number of steps.*input_shape=\(None, 3\)"),
        ((5, 3), 4, None, r"steps times 3, .*num_classes=4.*target_columns=None"),
        ((5, 3), 5, (0, 1), r"steps times 2, .*num_classes=5.*target_columns=\(0, 1\)"),
        ((5, 3), 2, (0, 3), r"of the 3 channels.*target_columns=\(0, 3\)"),
        ((5, 3), 2, (1, 1), r"different places.*target_columns=\(1, 1\)"),
        ((5, 3), 2, (), r"different places.*target_columns=\(\)"),
        ((5, 3), 2, "power", "different places.*target_columns='power'"),
        ((5, 3), 2, 1, "different places.*target_columns=1"),
        ((5, 3), 2, (-1, 0), "target_columns must be a whole number of at least 0.*-1"),
    ],
)
def test_channels_and_numbers_that_do_not_fit_are_refused(shape, numbers, columns, words):
    with pytest.raises(InputError, match=words):
        forecast_input(shape, numbers, columns)


@pytest.mark.parametrize("targets", [None, "voltage", ["heat", "power"]])
@pytest.mark.parametrize("horizon", [1, 4])
def test_the_last_value_is_said_again_exactly_in_the_units_of_each_target(targets, horizon):
    """So the scale of the outputs is that of the inputs, and targets are found in their order."""
    data = dk.data.from_series(
        walks(), window=12, horizon=horizon, targets=targets, val_fraction=0.2, batch_size=32
    )
    model = dk.models.build("linear_forecast", data, method="nlinear")
    for weight in model.trainable_weights:  # no change to the last value
        weight.assign(np.zeros(weight.shape))
    names = targets or ["power", "voltage", "heat"]
    names = [names] if isinstance(names, str) else names
    columns = [("power", "voltage", "heat").index(name) for name in names]
    assert data.target_columns == tuple(columns)
    raw = data.origin.raw(data.origin.split.test)
    naive = np.tile(raw[:, -1, columns], horizon)  # steps one behind the other
    np.testing.assert_allclose(model.predict(data.test, verbose=0), naive, rtol=1e-5)
    # and a step ahead is a step in the units of the inputs
    truth = batches(data.test)[1].reshape(naive.shape)
    wanted = np.mean(((naive - truth) / data.target_scale[1]) ** 2)
    assert model.evaluate(data.test, verbose=0)[0] == pytest.approx(wanted, rel=1e-4)


def test_another_split_has_a_scale_of_its_own():
    data = dk.data.from_series(walks(), window=12, horizon=3, targets="heat", batch_size=32)
    fold, _ = data.folds(2, ordered=True)
    scale = fold.preprocessing.layers[-1]
    for found, wanted in zip(fold.target_scale, (scale.mean, scale.variance**0.5), strict=True):
        np.testing.assert_allclose(found, [np.ravel(wanted)[2]] * 3, rtol=1e-5)
    assert fold.target_scale != data.target_scale and fold.target_columns == (2,)


def test_the_members_of_an_ensemble_are_told_the_channels():
    data = dk.data.from_series(walks(), window=12, horizon=3, targets="heat", batch_size=32)
    model = dk.models.build("ensemble", data, members="linear_forecast", seed=0)
    x = np.random.default_rng(0).normal(size=(2, 12, 3)).astype("float32")
    other = x.copy()
    other[..., :2] += 1  # what is not predicted does not matter
    np.testing.assert_array_equal(model(x), model(other))
    assert model(x).shape == (2, 3)
