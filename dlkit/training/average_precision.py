"""Mean average precision: how good the boxes are that a detector finds.

detections -> right or wrong, image by image -> counts of each class and step of the score
-> precision at each recall -> area -> mean over the classes
"""

from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.training.detection import overlap
from dlkit.training.scores import stretched


@keras.saving.register_keras_serializable(package="dlkit")
class MeanAveragePrecision(keras.metrics.Metric):
    """Mean average precision: the area under each class's precision-recall curve, and their mean.

    A detection is right where it overlaps an object of its class and no surer one has found that
    object. Precisions are those of the best threshold at each recall or above (all points, as since
    VOC 2010). What is kept is how many detections were right and wrong in each of `num_thresholds`
    steps of their score, so that it needs as much memory for a million images as for one;
    detections whose scores fall into one step count as equally sure. Classes without an object are
    left out of the mean.

    Reference:
        Everingham, Van Gool, Williams, Winn & Zisserman 2010, The Pascal Visual Object Classes
        (VOC) Challenge, IJCV 88(2), section 4.2.

    Args:
        iou_threshold: Intersection over union from which a detection is right, above 0 and up to 1.
            Defaults to 0.5.
        average: `"macro"` is the mean over classes, and `None` gives each class its own, as
            `mean_average_precision_0`. Defaults to `"macro"`.
        num_thresholds: Steps of the scores. Defaults to 1000.
        name: The metric's name. Defaults to `"mean_average_precision"`.
        dtype: The dtype of the counts. Defaults to `None`: float32.

    Raises:
        InputError: for a threshold that nothing, or everything, reaches, or another value that
            cannot be used.

    Example:
        >>> import numpy as np
        >>> from dlkit.training.detection import to_rows
        >>> truth = {"boxes": np.array([[[0.0, 0.0, 0.5, 0.5]]]), "classes": np.array([[0]])}
        >>> found = {**truth, "scores": np.array([[0.9]])}
        >>> print(float(MeanAveragePrecision()(to_rows(truth, 2), to_rows(found, 2))))
        1.0
    """

    def __init__(
        self,
        iou_threshold: float = 0.5,
        average: str | None = "macro",
        num_thresholds: int = 1000,
        name: str = "mean_average_precision",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not 0 < iou_threshold <= 1:
            raise InputError(
                "iou_threshold must be above 0 and at most 1."
                f" Received: iou_threshold={iou_threshold!r}."
            )
        if average not in ("macro", None):
            raise InputError(f"average must be 'macro' or None. Received: average={average!r}.")
        self.iou_threshold, self.average = float(iou_threshold), average
        self.num_thresholds = check_integer("num_thresholds", num_thresholds)
        self._direction = "up"

    def _build(self, num_classes: int) -> None:
        self.num_classes = num_classes
        steps = {"shape": (num_classes * self.num_thresholds,), "initializer": "zeros"}
        self.right = self.add_variable(name="right", **steps)
        self.wrong = self.add_variable(name="wrong", **steps)
        self.objects = self.add_variable(name="objects", shape=(num_classes,), initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch: rows of objects (B, M, 4 + K), and of detections (B, D, 4 + K)."""
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        if not hasattr(self, "objects"):
            self._build(y_pred.shape[-1] - 4)
        if sample_weight is None:
            sample_weight = ops.ones_like(y_true[:, 0, 0])
        weight = ops.cast(ops.reshape(sample_weight, (-1, 1)), self.dtype)
        self.objects.assign_add(ops.sum(y_true[..., 4:] * weight[..., None], axis=(0, 1)))
        scores, classes = ops.max(y_pred[..., 4:], axis=-1), ops.argmax(y_pred[..., 4:], axis=-1)
        right = self._right(y_true, y_pred, scores, classes)
        there = ops.cast(scores > 0, self.dtype) * weight
        step = ops.cast(stretched(scores) * self.num_thresholds, "int32")
        step = ops.clip(step, 0, self.num_thresholds - 1)
        place = ops.reshape(ops.cast(classes, "int32") * self.num_thresholds + step, (-1,))
        for counts, some in ((self.right, right), (self.wrong, 1 - right)):
            some = ops.reshape(some * there, (-1,))
            counts.assign_add(ops.segment_sum(some, place, num_segments=counts.shape[0]))

    def _right(self, y_true: Any, y_pred: Any, scores: Any, classes: Any) -> Any:
        """Return 1 for each detection that is the surest of an object (B, D)."""
        shares = overlap(y_pred[:, :, None, :4], y_true[:, None, :, :4])  # (B, D, M)
        same = ops.take_along_axis(
            ops.transpose(y_true[..., 4:], (0, 2, 1)), classes[..., None], axis=1
        )  # (B, K, M) -> (B, D, M)
        shares = shares * same
        near = ops.cast(ops.max(shares, axis=-1) >= self.iou_threshold, self.dtype)
        found = ops.one_hot(ops.argmax(shares, axis=-1), shares.shape[-1], dtype=self.dtype)
        found = found * near[..., None]  # (B, D, M): which object each one finds
        one, other = scores[:, :, None], scores[:, None]  # (B, D, D)
        rank = ops.arange(ops.shape(scores)[1])
        before = (other > one) | ((other == one) & (rank[None, :] < rank[:, None]))
        earlier = ops.matmul(ops.cast(before, self.dtype), found)  # (B, D, M)
        return near * ops.cast(ops.sum(found * earlier, axis=-1) == 0, self.dtype)

    def result(self) -> Any:
        """Return the mean over the classes that have objects, or each class's own by name."""
        if not hasattr(self, "objects"):
            return ops.convert_to_tensor(0.0, self.dtype)
        shape = (self.num_classes, self.num_thresholds)
        right, wrong = (
            ops.flip(ops.reshape(counts, shape), axis=1) for counts in (self.right, self.wrong)
        )  # the surest come first
        found = ops.cumsum(right, axis=1)
        precision = ops.divide_no_nan(found, found + ops.cumsum(wrong, axis=1))
        best = _best_from_here(precision)
        areas = ops.sum(ops.divide_no_nan(right, self.objects[:, None]) * best, axis=1)
        if self.average is None:
            return {f"{self.name}_{k}": areas[k] for k in range(self.num_classes)}
        present = ops.cast(self.objects > 0, self.dtype)
        return ops.divide_no_nan(ops.sum(areas * present), ops.sum(present))

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this metric again."""
        config = {"iou_threshold": self.iou_threshold, "average": self.average}
        config |= {"num_thresholds": self.num_thresholds, "name": self.name, "dtype": self.dtype}
        return config


def _best_from_here(rows: Any) -> Any:
    """Return the highest of each number and those after it in its row, twice as far each time.

    XLA cannot compile Keras 3.15's `associative_scan` on TensorFlow.
    """
    reach = 1
    while reach < rows.shape[1]:
        rows = ops.maximum(rows, ops.pad(rows[:, reach:], ((0, 0), (0, reach))))
        reach *= 2
    return rows
