"""Scores of each class against the rest: precision, recall, F1, IoU, areas under curves.

Keras's own compare one-hot rows, or one column: on class indices (B,) they fail, and on a column of
them (B, 1) they count something else without a word. Here each class is a column, whatever the
labels look like:

    labels (B,), (B, 1) or (B, K)  ->  rows (B, K) of 0 and 1  ->  counts of each class

Counts are kept over batches, and a score is made of all of them. A class that neither labels nor
predictions name is left out of a mean over classes.
"""

from typing import Any

import keras
from keras import ops

from dlkit.training.losses import class_rows


class _Counts(keras.metrics.F1Score):
    """Keras's counts of each class, made of any labels; a subclass says what score they give."""

    title = ""  # Keras numbers the names that it gives itself

    def __init__(
        self,
        average: str | None = "macro",
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(average, threshold, name or self.title, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch of labels and predictions."""
        y_true, y_pred, sample_weight = _columns(y_true, y_pred, sample_weight)
        if self.threshold is not None or y_pred.shape[-1] == 1:
            y_pred = ops.cast(y_pred > (self.threshold or 0.5), "float32")
        else:  # one class each, where two are equally likely too
            y_pred = ops.one_hot(ops.argmax(y_pred, axis=-1), y_pred.shape[-1])
        return super().update_state(y_true, y_pred, sample_weight)

    def _score(self, right: Any, extra: Any, missed: Any) -> Any:
        """Return the score of counts: true positives, false positives, false negatives."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the mean over classes, or each class's score by name for `average=None`."""
        counts = self.true_positives, self.false_positives, self.false_negatives
        scores, present = self._score(*counts), sum(counts) > 0
        if self.average is None:
            return {f"{self.name}_{k}": scores[k] for k in range(scores.shape[0])}
        weights = self.intermediate_weights if self.average == "weighted" else present
        weights = ops.cast(weights, scores.dtype)
        return ops.divide_no_nan(ops.sum(scores * weights), ops.sum(weights))


@keras.saving.register_keras_serializable(package="dlkit")
class F1Score(_Counts):
    """F1: the harmonic mean of precision and recall, of each class against the rest.

    Args:
        average: `"macro"` is the mean over classes, `"weighted"` the mean by how often they occur,
            `"micro"` pools their counts, and `None` gives each class its own, as `f1_score_0`.
            Defaults to `"macro"`.
        threshold: Labels above it are predicted. Defaults to `None`: the likeliest class, or for
            one output a class above 0.5. Several labels an example (multilabel) need one.
        name: The metric's name. Defaults to `None`: `"f1_score"`.
        dtype: The dtype of the counts. Defaults to `None`: float32.

    Example:
        >>> import numpy as np
        >>> labels, guesses = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
        >>> print(round(float(F1Score()(labels, guesses)), 4))
        0.6667
        >>> sorted(F1Score(average=None)(labels, guesses))
        ['f1_score_0', 'f1_score_1']
    """

    title = "f1_score"

    def _score(self, right: Any, extra: Any, missed: Any) -> Any:
        """Return `2 TP / (2 TP + FP + FN)`."""
        return ops.divide_no_nan(2 * right, 2 * right + extra + missed)


@keras.saving.register_keras_serializable(package="dlkit")
class Precision(_Counts):
    """Precision: the share of a class's predictions that are right.

    Args:
        average: As in `F1Score`. Defaults to `"macro"`.
        threshold: As in `F1Score`. Defaults to `None`.
        name: The metric's name. Defaults to `None`: `"precision"`.
        dtype: The dtype of the counts. Defaults to `None`: float32.

    Example:
        >>> import numpy as np
        >>> print(float(Precision()(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))))
        0.25
    """

    title = "precision"

    def _score(self, right: Any, extra: Any, missed: Any) -> Any:
        """Return `TP / (TP + FP)`."""
        return ops.divide_no_nan(right, right + extra)


@keras.saving.register_keras_serializable(package="dlkit")
class Recall(_Counts):
    """Recall: the share of a class's examples that are found.

    Args:
        average: As in `F1Score`. Defaults to `"macro"`.
        threshold: As in `F1Score`. Defaults to `None`.
        name: The metric's name. Defaults to `None`: `"recall"`.
        dtype: The dtype of the counts. Defaults to `None`: float32.

    Example:
        >>> import numpy as np
        >>> print(float(Recall()(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))))
        0.5
    """

    title = "recall"

    def _score(self, right: Any, extra: Any, missed: Any) -> Any:
        """Return `TP / (TP + FN)`."""
        return ops.divide_no_nan(right, right + missed)


@keras.saving.register_keras_serializable(package="dlkit")
class MeanIoU(_Counts):
    """Mean intersection over union (the Jaccard index); one output stands for two classes.

    Args:
        average: As in `F1Score`. Defaults to `"macro"`.
        threshold: As in `F1Score`. Defaults to `None`.
        name: The metric's name. Defaults to `None`: `"mean_io_u"`.
        dtype: The dtype of the counts. Defaults to `None`: float32.

    Example:
        >>> import numpy as np
        >>> print(float(MeanIoU()(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))))
        0.25
    """

    title = "mean_io_u"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch of labels and predictions."""
        if y_pred.shape[-1] == 1:
            above = ops.cast(ops.convert_to_tensor(y_pred) > (self.threshold or 0.5), "float32")
            y_pred = ops.concatenate([1 - above, above], axis=-1)  # (B, 1) -> (B, 2)
            y_true = ops.cast(ops.cast(y_true, "float32") > 0.5, "int32")
        return super().update_state(y_true, y_pred, sample_weight)

    def _score(self, right: Any, extra: Any, missed: Any) -> Any:
        """Return `TP / (TP + FP + FN)`."""
        return ops.divide_no_nan(right, right + extra + missed)


@keras.saving.register_keras_serializable(package="dlkit")
class AUC(keras.metrics.AUC):
    """Area under the ROC or precision-recall curve: the mean over classes, each against the rest.

    It is Keras's, at more thresholds, which lie closer where probabilities do: near 0 and 1. The
    area depends on the order of the predictions alone, so that they may be stretched. A class of
    which there are no examples, or nothing else, has no area and is left out.

    Args:
        curve: `"ROC"` or `"PR"`. Defaults to `"ROC"`.
        num_thresholds: In how many steps the curve is followed. Defaults to 1000.
        name: The metric's name. Defaults to `"auc"`.
        dtype: The dtype of the counts. Defaults to `None`: float32.

    Example:
        >>> import numpy as np
        >>> print(float(AUC()(np.array([0, 1, 1]), np.array([[0.1], [0.3], [0.2]]))))
        1.0
    """

    def __init__(
        self, curve: str = "ROC", num_thresholds: int = 1000, name: str = "auc", dtype: Any = None
    ) -> None:
        super().__init__(num_thresholds, curve, name=name, dtype=dtype, multi_label=True)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch of labels and predictions."""
        y_true, y_pred, sample_weight = _columns(y_true, y_pred, sample_weight)
        return super().update_state(y_true, stretched(y_pred), sample_weight)

    def result(self) -> Any:
        """Return the mean area of the classes that have one."""
        positives = self.true_positives[0] + self.false_negatives[0]
        negatives = self.true_negatives[0] + self.false_positives[0]
        self.label_weights = ops.cast((positives > 0) & (negatives > 0), "float32")
        try:
            return super().result()
        finally:
            self.label_weights = None

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this metric again."""
        config = {"curve": self.curve.value, "num_thresholds": self.num_thresholds}
        return {**config, "name": self.name, "dtype": self.dtype}


def _columns(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return labels as rows of 0 and 1, predictions, and weights, all (rows, K) or (rows,)."""
    y_pred = ops.cast(y_pred, "float32")
    y_true = ops.convert_to_tensor(y_true)
    classes = y_pred.shape[-1]
    if classes > 1:
        y_true = class_rows(y_true, y_pred)
    if sample_weight is not None:  # one an example, for each of its steps or pixels
        weight = ops.cast(sample_weight, "float32")
        while len(weight.shape) < len(y_pred.shape):
            weight = ops.expand_dims(weight, -1)
        sample_weight = ops.reshape(weight * ops.ones_like(y_pred[..., :1]), (-1,))
    labels = ops.cast(ops.cast(ops.reshape(y_true, (-1, classes)), "float32") > 0.5, "float32")
    return labels, ops.reshape(y_pred, (-1, classes)), sample_weight


def stretched(y_pred: Any) -> Any:
    """Return probabilities in the same order, with those near 0 and 1 as far apart as the others.

    Of a rare class all may be below 0.005, where Keras's 200 equal steps see a single value.
    """
    inside = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    odds = ops.log(inside) - ops.log1p(-inside)  # -16.1 to 16.1
    return (ops.clip(y_pred, 0, 1) + odds / 32.3 + 0.5) / 2
