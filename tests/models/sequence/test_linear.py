"""Linear forecasts against NumPy, the published numbers of weights, and what must not matter."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.sequence.linear import METHODS, moving_average

RNG = np.random.default_rng(0)


def averaged(x, width):
    """Return the moving average (batch, length, channels), the ends repeated beyond themselves."""
    padded = np.pad(x, ((0, 0), (width // 2, width // 2), (0, 0)), "edge")
    return np.stack([padded[:, i : i + width].mean(axis=1) for i in range(x.shape[1])], axis=1)


def summed(x, kernel, bias):
    """Return each channel's steps summed by a kernel that is shared, or by one of its own."""
    own = kernel if kernel.ndim == 3 else np.stack([kernel] * x.shape[2])
    return np.stack([x[..., c] @ own[c] for c in range(x.shape[2])], axis=-1) + bias


def dlinear(x, weights):
    trend = averaged(x, 5)
    seasonal, rest = weights[:2], weights[2:]
    return summed(x - trend, *seasonal) + summed(trend, *rest)


def nlinear(x, weights):
    return summed(x - x[:, -1:], *weights) + x[:, -1:]


def rlinear(x, weights):
    gamma, beta, *rest = weights
    mean, deviation = x.mean(1, keepdims=True), np.sqrt(x.var(1, keepdims=True) + 1e-5)
    y = summed((x - mean) / deviation * gamma + beta, *rest)
    return (y - beta) / gamma * deviation + mean


EXPECTED = {"dlinear": dlinear, "nlinear": nlinear, "rlinear": rlinear}


@pytest.mark.parametrize("individual", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_what_its_paper_computes(method, individual):
    options = {"kernel_size": 5} if method == "dlinear" else {}
    model = dk.models.linear_forecast((9, 3), 12, method=method, individual=individual, **options)
    for weight in model.trainable_weights:
        weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    x = RNG.normal(size=(5, 9, 3)) * [1.0, 8.0, 0.1] + [0.0, 20.0, -3.0]
    weights = [weight.astype("float64") for weight in model.get_weights()]
    expected = EXPECTED[method](x, weights).reshape(5, 12)  # 4 steps, 3 channels side by side
    np.testing.assert_allclose(model(x.astype("float32")), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("width", [3, 7, 9])
def test_the_moving_average_repeats_the_ends(width):
    x = RNG.normal(size=(2, 9, 3)).astype("float32")
    np.testing.assert_allclose(moving_average(x, width), averaged(x, width), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        # 139.7 thousand, in the table on efficiency of Zeng et al. 2022
        ({"method": "dlinear"}, 2 * (96 * 720 + 720)),
        ({"method": "dlinear", "individual": True}, 7 * 2 * (96 * 720 + 720)),
        ({"method": "nlinear"}, 96 * 720 + 720),
        ({"method": "nlinear", "individual": True}, 7 * (96 * 720 + 720)),
        ({"method": "rlinear"}, 96 * 720 + 720 + 2 * 7),
    ],
)
def test_weights_are_as_many_as_published(options, count):
    assert dk.models.linear_forecast((96, 7), 7 * 720, **options).count_params() == count


@pytest.mark.parametrize("method", ["rlinear", "nlinear"])
def test_a_window_on_another_level_gets_the_same_forecast_there(method):
    model = dk.models.linear_forecast((12, 2), 6, method=method, seed=0)
    x = RNG.normal(size=(3, 12, 2)).astype("float32")
    np.testing.assert_allclose(model(x + 50), model(x) + 50, atol=1e-3)


def test_a_window_of_one_value_has_a_forecast_on_its_level():
    model = dk.models.linear_forecast((12, 2), 6, seed=0)
    found = model(np.full((1, 12, 2), 7.0, "float32"))
    assert np.abs(found - 7.0).max() < 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "linear"}, r"method must be one of.*Did you mean '\wlinear'"),
        ({"kernel_size": 5}, "kernel_size=5 belongs to method='dlinear'.*method='rlinear'"),
        ({"method": "dlinear", "kernel_size": 4}, "kernel_size must be odd.*Received: 4"),
        ({"method": "dlinear", "kernel_size": 1}, "kernel_size must be .* at least 3.*=1"),
        ({"method": "dlinear"}, "window of 24 steps is shorter than .* 25"),
        ({"individual": 1}, "individual must be True or False.*individual=1"),
        ({"target_columns": (0,), "task": "binary"}, "task must be one of: regression"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        dk.models.linear_forecast((24, 2), 6, **options)


def test_two_epochs_forecast_four_days_of_etth1_better_than_the_day_before(shared_data):
    """Of the published rows: the last 2,880 test, in 2,785 windows of all 7 variables."""
    data = dk.data.load(
        "etth1", window=96, horizon=96, targets=None, val_fraction=0.25, batch_size=256
    )
    split = data.origin.split
    assert [len(rows) for rows in (split.train, split.val, split.test)] == [8449, 2785, 2785]
    model = dk.models.build("linear_forecast", data, seed=0, learning_rate=0.01)
    model.fit(data.train, epochs=2, verbose=0)
    windows, truth = data.origin.raw(split.test), data.origin.targets.values[split.test]
    naive = np.tile(windows[:, -24:].reshape(len(windows), -1), 4)
    wanted = np.mean(((naive - truth) / data.target_scale[1]) ** 2)
    assert wanted == pytest.approx(0.512, abs=0.001)
    assert model.evaluate(data.test, verbose=0)[0] < 0.85 * wanted
