"""What a model predicts for a split, beside what is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import InputError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from dlkit.data.data import Data


def predict(model: keras.Model, dataset: tf.data.Dataset) -> tuple[Any, Any]:
    """Return the targets and the predictions of a dataset, row for row.

    Iterating a shuffled dataset twice gives two orders; this goes through it once.

    Args:
        model: A model that takes the dataset's inputs.
        dataset: Batches of `(inputs, targets)` or `(inputs, targets, weights)`.

    Returns:
        Targets and predictions, the examples along the first axis of each; arrays by name where the
        dataset or the model has them so, as boxes.

    Raises:
        InputError: when `dataset` is no dataset, as the whole of a `Data`.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("iris")
        >>> targets, predictions = predict(dk.models.build("mlp", data), data.test)
        >>> targets.shape, predictions.shape
        ((30,), (30, 3))
    """
    import keras
    import tensorflow as tf

    if not hasattr(dataset, "element_spec"):
        raise InputError(
            "predict takes the batches of a split, as data.test. Received:"
            f" {type(dataset).__name__}."
        )
    targets = []

    def inputs() -> Iterator[tf.Tensor]:
        for x, y, *_ in dataset:
            targets.append(keras.tree.map_structure(np.asarray, y))
            yield x

    spec = dataset.element_spec[0]
    batches = tf.data.Dataset.from_generator(inputs, output_signature=spec)
    counted = tf.data.experimental.assert_cardinality(dataset.cardinality())
    predictions = model.predict(batches.apply(counted), verbose=0)
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *targets), predictions


def to_classes(predictions: np.ndarray, task: str) -> np.ndarray:
    """Return the class indices (N,) that probabilities stand for.

    Args:
        predictions: One probability (N, 1) for binary, one a class (N, classes) for multiclass.
        task: `"binary"` or `"multiclass"`.

    Raises:
        InputError: for a task without exclusive classes.

    Example:
        >>> to_classes(np.array([[0.2], [0.7]]), "binary")
        array([0, 1])
    """
    if task == "binary":
        return (predictions.reshape(len(predictions)) > 0.5).astype(np.int64)
    if task == "multiclass":
        return predictions.argmax(axis=-1)
    raise InputError(
        f"Classes are compared for task 'binary' or 'multiclass'. Received: task={task!r}."
    )


def confusion_matrix(model: keras.Model, data: Data) -> np.ndarray:
    """Count the test examples of each class (row) by the class that the model sees (column).

    Args:
        model: A classifier.
        data: A `Data` record with a test split.

    Returns:
        Whole numbers (classes, classes).

    Raises:
        InputError: when the task has no exclusive classes, or there is no test split.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("iris")
        >>> int(confusion_matrix(dk.models.build("mlp", data), data).sum())
        30
    """
    from sklearn import metrics

    targets, predictions = predict(model, check_test_split(data))
    classes = to_classes(predictions, data.task)
    return metrics.confusion_matrix(targets, classes, labels=range(data.num_classes))


def check_test_split(data: Data) -> tf.data.Dataset:
    """Return the test split of a record.

    Raises:
        InputError: when there is none.
    """
    if data.test is None:
        raise InputError(f"'{data.name}' has no test split; give one to from_arrays(test=...).")
    return data.test
