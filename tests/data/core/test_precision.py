"""Large numbers that differ little, in all kinds of data: against NumPy in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.core import precision

STEPS = 432
BASE = 1e8 + 3 * np.sin(np.arange(STEPS) / 5)
TIMES = 1_700_000_000_000 + 60_000 * np.random.default_rng(0).permutation(STEPS)  # ms since 1970


def inputs_of(data):
    """Return all training inputs, as numbers (n, columns), and check that they are float32."""
    batches = [x for x, _ in data.train.as_numpy_iterator()]
    assert {x.dtype for x in batches} == {np.dtype(np.float32)}
    return np.concatenate([x.reshape(-1, x.shape[-1]) for x in batches])


def scaled(values):
    return (values - values.mean(0)) / values.std(0)


def errors(data):
    return [one.what for one in data.check(show=False) if one.level == "error"]


@pytest.mark.parametrize(
    ("values", "lossy"),
    [
        (BASE, True),
        (TIMES, True),
        (TIMES.astype(str).astype(float), True),
        (np.append(TIMES, np.nan), True),
        (np.random.default_rng(0).normal(size=5000), False),
        (1013 + np.random.default_rng(0).normal(size=5000), False),
        (np.arange(2000.0, 2030), False),
        (np.full(9, 0.1), False),
        (np.array([0.3, 0.1 + 0.2] * 9), False),  # what they differ by is rounding
        (np.array([1e30, -1e30, 0, 1]), False),
        (np.array([0, 1e12]), False),
        (np.full(9, np.nan), False),
        (np.arange(200, dtype=np.uint8), False),
        (np.float32(BASE), False),  # lost before
    ],
)
def test_what_float32_rounds_away_is_found(values, lossy):
    assert bool(precision.lossy(values)) == lossy
    floats = values if values.dtype.kind == "f" else values.astype(float)
    assert precision.narrowed(floats).dtype == (np.float64 if lossy else np.float32)
    beside = (
        np.stack([np.arange(len(values)), values], axis=1) if values.dtype.kind == "f" else None
    )
    if beside is not None and values.dtype == np.float64:
        assert precision.lossy(beside) == [1] * lossy


@pytest.mark.parametrize("cache", [True, False])
def test_arrays(cache):
    x = np.stack([BASE, TIMES, np.arange(STEPS)], axis=1)
    data = dk.data.from_arrays(x, np.arange(STEPS) % 2, batch_size=16, cache=cache)
    rows = data.origin.split.train
    expected = (x - x[rows].mean(0)) / x[rows].std(0)
    np.testing.assert_array_equal(data.origin.raw(rows), x[rows])
    raw = tf.constant(data.origin.raw(np.arange(STEPS)))
    np.testing.assert_allclose(data.preprocessing(raw), expected, atol=1e-6)
    assert [len(np.unique(column)) for column in inputs_of(data).T] == [len(rows)] * 3
    assert not errors(data)


def test_the_test_split_is_not_rounded_either():
    x, y = BASE[:, np.newaxis], np.arange(STEPS) % 2
    data = dk.data.from_arrays(x[:400], y[:400], test=(x[400:], y[400:]), batch_size=16)
    np.testing.assert_array_equal(data.origin.raw(np.arange(STEPS)), x)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_images_of_whole_numbers(dtype):
    images = 10**8 + np.random.default_rng(0).integers(5, size=(60, 4, 4, 1))
    data = dk.data.from_arrays(images.astype(dtype), np.arange(60) % 2, batch_size=8)
    train = images[data.origin.split.train]
    values = np.unique((images - train.mean()) / train.std())
    np.testing.assert_allclose(np.unique(inputs_of(data)), values, atol=1e-5)


@pytest.mark.parametrize("cache", [True, False])
def test_tables(cache):
    table = {
        "at": [*TIMES[:-1].tolist(), None],
        "size": np.arange(STEPS) % 7,
        "kind": ["a", "b"] * 216,
    }
    data = dk.data.from_dataframe(
        table, "kind", batch_size=16, cache=cache, crosses=[("at", "size")]
    )
    types = {column.name: column.dtype for column in data.preprocessing.inputs}
    assert types == {"at": "float64", "size": "float32"}
    rows = data.origin.split.train
    found = data.preprocessing({k: tf.constant(v) for k, v in data.origin.raw(rows).items()})
    at = data.origin.raw(rows)["at"]
    filled = np.where(np.isnan(at), np.float32(np.nanmedian(at)), at)
    np.testing.assert_allclose(found[:, 0], scaled(filled), atol=1e-6)
    assert len(np.unique(inputs_of(data)[:, 0])) >= len(rows) - 1


@pytest.mark.parametrize("cache", [True, False])
def test_series_and_their_targets(cache):
    data = dk.data.from_series(BASE, window=12, batch_size=16, cache=cache)
    past = BASE[: data.origin.split.train[-1] + 13]
    np.testing.assert_allclose(np.unique(inputs_of(data)), np.unique(scaled(past)[:-1]), atol=1e-6)
    # The inputs are told apart; the outputs of a network, float32, cannot be.
    assert errors(data) == ["targets"]
    assert not errors(dk.data.from_series(BASE - 1e8, window=12, batch_size=16))


def test_targets_keep_their_mean_and_deviation(tmp_path):
    x = np.random.default_rng(0).normal(size=(STEPS, 2))
    data = dk.data.from_arrays(x, BASE, batch_size=16)
    assert errors(data) == ["targets"]
    model = dk.data.rescale_outputs(dk.models.build("mlp", data, units=(4,)), data)
    train = BASE[data.origin.split.train]
    assert model.layers[-1].scale == pytest.approx(train.std(), rel=1e-9)
    assert model.layers[-1].offset == pytest.approx(train.mean(), rel=1e-12)
    (_, targets), *_ = data.cache_to(tmp_path / "cache").train.as_numpy_iterator()
    assert np.isin(targets, BASE).all()


def test_ratings_and_graphs_are_told():
    ratings = {"user": np.arange(200) % 20, "item": np.arange(200) % 9, "rating": BASE[:200]}
    data = dk.data.from_ratings(ratings, user="user", item="item", rating="rating", batch_size=16)
    assert "targets" in errors(data)
    ring = [(i, (i + 1) % 40) for i in range(40)]
    features = np.random.default_rng(0).normal(size=(40, 2))
    options = {"edges": ring, "labels": [0] * 20 + [1] * 20, "batch_size": 8}
    assert errors(dk.data.from_graph(features + np.array([0, 1e8]), **options)) == ["large numbers"]
    assert not errors(dk.data.from_graph(features, **options))


def test_an_export_tells_them_apart(tmp_path):
    x = BASE[:, np.newaxis]
    data = dk.data.from_arrays(x, np.arange(STEPS) % 2, batch_size=16)
    model = dk.models.build("perceptron", data)
    path = dk.export.saved_model(model, tmp_path / "served", data=data)
    signature = tf.saved_model.load(path).signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    assert spec.dtype == tf.float64
    (served,) = signature(**{spec.name: tf.constant(x)}).values()
    trained = model.predict(data.preprocessing(tf.constant(x)), verbose=0)
    np.testing.assert_allclose(served.numpy().ravel(), trained.ravel(), atol=1e-6)
    assert len(np.unique(served)) > 300
    data.preprocessing.save(tmp_path / "preprocessing.keras")
    loaded = keras.models.load_model(tmp_path / "preprocessing.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(tf.constant(x)), data.preprocessing(tf.constant(x)))
