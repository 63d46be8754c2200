"""Series end to end: scaled on the past, trained on, exported, repeatable."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from tests.data.test_arrays import batches


def rising(steps=200):
    """Return two variables that are larger later: what is learned of the future would show."""
    return np.stack([np.arange(steps) ** 1.5, np.sin(np.arange(steps))], axis=1)


@pytest.fixture(scope="module")
def household(shared_data):
    return shared_data / "timeseries" / "household_power_consumption_days.csv"


def test_a_small_network_forecasts_tomorrow_better_than_today_and_is_served_rows(
    shared_data, tmp_path
):
    """Melbourne's minimum temperature: that of the day before is 1.95 degrees off."""
    data = dk.data.load("melbourne_temperatures")
    inputs, targets = data.origin.raw(data.origin.split.test), batches(data.test)[1]
    naive = np.abs(inputs[:, -1, 0] - targets).mean()
    assert naive == pytest.approx(1.95, abs=0.01)
    schedule = dk.training.OneCycle(3e-3, 4 * len(data.train))
    model = dk.models.build("mlp", data, units=(32,), seed=0, learning_rate=schedule)
    model = dk.data.rescale_outputs(model, data)
    model.fit(data.train, epochs=4, verbose=0)
    predicted = model.predict(data.test, verbose=0)
    assert np.abs(predicted[:, 0] - targets).mean() < 0.95 * naive

    version = dk.export.saved_model(model, tmp_path / "melbourne", data=data)
    served = tf.saved_model.load(version).signatures["serving_default"]
    rows = json.loads(json.dumps(inputs[:20].tolist()))  # as a client sends them, in degrees
    (answer,) = served(series=tf.constant(rows)).values()
    np.testing.assert_allclose(answer, predicted[:20], rtol=1e-5)
    assert answer.numpy().min() > 0 and answer.numpy().max() < 30


def test_scaling_is_learned_on_the_training_span_only():
    values = rising()
    data = dk.data.from_series(values, window=10, horizon=5, val_fraction=0.25, batch_size=8)
    past = values[:120]  # 200 less a fifth, less a quarter
    scale = data.preprocessing.layers[-1]
    np.testing.assert_allclose(np.ravel(scale.mean), past.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(np.ravel(scale.variance), past.var(axis=0), rtol=1e-6)
    inputs, targets = batches(data.test)
    first = data.origin.split.test[0]
    assert first == 150  # predicts 160 to 164, of what came before
    expected = (values[150:160] - past.mean(axis=0)) / past.std(axis=0)
    np.testing.assert_allclose(inputs[0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(targets[0], values[160:165].ravel(), rtol=1e-6)


def test_training_batches_hold_nothing_of_later_spans():
    values = np.arange(300.0)
    data = dk.data.from_series(values, window=8, horizon=4, val_fraction=0.2, batch_size=16)
    scale = data.preprocessing.layers[-1]
    inputs, targets = batches(data.train)
    inputs = inputs * np.sqrt(np.ravel(scale.variance)) + np.ravel(scale.mean)
    np.testing.assert_allclose(inputs[:, -1, 0] + 1, targets[:, 0], atol=1e-2)
    trained = max(inputs.max(), targets.max())
    validated, tested = batches(data.val)[1], batches(data.test)[1]
    assert trained < 191.5 < validated.min() and validated.max() < 239.5 < tested.min()


def test_one_column_or_several_are_predicted(household):
    names = ["Global_active_power", "Voltage"]
    data = dk.data.from_series(household, window=7, horizon=2, targets=names[::-1])
    assert data.name == "household_power_consumption_days" and data.num_classes == 4
    assert data.class_names[:3] == ("Voltage +1", "Global_active_power +1", "Voltage +2")
    frame = pd.read_csv(household)
    split = data.origin.split
    expected = frame[names[::-1]].to_numpy()[7 + split.test[0] : 9 + split.test[0]]
    np.testing.assert_allclose(batches(data.test)[1][0], expected.ravel(), rtol=1e-6)
    one = dk.data.from_series(frame, window=7, targets="Voltage", date="datetime")
    assert batches(one.train)[1].ndim == 1 and one.class_names == ("Voltage +1",)


@pytest.mark.parametrize("augment", [None, "strong"])
def test_batches_are_the_same_on_any_number_of_threads(augment):
    def first_epoch(threads, **options):
        data = dk.data.from_series(rising(), window=9, augment=augment, batch_size=16, **options)
        pool = tf.data.Options()
        pool.threading.private_threadpool_size = threads
        return batches(data.train.with_options(pool))

    one, eight, other = first_epoch(1), first_epoch(8), first_epoch(8, cache=False)
    for part in range(2):
        np.testing.assert_array_equal(one[part], eight[part])
        np.testing.assert_array_equal(one[part], other[part])
    assert np.any(first_epoch(1, seed=1)[1] != one[1])


def test_other_splits_learn_their_own_scale():
    data = dk.data.from_series(rising(), window=5, batch_size=8, val_fraction=0)
    assert data.val is None
    with pytest.raises(InputError, match="share values with their neighbours"):
        list(data.folds(3))
    means = []
    for fold in data.folds(3, ordered=True):
        split = fold.origin.split
        assert split.train.max() + fold.origin.overlap < split.val.min()
        means.append(float(np.ravel(fold.preprocessing.layers[-1].mean)[0]))
    assert means == sorted(means) and means[0] < 0.5 * means[-1]


def test_gaps_are_reported():
    dates = [f"2020-01-{day:02}" for day in range(1, 32) if day != 9]
    with pytest.warns(UserWarning, match="has 1 gap in 't', the first between 2020-01-08 and 2020"):
        dk.data.from_series({"t": dates, "x": np.arange(30)}, window=3, batch_size=4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window must be a whole number of at least 1.*window=0"),
        ({"horizon": 0}, "horizon must be .*horizon=0"),
        ({"stride": 1.5}, "stride must be .*stride=1.5"),
        ({"window": 200}, "has 200 steps, and window=200 and horizon=1 need 201"),
        ({"test_fraction": 1}, r"test_fraction must be in \[0, 1\)"),
        ({"val_fraction": -0.1}, r"val_fraction must be in \[0, 1\).*-0\.1"),
        ({"horizon": 30}, "The val split has 16 of 200 steps, which hold no window"),
        ({"targets": "variable_3"}, "no column 'variable_3' to predict. Did you mean 'variable_"),
        ({"targets": []}, r"must name different columns. Received: targets=\[\]"),
        ({"targets": ["variable_1"] * 2}, "must name different columns"),
        ({"batch_size": 150}, "batch_size=150 is larger than the training split of 134"),
        ({"augment": "some"}, "Each step of augment must be one of"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        dk.data.from_series(rising(), **{"window": 10, **options})
