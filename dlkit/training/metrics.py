"""Accuracies and means that take class indices, and probabilities where training mixes classes."""

from typing import Any

import keras
from keras import ops

from dlkit.training.losses import are_probabilities, class_rows


@keras.saving.register_keras_serializable(package="dlkit")
class ClassAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Keras's sparse accuracy, which takes probabilities (B, K) as well: their likeliest class.

    Example:
        >>> import numpy as np
        >>> accuracy = ClassAccuracy()
        >>> print(float(accuracy(np.array([[0.6, 0.4], [0.1, 0.9]]), np.array([[0.9, 0.1]] * 2))))
        0.5
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch: indices (B,) or probabilities (B, K), and predictions (B, K)."""
        return super().update_state(_indices(y_true, y_pred), y_pred, sample_weight)


@keras.saving.register_keras_serializable(package="dlkit")
class ClassTopKAccuracy(keras.metrics.SparseTopKCategoricalAccuracy):
    """Keras's sparse top-k accuracy, which takes probabilities (B, K) as well.

    Example:
        >>> import numpy as np
        >>> print(float(ClassTopKAccuracy(k=2)(np.array([1]), np.array([[0.5, 0.3, 0.2]]))))
        1.0
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch: indices (B,) or probabilities (B, K), and predictions (B, K)."""
        y_pred = ops.cast(y_pred, "float32")
        return super().update_state(_indices(y_true, y_pred), y_pred, sample_weight)


@keras.saving.register_keras_serializable(package="dlkit")
class LabelAccuracy(keras.metrics.BinaryAccuracy):
    """Keras's binary accuracy, which takes probabilities as labels as well: 1 above the threshold.

    Example:
        >>> import numpy as np
        >>> print(float(LabelAccuracy()(np.array([0.7, 0.2]), np.array([0.9, 0.9]))))
        0.5
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch of labels and predictions."""
        y_true = ops.cast(ops.cast(y_true, "float32") > self.threshold, "float32")
        return super().update_state(y_true, y_pred, sample_weight)


@keras.saving.register_keras_serializable(package="dlkit")
class SampleMean(keras.metrics.MeanMetricWrapper):
    """The mean over samples of a loss function, for labels as dlkit makes them.

    Keras's own functions take one-hot rows where these are class indices, and a column (B, 1) where
    these are (B,).

    Example:
        >>> import numpy as np
        >>> divergence = SampleMean(keras.losses.kl_divergence, name="kl_divergence")
        >>> print(round(float(divergence(np.array([0]), np.array([[0.5, 0.5]]))), 4))
        0.6931
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(fn, name=name, dtype=dtype)
        self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch of labels and predictions."""
        y_pred = ops.cast(y_pred, "float32")
        return super().update_state(label_rows(y_true, y_pred), y_pred, sample_weight)


@keras.saving.register_keras_serializable(package="dlkit")
class R2Score(keras.metrics.R2Score):
    """Keras's share of the variance explained, which takes targets (B,) beside outputs (B, 1).

    Example:
        >>> import numpy as np
        >>> print(float(R2Score()(np.array([1.0, 3.0]), np.array([[1.0], [3.0]]))))
        1.0
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch of targets and predictions."""
        y_true = ops.reshape(y_true, ops.shape(y_pred))
        return super().update_state(y_true, y_pred, sample_weight)


def label_rows(y_true: Any, y_pred: Any) -> Any:
    """Return labels in the shape of the predictions: one-hot rows, or what they are.

    Example:
        >>> import numpy as np
        >>> label_rows(np.array([1]), np.array([[0.5, 0.5]])).shape.as_list()
        [1, 2]
    """
    if y_pred.shape[-1] > 1:
        return class_rows(y_true, y_pred)
    return ops.reshape(y_true, ops.shape(y_pred))


def _indices(y_true: Any, y_pred: Any) -> Any:
    """Return labels as class indices."""
    return ops.argmax(y_true, axis=-1) if are_probabilities(y_true, y_pred) else y_true
