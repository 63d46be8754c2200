"""Boxes around objects, and the loss that a detector learns from.

    targets, detections -> rows (B, M, 4 + K): the edges of a box, then a number a class
    maps (B, h, w, 4 + K): at each place the ways to the edges of a box, then a heat a class

Edges are left, upper, right and lower, as parts of the image's width and height.

References: Zhou et al. 2019, arXiv:1904.07850 (objects as points); Liu et al. 2019,
arXiv:1909.00700 (points around the middle learn the box too); Rezatofighi et al. 2019,
arXiv:1902.09630 (generalized IoU).
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from dlkit.errors import InputError

_LARGEST = 6.0  # of the logarithm of a way, in places: e^6 = 403 of them
_SPREAD = 0.54  # of a box's sides, that a Gaussian with a sigma of a sixth covers (Liu et al.)
_BOX_WEIGHT = 5.0  # beside the heat (Liu et al.)
_EPSILON = 1e-7


def to_rows(boxes: Any, num_classes: int) -> Any:
    """Return boxes with their classes as one tensor (B, M, 4 + K).

    Args:
        boxes: `"boxes"` (B, M, 4), `"classes"` (B, M) with -1 where there is no box, and, if they
            were detected, `"scores"` (B, M).
        num_classes: K.

    Returns:
        The four edges, then a number a class: 1, or the score, for the class of the box, otherwise
        0. A class that there is not makes them NaN, and with them every loss and metric.

    Raises:
        InputError: for something else than boxes and classes.

    Example:
        >>> import numpy as np
        >>> found = {"boxes": np.ones((1, 2, 4)), "classes": np.array([[1, -1]])}
        >>> np.array(to_rows(found, 2))[0, :, 4:].tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    if not isinstance(boxes, Mapping) or not {"boxes", "classes"} <= set(boxes):
        given = sorted(boxes) if isinstance(boxes, Mapping) else type(boxes).__name__
        raise InputError(
            "A detector learns from targets {'boxes': (B, M, 4), 'classes': (B, M)}, as"
            f" dk.data.from_voc gives them. Received: {given}."
        )
    classes = ops.cast(boxes["classes"], "int32")
    labels = ops.cast(ops.expand_dims(classes, -1) == ops.arange(num_classes), "float32")
    if "scores" in boxes:
        labels = labels * ops.expand_dims(ops.cast(boxes["scores"], "float32"), -1)
    labels = ops.where(ops.expand_dims(classes, -1) < num_classes, labels, float("nan"))
    return ops.concatenate([ops.cast(boxes["boxes"], "float32"), labels], axis=-1)


def read_boxes(maps: Any) -> Any:
    """Return the box that each place of a map tells of, (B, h, w, 4).

    Args:
        maps: (B, h, w, 4 + K): logarithms of the ways from a place's middle to the left, upper,
            right and lower edge, counted in places; then what is no matter here.

    Example:
        >>> import numpy as np
        >>> np.array(read_boxes(np.zeros((1, 1, 2, 5))))[0, 0].tolist()
        [[-0.25, -0.5, 0.75, 1.5], [0.25, -0.5, 1.25, 1.5]]
    """
    height, width = maps.shape[1:3]
    x, y = ops.meshgrid(ops.arange(width, dtype="float32"), ops.arange(height, dtype="float32"))
    middles = ops.stack([x, y], axis=-1) + 0.5  # (h, w, 2)
    ways = ops.exp(ops.minimum(ops.cast(maps[..., :4], "float32"), _LARGEST))
    edges = ops.concatenate([middles - ways[..., :2], middles + ways[..., 2:]], axis=-1)
    return edges / ops.array([width, height, width, height], "float32")


def overlap(one: Any, other: Any, *, generalized: bool = False) -> Any:
    """Return the intersection over union of boxes, from 0 to 1.

    Args:
        one: Boxes (..., 4).
        other: Boxes whose shape goes with that of `one`.
        generalized: Take off the part of the box around both that neither covers, so that boxes
            which do not touch have a gradient too: from -1 to 1. Defaults to False.

    Example:
        >>> import numpy as np
        >>> left, both = np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])
        >>> print(round(float(overlap(left, both)), 4))
        0.5
    """
    low, high = ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0.0), axis=-1)
    union = _area(one) + _area(other) - shared
    share = shared / ops.maximum(union, _EPSILON)
    if not generalized:
        return share
    low, high = ops.minimum(one[..., :2], other[..., :2]), ops.maximum(one[..., 2:], other[..., 2:])
    around = ops.maximum(ops.prod(high - low, axis=-1), _EPSILON)
    return share - (around - union) / around


def _area(boxes: Any) -> Any:
    return ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)


@keras.saving.register_keras_serializable(package="dlkit")
class DetectionLoss(keras.losses.Loss):
    """What a detector's maps are off: a focal loss of the heat, and the GIoU loss of the boxes.

    The heat of a class is to be 1 in the middles of its objects; around them a Gaussian as wide as
    the object makes it count the less. The places under the Gaussian learn the box, each as much as
    the Gaussian says, all of them together as much as one. Both are means over the image's objects.

    Reference:
        Zhou, Wang & Krähenbühl 2019, Objects as Points, arXiv:1904.07850, equation 1.
        Liu, Zheng, Xu, Yang, Liu & Cai 2019, Training-Time-Friendly Network for Real-Time Object
        Detection, arXiv:1909.00700.

    Args:
        reduction: How the batch's losses become one. Defaults to `"sum_over_batch_size"`.
        name: The loss's name. Defaults to `None`: `"detection_loss"`.
        dtype: The dtype of the computation. Defaults to `None`: float32.

    Example:
        >>> import numpy as np
        >>> objects = np.array([[[0.0, 0.0, 0.5, 0.5, 1.0]]], "float32")
        >>> float(DetectionLoss()(objects, np.zeros((1, 4, 4, 5), "float32"))) > 0
        True
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss an image (B,), for rows (B, M, 4 + K) and maps (B, h, w, 4 + K)."""
        boxes, labels = y_true[..., :4], y_true[..., 4:]
        there = ops.max(labels, axis=-1)  # (B, M)
        near = _gaussians(boxes, *y_pred.shape[1:3]) * there[:, None, None]  # (B, h, w, M)
        target = ops.stack(
            [ops.max(near * labels[:, None, None, :, k], axis=-1) for k in range(labels.shape[-1])],
            axis=-1,
        )  # (B, h, w, K)
        heat = ops.sum(_focal(target, y_pred[..., 4:]), axis=(1, 2, 3))
        weights, wanted = _assigned(near, boxes)
        away = 1 - overlap(read_boxes(y_pred), wanted, generalized=True)
        objects = ops.maximum(ops.sum(there, axis=-1), 1.0)
        return (heat + _BOX_WEIGHT * ops.sum(weights * away, axis=(1, 2))) / objects


def _gaussians(boxes: Any, height: int, width: int) -> Any:
    """Return how near each place is to the middle of each box, (B, h, w, M): 1 where that is."""
    along = []
    for axis, size in ((0, width), (1, height)):
        low, high = boxes[..., axis] * size, boxes[..., axis + 2] * size
        middle = ops.clip(ops.floor((low + high) / 2), 0, size - 1)[:, None]  # (B, 1, M)
        sigma = ((_SPREAD * (high - low) + 1) / 6)[:, None]
        away = (ops.arange(size, dtype="float32")[:, None] - middle) / sigma  # (B, size, M)
        along.append(ops.exp(-ops.square(away) / 2))
    return along[1][:, :, None] * along[0][:, None]


def _focal(target: Any, logits: Any) -> Any:
    """Return the penalty-reduced focal loss of each place and class."""
    p = ops.sigmoid(logits)
    right = -ops.square(1 - p) * ops.log_sigmoid(logits)
    wrong = -ops.power(1 - target, 4) * ops.square(p) * ops.log_sigmoid(-logits)
    return ops.where(target == 1, right, wrong)


def _assigned(near: Any, boxes: Any) -> tuple[Any, Any]:
    """Return each place's weight (B, h, w) and the box it is nearest to (B, h, w, 4)."""
    nearest = ops.one_hot(ops.argmax(near, axis=-1), near.shape[-1])  # (B, h, w, M)
    shares = ops.where(near > 0.01, near * nearest, 0.0)
    whole = ops.sum(shares, axis=(1, 2), keepdims=True)
    weights = ops.sum(shares / ops.maximum(whole, _EPSILON), axis=-1)
    return weights, ops.einsum("bhwm,bmc->bhwc", nearest, boxes)
