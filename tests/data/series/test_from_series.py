"""Series end to end: scaled on the past, trained on, exported, repeatable."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


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


@pytest.mark.parametrize(("window", "horizon", "stride"), [(8, 1, 1), (7, 3, 2), (3, 4, 5)])
def test_batches_are_those_of_a_plain_loop(window, horizon, stride):
    values = np.random.default_rng(0).normal(size=(160, 3)) * [1, 5, 100] + [0, 3, -20]
    data = dk.data.from_series(
        *(values,),
        **{"window": window, "horizon": horizon, "stride": stride, "val_fraction": 0.25},
        **{"targets": ["variable_3", "variable_1"], "batch_size": 8},
    )
    spans = {"train": (0, 96), "val": (96, 128), "test": (128, 160)}
    expected = {name: [] for name in spans}
    for start in range(0, 160 - window - horizon + 1, stride):
        now = start + window
        future = values[now : now + horizon, [2, 0]].ravel()
        for name, (first, end) in spans.items():
            if first <= now and now + horizon <= end:
                expected[name].append((values[start:now], future))
    past = values[: max(len(expected["train"]) * stride - stride + window + horizon, 1)]
    covered = np.zeros(len(past), bool)
    for index in range(len(expected["train"])):
        covered[index * stride : index * stride + window + horizon] = True
    past = past[covered]
    for name in spans:
        inputs, targets = batches(getattr(data, name))
        wanted = [np.stack(part) for part in zip(*expected[name], strict=True)]
        wanted[0] = (wanted[0] - past.mean(axis=0)) / past.std(axis=0)
        order = np.argsort(targets[:, 0]), np.argsort(wanted[1][:, 0])  # training is shuffled
        np.testing.assert_allclose(targets[order[0]], wanted[1][order[1]], rtol=1e-5)
        np.testing.assert_allclose(inputs[order[0]], wanted[0][order[1]], atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"cache": False}, {"augment": "strong", "stride": 3}])
def test_another_future_changes_nothing_that_is_learned(options):
    def first_epoch(since):
        values = rising()
        values[since:] *= -50
        data = dk.data.from_series(values, window=10, horizon=2, batch_size=16, **options)
        scale = data.preprocessing.layers[-1]
        return [*batches(data.train), scale.mean, scale.variance], batches(data.val), data

    learned, validated, data = first_epoch(200)
    for since in (160, 144):  # the test span, and the validation span before it
        again, held, other = first_epoch(since)
        for part, same in zip(learned, again, strict=True):
            np.testing.assert_array_equal(part, same)
        alike = [np.array_equal(*parts) for parts in zip(validated, held, strict=True)]
        assert alike == [since == 160] * 2
        assert np.abs(batches(other.test)[1]).max() > 10 * np.abs(batches(data.test)[1]).max()


def test_the_summary_tells_variables_and_times(household, capsys):
    dk.data.load("household_power").summary()
    told = capsys.readouterr().out
    assert "variables      Global_active_power, Global_reactive_power, Voltage, " in told
    frame = pd.read_csv(household)
    days = frame["datetime"].str[:10].to_list()
    assert f"up to 64, targets {days[14]} to " in told
    assert f"up to 64, targets {days[len(days) - 289]} to {days[-1]}" in told  # a fifth, rounded up
    dk.data.from_series(rising(), window=5, batch_size=8, val_fraction=0).summary()
    told = capsys.readouterr().out
    assert "20 batches of up to 8, targets steps 5 to 159" in told
    assert "5 batches of up to 8, targets steps 160 to 199" in told


def test_a_cache_on_the_disk_and_another_ordered_split(tmp_path):
    data = dk.data.from_series(rising(), window=5, horizon=2, batch_size=8)
    cached = data.cache_to(tmp_path / "cache")
    for name in ("val", "test"):
        for part, same in zip(
            batches(getattr(cached, name)), batches(getattr(data, name)), strict=True
        ):
            np.testing.assert_array_equal(part, same)
    assert sorted(batches(cached.train)[1][:, 0]) == sorted(batches(data.train)[1][:, 0])
    split = data.resplit(val_fraction=0.4, ordered=True).origin.split
    assert split.train.max() + data.origin.overlap < split.val.min()


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


def test_columns_that_are_left_out_are_no_variables():
    table = {"town": ["Bern"] * 200, "x": np.arange(200.0), "y": np.arange(200.0) ** 2}
    data = dk.data.from_series(table, window=10, targets="x", drop=["town"])
    assert data.feature_names == ("x", "y") and data.input_spec["series"].shape == (10, 2)
    assert dk.data.load("etth1", drop="HUFL").input_spec["series"].shape == (96, 6)


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
        ({"augment": "some"}, "Each step of augment must be one of"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        dk.data.from_series(rising(), **{"window": 10, **options})
