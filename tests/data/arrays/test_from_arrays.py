"""`from_arrays`: splits, preprocessing, determinism, and each wrong input with its sentence."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.preprocessing import StandardScaler

import dlkit as dk
from dlkit.errors import InputError


def batches(dataset):
    """Return all inputs and targets of a dataset, in the order in which it gives them."""
    inputs, targets = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(inputs), np.concatenate(targets)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -1.0]
    return x, rng.integers(0, 4, 200)


def test_every_example_is_in_exactly_one_split(table):
    x, y = table
    x = x.copy()
    x[:, 0] = np.arange(200)  # a number to know each example by
    data = dk.data.from_arrays(x, y, val_fraction=0.25)
    undo = data.preprocessing.layers[-1]
    seen = [
        batches(split)[0][:, 0] * float(np.sqrt(undo.input_variance[0])) + undo.input_mean[0]
        for split in (data.train, data.val, data.test)
    ]
    assert [len(part) for part in seen] == [120, 40, 40]
    assert sorted(np.concatenate(seen).round().astype(int)) == list(range(200))


def test_splits_are_stratified():
    y = np.repeat([0, 1, 2], [500, 300, 200])
    data = dk.data.from_arrays(np.random.default_rng(0).normal(size=(1000, 2)), y)
    for split in (data.train, data.val, data.test):
        shares = np.bincount(batches(split)[1]) / len(batches(split)[1])
        np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.01)


def test_standardisation_is_learned_on_the_training_split_only(table):
    x, y = table
    test = (x[150:] * 1000, y[150:])  # would move mean and variance far if it were seen
    data = dk.data.from_arrays(x[:150], y[:150], test=test, val_fraction=0)
    expected = StandardScaler().fit(x[:150])
    np.testing.assert_allclose(batches(data.test)[0], expected.transform(test[0]), rtol=1e-4)
    train = batches(data.train)[0]
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(0), 1, atol=1e-5)


def test_image_channels_are_standardised_and_grey_gets_a_channel_axis():
    images = np.random.default_rng(0).integers(0, 256, (60, 6, 5)).astype(np.uint8)
    data = dk.data.from_arrays(images, np.arange(60) % 2, val_fraction=0, batch_size=8)
    assert data.input_spec["image"].shape == (6, 5, 1)
    assert data.preprocessing.inputs[0].dtype == "uint8"
    train = batches(data.train)[0]
    np.testing.assert_allclose([train.mean(), train.std()], [0, 1], atol=1e-5)
    raw, targets = data.examples
    np.testing.assert_allclose(data.preprocessing(raw), batches(data.test)[0][:32], atol=1e-6)
    np.testing.assert_array_equal(targets, batches(data.test)[1][:32])


def test_a_constant_feature_becomes_zero_and_not_nan():
    x = np.random.default_rng(0).normal(size=(50, 2))
    x[:, 1] = 7.0
    data = dk.data.from_arrays(x, x[:, 0] > 0, batch_size=8)
    np.testing.assert_array_equal(batches(data.train)[0][:, 1], 0.0)


@pytest.mark.parametrize("augment", [None, "shift", "flip"])
def test_same_seed_same_batches_and_each_epoch_another_order(augment):
    images = np.random.default_rng(0).integers(0, 256, (90, 8, 8)).astype(np.uint8)
    y = np.arange(90) % 3
    first, again, other = (
        dk.data.from_arrays(images, y, seed=seed, augment=augment).train for seed in (1, 1, 2)
    )
    one, two = batches(first), batches(first)
    np.testing.assert_array_equal(batches(again)[0], one[0])
    np.testing.assert_array_equal(batches(again)[0], two[0])
    assert not np.array_equal(one[0], two[0])
    assert not np.array_equal(batches(other)[0], one[0])


def test_without_cache_the_batches_are_the_same(table):
    cached, not_cached = (dk.data.from_arrays(*table, cache=cache).train for cache in (True, False))
    np.testing.assert_allclose(batches(cached)[0], batches(not_cached)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (["b", "a", "b", "a"] * 10, "binary", ("a", "b")),
        ([10, 2, 1, 2] * 10, "multiclass", ("1", "2", "10")),
        (np.eye(3)[[0, 1, 2, 1] * 10], "multiclass", ("0", "1", "2")),
        (np.array([[0, 1], [1, 1], [0, 0], [1, 0]] * 10), "multilabel", None),
        (np.linspace(0, 1, 40), "regression", None),
        (np.random.default_rng(0).normal(size=(40, 2)), "regression", None),
    ],
)
def test_the_task_is_read_from_the_targets(y, task, classes):
    data = dk.data.from_arrays(np.random.default_rng(0).normal(size=(40, 2)), y, batch_size=8)
    assert (data.task, data.class_names) == (task, classes)


def test_labels_of_bytes_are_texts():
    data = dk.data.from_arrays(np.zeros((20, 2)), np.array([b"no", b"yes"] * 10), batch_size=4)
    assert data.class_names == ("no", "yes")


def test_labels_keep_their_meaning():
    x = np.arange(40.0)[:, np.newaxis]
    data = dk.data.from_arrays(x, ["low"] * 20 + ["high"] * 20, val_fraction=0, batch_size=8)
    inputs, targets = batches(data.test)
    names = [data.class_names[target] for target in targets]
    assert names == ["low" if value < 0 else "high" for value in inputs[:, 0]]


@pytest.mark.parametrize(
    ("name", "kind", "metric", "baseline", "wanted"),
    [
        # The larger class's share of the test split, and what a network reaches.
        ("breast_cancer", "features", "accuracy", 72 / 114, 0.95),
        ("digits", "image", "accuracy", 37 / 360, 0.9),
        # The mean of the training split, by its mean absolute error.
        ("diabetes", "features", "mae", 59.08, 50),
    ],
)
def test_a_small_network_beats_the_baseline_and_is_served_raw_rows(
    name, kind, metric, baseline, wanted, tmp_path
):
    data = dk.data.load(name, batch_size=16, augment=False)
    labels, known = batches(data.test)[1], batches(data.train)[1]
    if metric == "accuracy":
        assert np.bincount(labels).max() / len(labels) == baseline
    else:
        assert np.abs(labels - known.mean()).mean() == pytest.approx(baseline, abs=0.01)
    model = dk.models.build("mlp", data, units=(32,), seed=0, learning_rate=0.01)
    model.fit(data.train, epochs=8 if metric == "accuracy" else 40, verbose=0)
    reached = model.evaluate(data.test, verbose=0, return_dict=True)[metric]
    assert (reached > wanted > baseline) or (reached < wanted < baseline)

    version = dk.export.saved_model(model, tmp_path / name, data=data)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    raw = data.origin.raw(data.origin.split.test)
    (answer,) = served(**{kind: tf.constant(raw)}).values()
    np.testing.assert_allclose(answer, model.predict(data.test, verbose=0), rtol=1e-5, atol=1e-5)


GOOD_X, GOOD_Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2


@pytest.mark.parametrize(
    ("x", "y", "options", "sentence"),
    [
        (GOOD_X[:0], GOOD_Y[:0], {}, r"x is empty: shape \(0, 3\)"),
        (GOOD_X[0], GOOD_Y, {}, r"x must have 2 axes .* Received shape \(3,\)"),
        (np.array([["a"]] * 40), GOOD_Y, {}, "x must hold numbers. Received an array of <U1"),
        (np.where(GOOD_X > 2, np.nan, GOOD_X), GOOD_Y, {}, "holds NaN or infinity, first in exa"),
        (GOOD_X, GOOD_Y[:39], {}, "40 inputs and 39 targets"),
        (GOOD_X, np.where(GOOD_Y, np.inf, 0.5), {}, "y holds NaN or infinity, first in example 1"),
        (GOOD_X, GOOD_Y, {"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        (GOOD_X, GOOD_Y, {"val_fraction": 1.0}, r"val_fraction must be in \[0, 1\)"),
        (GOOD_X, GOOD_Y, {"seed": -1}, "seed must be a whole number of at least 0"),
        (GOOD_X, GOOD_Y, {"task": "binery"}, "Did you mean 'binary'"),
        (GOOD_X, GOOD_Y, {"augment": "flip"}, "augment='flip' moves pixels and needs images"),
        (GOOD_X, GOOD_Y * 0, {}, r"All targets are of one class \('0'\)"),
        (GOOD_X, GOOD_Y * 5, {"class_names": "ab"}, "Labels must be 0 to 1 for 2 classes. .* 5"),
        (GOOD_X, GOOD_Y - 1, {"class_names": "ab"}, "Received label -1"),
        (GOOD_X, ["a", "a ", " b", "c"] * 10, {}, "Labels 'a' and 'a ' differ in blanks alone"),
        (GOOD_X, ["a", "x"] * 20, {"class_names": "ab"}, "Label 'x' is not one of the 2 classes"),
        (GOOD_X, np.arange(40) % 3, {"task": "binary"}, "needs exactly 2 classes. Received 3"),
        (GOOD_X, GOOD_X[:, 0], {"task": "multiclass"}, "must be classes. Received numbers like"),
        (GOOD_X, GOOD_X, {"task": "multilabel"}, "'multilabel' must be 0 or 1. Received"),
        (GOOD_X, GOOD_Y, {"task": "multilabel"}, r"must be numbers of shape \(n, columns\)"),
        (GOOD_X, np.ones((40, 2), int), {"task": "multiclass"}, "rows that are not one-hot"),
        (GOOD_X, np.arange(40), {}, "A stratified split of 40 examples into a part of 8 cannot"),
        (GOOD_X, GOOD_Y, {"test": (GOOD_X[:, :2], GOOD_Y)}, r"shape of one of x, \(3,\)"),
        (GOOD_X, GOOD_Y, {"test": (GOOD_X, GOOD_Y + 1)}, "Label '2' is not one of the 2 classes"),
        (GOOD_X, GOOD_Y, {"test": (GOOD_X,)}, r"test must be \(x, y\) .* Received: tuple of 1"),
        (GOOD_X, GOOD_Y, {"class_names": "aa"}, "must differ. Received 'a' as class 0 and as cl"),
        (GOOD_X, GOOD_Y, {"val_fraction": 0.98}, "0.98 of 32 examples leaves 0 .* at least 2 are"),
        (GOOD_X, GOOD_X[:, 0], {"val_fraction": 0.98}, "leaves 0 to train on, and at least 1 is"),
        (GOOD_X, ["a", None] * 20, {}, "y has no target in example 1: None; fill"),
        (GOOD_X, np.array(["a", np.nan] * 20, object), {}, "y has no target in example 1: nan"),
        (GOOD_X, [["a"], ["a", "b"]] * 20, {}, "y must hold as many targets for each example"),
        ([[1, 2], [3]] * 20, GOOD_Y, {}, "x must hold as many numbers for each .* differ in len"),
        (GOOD_X, GOOD_X[:, 0] * 1e300, {}, r"y holds [-\d.]+e\+29\d, and float32 holds numbers"),
        (GOOD_X * 1e300, GOOD_Y, {}, "x holds a number beyond 3.4e38, .* first in example 0"),
        (GOOD_X, GOOD_Y[:, None, None], {}, r"one row of targets .* Received shape \(40, 1, 1\)"),
    ],
)
def test_a_wrong_input_is_told_in_one_sentence(x, y, options, sentence):
    with pytest.raises(InputError, match=sentence):
        dk.data.from_arrays(x, y, **{"batch_size": 8, **options})
