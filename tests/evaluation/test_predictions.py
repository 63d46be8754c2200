"""Predictions beside targets, and the confusion matrix, against scikit-learn and by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

import dlkit as dk
from dlkit.errors import InputError
from dlkit.evaluation.predictions import confusion_matrix, predict, to_classes


class Lookup(keras.layers.Layer):
    """Answers the probabilities that stand in a table at the row that the input names."""

    def __init__(self, table):
        super().__init__()
        self.table = tf.constant(table, tf.float32)

    def call(self, inputs):
        return tf.gather(self.table, tf.cast(tf.round(inputs[:, 0]), tf.int32))


def lookup_data(targets, table, **options):
    """Data whose inputs are row numbers, all in the test split, and a model that looks them up."""
    rows = np.arange(len(targets), dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), Lookup(table)])
    dataset = tf.data.Dataset.from_tensor_slices((rows, targets)).batch(4)
    data = dk.data.Data(
        train=dataset,
        val=None,
        test=dataset,
        input_spec={"features": tf.TensorSpec((1,), tf.float32)},
        **options,
    )
    return model, data


def test_multiclass_counts_are_those_made_by_hand():
    targets = np.array([0, 0, 0, 1, 1, 2])
    said = [0, 0, 2, 1, 0, 2]
    model, data = lookup_data(
        targets, np.eye(4)[said] * 0.7, name="x", task="multiclass", num_classes=4
    )
    counts = confusion_matrix(model, data)
    # row: true class; column: predicted class; a class that never comes has its row all the same
    np.testing.assert_array_equal(counts, [[2, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])


def test_binary_counts_are_those_made_by_hand():
    targets = np.array([0, 0, 1, 1, 1])
    table = [[0.1], [0.6], [0.9], [0.5], [0.51]]  # 0.5 itself is not above the threshold
    model, data = lookup_data(targets, table, name="x", task="binary", num_classes=2)
    np.testing.assert_array_equal(confusion_matrix(model, data), [[1, 1], [1, 2]])


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_counts_of_a_trained_model_are_scikit_learns(name):
    data = dk.data.load(name, batch_size=16)
    model = dk.models.build("perceptron", data, seed=1)
    model.fit(data.train, epochs=2, verbose=0)
    x, y = (np.concatenate(part) for part in zip(*data.test.as_numpy_iterator(), strict=True))
    probabilities = model.predict(x, verbose=0)
    said = probabilities.argmax(1) if name == "iris" else (probabilities[:, 0] > 0.5).astype(int)
    counts = confusion_matrix(model, data)
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(y, said))
    accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
    assert np.trace(counts) / counts.sum() == pytest.approx(accuracy)


def test_rows_stay_together_on_shuffled_data():
    x = np.random.default_rng(0).normal(size=(200, 3)).astype("float32")
    data = dk.data.from_arrays(x, x @ [1.0, 2.0, 3.0], batch_size=32)
    first, second = (np.concatenate([y for _, y in data.train]) for _ in range(2))
    assert not np.array_equal(first, second)  # the order does change from epoch to epoch

    # The targets are a linear function of the inputs: a model that holds it must give them back.
    (spec,) = data.input_spec.values()
    model = keras.Sequential([keras.Input(spec.shape), keras.layers.Dense(1)])
    raw = np.concatenate([np.eye(3), np.zeros((1, 3))]).astype("float32")
    scaled = data.preprocessing(raw).numpy()
    slope = np.array([1.0, 2.0, 3.0]) / np.diag(scaled[:3] - scaled[3])
    model.layers[0].set_weights([slope[:, None], np.array([-scaled[3] @ slope])])
    targets, predictions = predict(model, data.train)
    assert len(targets) == len(np.concatenate([y for _, y in data.train]))
    np.testing.assert_allclose(predictions[:, 0], targets.reshape(-1), atol=1e-4)


def test_predict_runs_the_model_for_use_and_not_for_training():
    data = dk.data.load("digits", batch_size=100)
    model = dk.models.build("mlp", data, units=16, dropout=0.9, normalization="batch", seed=0)
    _, predictions = predict(model, data.test)
    np.testing.assert_allclose(predictions, model.predict(data.test, verbose=0), atol=1e-6)


def test_classes_of_probabilities():
    np.testing.assert_array_equal(
        to_classes(np.array([[0.2, 0.5, 0.3], [0.9, 0.0, 0.1]]), "multiclass"), [1, 0]
    )
    for shape in ((3, 1), (3,)):
        found = to_classes(np.array([0.2, 0.5, 0.7]).reshape(shape), "binary")
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, [0, 0, 1])


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_a_task_without_exclusive_classes_is_refused(task):
    with pytest.raises(InputError, match=f"Received: task='{task}'"):
        to_classes(np.zeros((2, 3)), task)
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = x[:, 0] if task == "regression" else (x > 0).astype(int)
    data = dk.data.from_arrays(x, y, batch_size=8)
    with pytest.raises(InputError, match=f"Received: task='{task}'"):
        confusion_matrix(dk.models.build("perceptron", data), data)


def test_data_without_a_test_split_is_refused():
    model, data = lookup_data([0], [[1.0, 0.0]], name="mine", task="multiclass", num_classes=2)
    data = dk.data.Data(**{**vars(data), "test": None})
    for function in (confusion_matrix, dk.evaluation.plot_confusion_matrix):
        with pytest.raises(InputError, match="'mine' has no test split; give one to from_arrays"):
            function(model, data)
    with pytest.raises(InputError, match="'mine' has no test split"):
        dk.evaluation.plot_predictions(model, data)


def test_the_whole_data_in_place_of_a_split_is_refused():
    data = dk.data.load("iris")
    with pytest.raises(InputError, match=r"batches of a split, as data\.test\. Received: Data\."):
        predict(dk.models.build("perceptron", data), data)
