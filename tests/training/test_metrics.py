"""Accuracies of indices and of mixed targets, by hand."""

import keras
import numpy as np
import pytest
import sklearn.metrics as sk

from dlkit.training.metrics import (
    ClassAccuracy,
    ClassTopKAccuracy,
    LabelAccuracy,
    R2Score,
    SampleMean,
)

PREDICTED = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]], "float32")


def test_indices_and_mixed_rows_count_their_likeliest_class():
    mixed = np.array([[0.6, 0.4, 0], [0, 0.7, 0.3], [0.1, 0.9, 0]], "float32")
    expected = pytest.approx(2 / 3)
    for y_true in (np.array([0, 1, 1]), np.array([[0], [1], [1]]), mixed):
        assert float(ClassAccuracy()(y_true, PREDICTED)) == expected
    weighted = ClassAccuracy()
    weighted.update_state(mixed, PREDICTED, sample_weight=np.array([1.0, 2.0, 1.0]))
    assert float(weighted.result()) == pytest.approx(0.5)


def test_two_classes_in_a_column_are_indices_and_in_rows_are_probabilities():
    predicted = np.array([[0.9, 0.1], [0.2, 0.8]], "float32")
    assert float(ClassAccuracy()(np.array([[0], [1]]), predicted)) == 1
    assert float(ClassAccuracy()(np.array([[0.9, 0.1], [0.6, 0.4]]), predicted)) == 0.5


@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 2)])
def test_labels_may_be_mixed(shape):
    y_true = np.array([0.8, 0.2, 1, 0], "float32").reshape(shape)
    predicted = np.array([0.9, 0.9, 0.9, 0.1], "float32").reshape(
        shape if len(shape) > 1 else (4, 1)
    )
    assert float(LabelAccuracy()(y_true, predicted)) == pytest.approx(0.75)


def test_top_k_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    labels, guesses = rng.integers(0, 9, 40), rng.random((40, 9)).astype("float32")
    expected = sk.top_k_accuracy_score(labels, guesses, k=3, labels=range(9))
    for y_true in (labels, labels[:, None], 0.9 * np.eye(9)[labels] + 0.01):
        assert float(ClassTopKAccuracy(3)(y_true, guesses)) == pytest.approx(expected)
    assert float(ClassTopKAccuracy()(labels % 3, guesses[:, :3])) == 1  # 5 of 3 are all


def test_r2_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    targets = rng.normal(300, 50, 40).astype("float32")
    guesses = (targets + rng.normal(0, 20, 40)).astype("float32")[:, None]
    metric = R2Score()
    for rows in (slice(0, 7), slice(7, 40)):
        metric.update_state(targets[rows], guesses[rows])
    assert float(metric.result()) == pytest.approx(sk.r2_score(targets, guesses), rel=1e-3)


def test_a_mean_of_samples_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    labels, weights = rng.integers(0, 3, 40), rng.random(40)
    guesses = rng.dirichlet(np.ones(3), 40)
    expected = pytest.approx(sk.log_loss(labels, guesses, sample_weight=weights), rel=1e-5)
    for y_true in (labels, labels[:, None], np.eye(3)[labels]):
        metric = SampleMean(keras.losses.categorical_crossentropy)
        for rows in (slice(0, 7), slice(7, 40)):
            metric.update_state(y_true[rows], guesses[rows], weights[rows])
        assert float(metric.result()) == expected


@pytest.mark.parametrize(
    "metric",
    [
        ClassAccuracy(name="accuracy"),
        LabelAccuracy(threshold=0.4),
        ClassTopKAccuracy(2),
        R2Score(),
        SampleMean(keras.losses.hinge, name="hinge"),
    ],
)
def test_our_metrics_come_back_from_their_config(metric):
    config = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
