"""Outputs in the units of the targets."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


@pytest.fixture(scope="module")
def data():
    steps = np.arange(300)
    values = np.stack([1000 + 50 * np.sin(steps / 5), 0.01 * np.cos(steps / 5)], axis=1)
    return dk.data.from_series(values, window=8, batch_size=16)


def test_a_new_network_starts_at_the_mean_and_learns_in_few_epochs(data):
    options = {"units": (16,), "seed": 0, "learning_rate": 1e-2, "target_scale": None}
    plain = dk.models.build("mlp", data, **options)
    model = dk.data.rescale_outputs(plain, data)
    inputs = batches(data.train)[0]
    mean, deviation = data.target_scale
    expected = plain.predict(inputs, verbose=0) * deviation + mean
    np.testing.assert_allclose(model.predict(inputs, verbose=0), expected, rtol=1e-4)
    assert model.layers[-1].name == "units"
    assert model.optimizer is not plain.optimizer
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-2)
    model.fit(data.train, epochs=3, verbose=0)
    off = np.abs(model.predict(data.test, verbose=0) - batches(data.test)[1]).mean(axis=0)
    assert off[0] < 0.3 * deviation[0]
    plain.fit(data.train, epochs=3, verbose=0)
    off = np.abs(plain.predict(data.test, verbose=0) - batches(data.test)[1]).mean(axis=0)
    assert off[0] > 5 * deviation[0]


def test_the_rescaled_model_is_saved_and_loaded(data, tmp_path):
    plain = dk.models.build("perceptron", data, target_scale=None)
    model = dk.data.rescale_outputs(plain, data)
    assert dk.data.rescale_outputs(model, data) is model
    own = keras.Sequential([keras.Input((8, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    own.compile(loss="mse")
    inputs = batches(data.test)[0]
    mean, deviation = data.target_scale
    expected = own.predict(inputs, verbose=0) * deviation + mean
    scaled = dk.data.rescale_outputs(own, data)
    np.testing.assert_allclose(scaled.predict(inputs, verbose=0), expected, rtol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = batches(data.test)[0]
    np.testing.assert_allclose(again(inputs), model(inputs), rtol=1e-6)


def test_what_cannot_be_rescaled_is_refused(data):
    model = keras.Sequential([keras.Input((8, 2)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(InputError, match="is not compiled; call its compile first"):
        dk.data.rescale_outputs(model, data)
    model.compile(loss="mse")
    with pytest.raises(InputError, match=r"must give 2 numbers for 'series'.*\(None, 3\)"):
        dk.data.rescale_outputs(model, data)
    iris = dk.data.load("iris", batch_size=8)
    with pytest.raises(InputError, match="'iris' is of task='multiclass'"):
        dk.data.rescale_outputs(dk.models.build("perceptron", iris), iris)


def test_the_scale_is_that_of_the_training_targets():
    x, y = np.eye(20), np.stack([np.arange(20) ** 2, np.arange(20) / 100], axis=1)
    data = dk.data.from_arrays(x, y, task="regression", batch_size=4)
    targets = batches(data.train)[1]
    mean, deviation = data.target_scale
    np.testing.assert_allclose(mean, targets.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(deviation, targets.std(axis=0), rtol=1e-4)
    assert dk.data.load("iris").target_scale is None
    same = dk.data.from_arrays(np.eye(20), np.full(20, 7.5), task="regression", batch_size=4)
    assert same.target_scale == (7.5, 1.0)


def test_the_scale_of_a_series_is_that_of_its_inputs():
    values = np.stack([np.arange(100.0) ** 2, np.full(100, 7.0), np.sin(np.arange(100))], axis=1)
    data = dk.data.from_series(
        values, window=5, horizon=2, targets=["variable_3", "variable_2"], batch_size=8
    )
    past = values[:72, [2, 1]]  # 100 less a fifth, less a tenth
    mean, deviation = data.target_scale
    np.testing.assert_allclose(mean, np.tile(past.mean(axis=0), 2), rtol=1e-6)
    np.testing.assert_allclose(deviation, np.tile([past[:, 0].std(), 1.0], 2), rtol=1e-6)


def test_a_built_network_learns_each_column_whatever_its_units(data):
    """50 and 0.01: squared errors in units would leave the second where it starts."""
    model = dk.models.build("mlp", data, units=(16,), seed=0, learning_rate=1e-2)
    model.fit(data.train, epochs=5, verbose=0)
    targets = batches(data.test)[1]
    off = np.abs(model.predict(data.test, verbose=0) - targets).mean(axis=0)
    assert (off < 0.4 * targets.std(axis=0)).all()


@pytest.mark.parametrize(
    ("kind", "factor", "shift"),
    [("uint8", 1, 0), ("uint16", 257, 0), ("float32", 1 / 255, 0), ("float32", 2 / 255, -1)],
)
def test_pixels_count_from_0_to_255_whatever_arrays_hold(kind, factor, shift):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1))
    pixels[:, 0, 0], pixels[:, 0, 1] = 0, 255
    raw = (pixels * factor + shift).astype(kind)
    data = dk.data.from_arrays(raw, np.arange(40) % 2, batch_size=8)
    mean, deviation = data.input_scale
    network_input = np.asarray(data.preprocessing(data.examples[0]))
    found = network_input * deviation + mean
    np.testing.assert_allclose([found.min(), found.max()], [0, 255], atol=0.1)
    assert dk.data.load("iris").input_scale is None
