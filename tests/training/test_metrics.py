"""Accuracies of indices and of mixed targets, by hand."""

import keras
import numpy as np
import pytest

from dlkit.training.metrics import ClassAccuracy, LabelAccuracy

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


@pytest.mark.parametrize("metric", [ClassAccuracy(name="accuracy"), LabelAccuracy(threshold=0.4)])
def test_our_metrics_come_back_from_their_config(metric):
    config = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
