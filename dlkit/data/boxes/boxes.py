"""Boxes of objects: padded to arrays, and moved with their images.

A box is its left, upper, right and lower edge as parts of the image's width and height: from 0 to 1
(Keras's "rel_xyxy"). An image has up to M of them: boxes (M, 4), classes (M,), padded with -1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.core.augmentation import Augmentation, OfBatches
from dlkit.data.image import geometry, mixup_cutmix
from dlkit.data.image.augment import chain_image_recipes, named_steps
from dlkit.errors import InputError

NOTHING = -1  # the class of a box that is none
# A box of which less than this part is still in the image is dropped: what is left of the object
# cannot be told.
VISIBLE = 0.25


def pad(
    boxes: Sequence[Sequence[Sequence[float]]], classes: Sequence[Sequence[int]], most: int
) -> dict[str, np.ndarray]:
    """Return the targets of images with different numbers of boxes, each with `most` rows.

    Args:
        boxes: The boxes of each image.
        classes: The class of each of them.
        most: How many are kept of an image.

    Example:
        >>> pad([[(0.1, 0.2, 0.3, 0.4)], []], [[1], []], 2)["classes"].tolist()
        [[1, -1], [-1, -1]]
    """
    padded = np.zeros((len(boxes), most, 4), np.float32)
    kinds = np.full((len(boxes), most), NOTHING, np.int64)
    for row, (some, names) in enumerate(zip(boxes, classes, strict=True)):
        count = min(len(some), most)
        if count:
            padded[row, :count], kinds[row, :count] = some[:count], names[:count]
    return {"boxes": padded, "classes": kinds}


def move(
    targets: Mapping[str, tf.Tensor], matrices: tf.Tensor, shape: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Return the boxes where `geometry.warp` moves what is in them.

    A box that was turned is the upright one around its corners. What leaves the image is cut off;
    boxes of which too little is left are dropped, and the others close up.

    Args:
        targets: `"boxes"` (B, M, 4) and `"classes"` (B, M).
        matrices: (B, 3, 3), as `geometry.warp` takes them.
        shape: The shape of the images.
    """
    size = tf.cast(tf.stack([shape[2], shape[1]]), tf.float32)  # width, height
    low, high = _corners(targets["boxes"], matrices, size)  # (B, M, 2) each
    inside = tf.clip_by_value(low, 0.0, 1.0), tf.clip_by_value(high, 0.0, 1.0)
    whole = tf.reduce_prod(high - low, axis=-1)
    left = tf.reduce_prod(inside[1] - inside[0], axis=-1)
    wide_enough = tf.reduce_all((inside[1] - inside[0]) * size >= 1.0, axis=-1)  # in pixels
    kept = (targets["classes"] != NOTHING) & (left >= VISIBLE * whole) & wide_enough
    order = tf.argsort(tf.cast(~kept, tf.int32), axis=1, stable=True)  # those that stay come first
    boxes = tf.where(kept[..., tf.newaxis], tf.concat(inside, axis=-1), 0.0)
    classes = tf.where(kept, targets["classes"], NOTHING)
    return {
        "boxes": tf.gather(boxes, order, batch_dims=1),
        "classes": tf.gather(classes, order, batch_dims=1),
    }


def _corners(boxes: tf.Tensor, matrices: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the lowest and the highest (x, y) of the moved corners, relative to the image."""
    x0, y0, x1, y1 = tf.unstack(boxes, axis=-1)
    corners = tf.stack(
        [tf.stack(corner, axis=-1) for corner in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))], axis=2
    )  # (B, M, 4, 2)
    centred = (corners - 0.5) * size
    # The matrices take places of the result to those of the image, so boxes go the other way.
    back = tf.linalg.inv(matrices)
    moved = tf.einsum("bij,bmkj->bmki", back[:, :2, :2], centred)
    moved += back[:, tf.newaxis, tf.newaxis, :2, 2]
    relative = moved / size + 0.5
    return tf.reduce_min(relative, axis=2), tf.reduce_max(relative, axis=2)


def resolve_box_augmentation(augment: Any) -> Augmentation | None:
    """Return what `augment` does to batches of images and boxes, or `None`.

    Moves are done by one warp, the boxes along; other recipes leave boxes where they are.

    Raises:
        InputError: for recipes that mix images, and for functions and layers, which cannot move
            boxes.
    """
    if augment is None or augment is False:
        return None
    if callable(augment) or isinstance(augment, keras.layers.Layer):
        raise InputError(
            "augment takes recipes by name where there are boxes, since a function or a layer would"
            f" leave them behind. Received: augment={augment!r}."
        )
    steps = named_steps(augment)
    for name in steps:
        if name in mixup_cutmix.SHARES or name == "randaugment":
            raise InputError(
                f"'{name}' cannot be used where there are boxes; leave it out of"
                f" augment={augment!r}."
            )
    moves = {name: steps[name] for name in steps if name in geometry.MOVES}
    others = chain_image_recipes({name: steps[name] for name in steps if name not in moves})
    return OfBatches(_moving(moves, others))


def _moving(
    moves: Mapping[str, float], others: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
) -> Callable[[tuple[Any, ...], tf.Tensor], tuple[Any, ...]]:
    def change(batch: tuple[Any, ...], seed: tf.Tensor) -> tuple[Any, ...]:
        images, targets, *weights = batch
        seeds = tf.random.split(seed, len(moves) + 1)
        if moves:
            shape = tf.shape(images)
            matrices = geometry.moves(shape, seeds, moves)
            still = images.shape
            images = tf.ensure_shape(geometry.warp(images, matrices), still)
            targets = move(targets, matrices, shape)
        return others(images, seeds[len(moves)]), targets, *weights

    return change
