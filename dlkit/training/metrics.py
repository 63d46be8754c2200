"""Accuracies that take class indices, and probabilities where training mixes classes."""

from typing import Any

import keras

from dlkit.training.losses import are_probabilities


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
        if are_probabilities(y_true, y_pred):
            y_true = keras.ops.argmax(y_true, axis=-1)
        return super().update_state(y_true, y_pred, sample_weight)


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
        y_true = keras.ops.cast(keras.ops.cast(y_true, "float32") > self.threshold, "float32")
        return super().update_state(y_true, y_pred, sample_weight)
