"""Losses on class indices, and on probabilities where training mixes classes.

Keras's sparse losses take indices alone and its others one-hot rows alone. MixUp and CutMix give
training batches of probabilities (B, K) beside validation batches of indices (B,), under one loss.

A regression's loss can be counted in deviations of its targets, so that no gradient is hundreds of
times larger than the optimizers' learning rates are made for.
"""

from collections.abc import Sequence
from typing import Any

import keras

from dlkit.argument_validation import check_fraction
from dlkit.errors import InputError


def are_probabilities(y_true: Any, y_pred: Any) -> bool:
    """Return whether targets are probabilities of each class (B, K), and not indices (B,), (B, 1).

    Example:
        >>> import numpy as np
        >>> are_probabilities(np.eye(3), np.eye(3)), are_probabilities(np.arange(3), np.eye(3))
        (True, False)
    """
    classes = y_pred.shape[-1]
    return len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == classes > 1


def class_rows(y_true: Any, y_pred: Any) -> Any:
    """Return class indices, (B,) or (B, 1), as rows of zeros and a one, (B, K).

    Example:
        >>> import numpy as np
        >>> class_rows(np.array([1]), np.array([[0.5, 0.5]])).numpy().tolist()
        [[0.0, 1.0]]
    """
    if are_probabilities(y_true, y_pred):
        return keras.ops.cast(y_true, y_pred.dtype)
    if len(y_true.shape) == len(y_pred.shape):
        y_true = keras.ops.squeeze(y_true, axis=-1)  # (B, 1) -> (B,)
    indices = keras.ops.cast(y_true, "int32")
    return keras.ops.one_hot(indices, y_pred.shape[-1], dtype=y_pred.dtype)  # (B,) -> (B, K)


@keras.saving.register_keras_serializable(package="dlkit")
class ClassCrossentropy(keras.losses.SparseCategoricalCrossentropy):
    """Keras's sparse cross-entropy, which takes probabilities of the classes as well.

    Use it where training batches are mixed (MixUp, CutMix) and validation batches are not.

    Example:
        >>> import numpy as np
        >>> loss, halves = ClassCrossentropy(), np.array([[0.5, 0.5]])
        >>> [round(float(loss(labels, halves)), 4) for labels in (np.array([0]), halves)]
        [0.6931, 0.6931]
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss a sample (B,), for indices (B,) or probabilities (B, K)."""
        if are_probabilities(y_true, y_pred):
            return keras.losses.categorical_crossentropy(y_true, y_pred)
        return super().call(y_true, y_pred)


@keras.saving.register_keras_serializable(package="dlkit")
class SparseSmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy on class indices with label smoothing, which Keras's own sparse loss lacks.

    The label's class gets `1 - label_smoothing + label_smoothing / K`, each other class
    `label_smoothing / K`.

    Reference:
        Szegedy et al. 2015, Rethinking the Inception Architecture, arXiv:1512.00567, section 7.

    Args:
        label_smoothing: The share that is spread over all classes, in [0, 1). Defaults to 0.1.
        reduction: How the batch's losses become one. Defaults to `"sum_over_batch_size"`.
        name: The loss's name. Defaults to `"sparse_smoothed_crossentropy"`.
        dtype: The dtype of the computation. Defaults to `None`: float32.

    Example:
        >>> loss = SparseSmoothedCrossentropy(label_smoothing=0.0)
        >>> round(float(loss(keras.ops.array([0]), keras.ops.array([[0.5, 0.5]]))), 4)
        0.6931
    """

    def __init__(
        self,
        label_smoothing: float = 0.1,
        *,
        reduction: str = "sum_over_batch_size",
        name: str = "sparse_smoothed_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.label_smoothing = check_fraction("label_smoothing", label_smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss a sample (B,), for indices (B,) or probabilities (B, K)."""
        return keras.losses.categorical_crossentropy(
            class_rows(y_true, y_pred), y_pred, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this loss again."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="dlkit")
class SparseFocalLoss(keras.losses.Loss):
    """Focal loss on class indices: easy samples count less, `-(1 - p)^gamma * log(p)`.

    Use it where most samples are easy or a class is rare. Classes are not weighted (the paper's
    alpha is 1), as in Keras's `BinaryFocalCrossentropy`.

    Reference:
        Lin et al. 2017, Focal Loss for Dense Object Detection, arXiv:1708.02002.

    Args:
        gamma: How much less easy samples count, at least 0; 0 is cross-entropy. Defaults to 2.0.
        label_smoothing: The share of a label that is spread over all classes, in [0, 1).
            Defaults to 0.0.
        reduction: How the batch's losses become one. Defaults to `"sum_over_batch_size"`.
        name: The loss's name. Defaults to `"sparse_focal_loss"`.
        dtype: The dtype of the computation. Defaults to `None`: float32.

    Example:
        >>> loss = SparseFocalLoss()
        >>> round(float(loss(keras.ops.array([0]), keras.ops.array([[0.5, 0.5]]))), 4)
        0.1733
    """

    def __init__(
        self,
        gamma: float = 2.0,
        label_smoothing: float = 0.0,
        *,
        reduction: str = "sum_over_batch_size",
        name: str = "sparse_focal_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not gamma >= 0:
            raise InputError(f"gamma must be a number of at least 0. Received: gamma={gamma!r}.")
        self.gamma = float(gamma)
        self.label_smoothing = check_fraction("label_smoothing", label_smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss a sample (B,), for indices (B,) or probabilities (B, K)."""
        return keras.losses.categorical_focal_crossentropy(
            class_rows(y_true, y_pred),
            y_pred,
            alpha=1.0,
            gamma=self.gamma,
            label_smoothing=self.label_smoothing,
        )

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this loss again."""
        config = {"gamma": self.gamma, "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="dlkit")
class MarginLoss(keras.losses.Loss):
    """Margin loss on class indices, for numbers in [0, 1] that each speak of one class.

    `sum_k T_k max(0, 0.9 - v_k)^2 + 0.5 (1 - T_k) max(0, v_k - 0.1)^2`, where `T_k` is 1 for the
    label's class and 0 for others. Use it for the lengths of capsules.

    Reference:
        Sabour, Frosst & Hinton 2017, arXiv:1710.09829, equation 4.

    Args:
        reduction: How the batch's losses become one. Defaults to `"sum_over_batch_size"`.
        name: The loss's name. Defaults to `"margin_loss"`.
        dtype: The dtype of the computation. Defaults to `None`: float32.

    Example:
        >>> loss = MarginLoss()
        >>> round(float(loss(keras.ops.array([0]), keras.ops.array([[0.4, 0.3]]))), 4)
        0.27
    """

    def __init__(
        self,
        *,
        reduction: str = "sum_over_batch_size",
        name: str = "margin_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss a sample (B,), for indices (B,) or probabilities (B, K)."""
        rows = class_rows(y_true, y_pred)
        missing = keras.ops.square(keras.ops.relu(0.9 - y_pred))
        wrong = keras.ops.square(keras.ops.relu(y_pred - 0.1))
        return keras.ops.sum(rows * missing + 0.5 * (1 - rows) * wrong, axis=-1)


@keras.saving.register_keras_serializable(package="dlkit")
class ClassLoss(keras.losses.Loss):
    """A loss of Keras's that compares one-hot rows, on class indices as well.

    Args:
        loss: The `keras.losses.Loss`, or its config.
        reduction: How the batch's losses become one. Defaults to `"sum_over_batch_size"`.
        name: The loss's name. Defaults to `"class_loss"`.
        dtype: The dtype of the computation. Defaults to `None`: float32.

    Example:
        >>> loss = ClassLoss(keras.losses.KLDivergence())
        >>> round(float(loss(keras.ops.array([0]), keras.ops.array([[0.5, 0.5]]))), 4)
        0.6931
    """

    def __init__(
        self,
        loss: Any,
        *,
        reduction: str = "sum_over_batch_size",
        name: str = "class_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.loss = keras.losses.get(loss)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses for indices (B,) or probabilities (B, K)."""
        return self.loss.call(class_rows(y_true, y_pred), y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this loss again."""
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}


@keras.saving.register_keras_serializable(package="dlkit")
class ScaledLoss(keras.losses.Loss):
    """A regression's loss, counted in deviations of its targets instead of in their units.

    Use it where targets are hundreds, or one column is and another is not: squared errors of
    hundreds give gradients at which plain gradient descent diverges, and drown the other column.

    Args:
        loss: A `keras.losses.Loss` of differences, or its config.
        scale: The targets' standard deviation: a number, or one a column.
        reduction: How the batch's losses become one. Defaults to `"sum_over_batch_size"`.
        name: The loss's name. Defaults to `"scaled_loss"`.
        dtype: The dtype of the computation. Defaults to `None`: float32.

    Example:
        >>> loss = ScaledLoss(keras.losses.MeanSquaredError(), scale=100.0)
        >>> float(loss(keras.ops.array([[300.0]]), keras.ops.array([[100.0]])))
        4.0
    """

    def __init__(
        self,
        loss: Any,
        scale: float | Sequence[float],
        *,
        reduction: str = "sum_over_batch_size",
        name: str = "scaled_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.loss = keras.losses.get(loss)
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss a sample (B,), for targets and predictions in their units."""
        scale = keras.ops.cast(self.scale, y_pred.dtype)
        return self.loss.call(y_true / scale, y_pred / scale)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this loss again."""
        config = {"loss": keras.losses.serialize(self.loss), "scale": self.scale}
        return {**super().get_config(), **config}
