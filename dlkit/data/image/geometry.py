"""Moves of images as matrices, and one resampling for any number of them.

    flip, shift, rotate, zoom, crop -> one 3x3 matrix an image each -> their product
                                    -> one bilinear warp

A matrix takes a pixel of the result to the place in the image that it is read from, both as
(x, y, 1) from the image's centre. Several moves cost one warp, and pixels are blurred once.

The warp is compiled by XLA: TensorFlow's kernel for it (`ImageProjectiveTransformV3`) works out the
place anew for each channel and costs about four times as much on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

# The shape of the images, a seed, and an amount: a number, or a tensor (B,) of one an image.
Move = Callable[[tf.Tensor, tf.Tensor, float | tf.Tensor], tf.Tensor]
# Of crops, as Szegedy et al. 2015 (arXiv:1409.4842) trained with.
_STRETCH = 4 / 3


def flip_matrices(shape: tf.Tensor, seed: tf.Tensor, amount: float | tf.Tensor) -> tf.Tensor:
    """Return (B, 3, 3) mirrors left to right, for about the part `amount` of the images."""
    mirrored = tf.random.stateless_uniform([shape[0]], seed) < amount
    one = tf.ones([shape[0]])
    return _matrices(tf.where(mirrored, -one, one), 0.0, 0.0, 0.0, one, 0.0)


def shift_matrices(shape: tf.Tensor, seed: tf.Tensor, amount: float | tf.Tensor) -> tf.Tensor:
    """Return (B, 3, 3) moves by up to `amount` of the width and the height."""
    moves = tf.random.stateless_uniform([2, shape[0]], seed, -amount, amount)
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    return _matrices(1.0, 0.0, moves[0] * width, 0.0, 1.0, moves[1] * height)


def rotate_matrices(shape: tf.Tensor, seed: tf.Tensor, amount: float | tf.Tensor) -> tf.Tensor:
    """Return (B, 3, 3) rotations by up to `amount` degrees either way."""
    reach = tf.cast(amount, tf.float32) * (math.pi / 180)
    angle = tf.random.stateless_uniform([shape[0]], seed, -reach, reach)
    return _matrices(tf.cos(angle), -tf.sin(angle), 0.0, tf.sin(angle), tf.cos(angle), 0.0)


def zoom_matrices(shape: tf.Tensor, seed: tf.Tensor, amount: float | tf.Tensor) -> tf.Tensor:
    """Return (B, 3, 3) zooms in and out that show from 1 - `amount` to 1 + `amount` of an image."""
    part = tf.random.stateless_uniform([shape[0]], seed, 1 - amount, 1 + amount)
    return _matrices(part, 0.0, 0.0, 0.0, part, 0.0)


def crop_matrices(shape: tf.Tensor, seed: tf.Tensor, amount: float | tf.Tensor) -> tf.Tensor:
    """Return (B, 3, 3) crops that show from 1 - `amount` to all of an image's area.

    What is shown is up to `_STRETCH` times as wide or as high as the image's own proportions, as
    far as it fits into the image, and lies anywhere in it.
    """
    drawn = tf.random.stateless_uniform([4, shape[0]], seed)
    share = 1 - amount * drawn[0]
    least = tf.math.log(tf.maximum(1 / _STRETCH, share))  # of width to height; most is its inverse
    root = tf.exp((2 * drawn[1] - 1) * least / 2)
    wide, high = tf.sqrt(share) * root, tf.sqrt(share) / root
    right = (drawn[2] - 0.5) * (1 - wide) * tf.cast(shape[2], tf.float32)
    down = (drawn[3] - 0.5) * (1 - high) * tf.cast(shape[1], tf.float32)
    return _matrices(wide, 0.0, right, 0.0, high, down)


MOVES: dict[str, Move] = {
    "flip": flip_matrices,
    "shift": shift_matrices,
    "rotate": rotate_matrices,
    "zoom": zoom_matrices,
    "crop": crop_matrices,
}


def moves(shape: tf.Tensor, seeds: tf.Tensor, amounts: Mapping[str, Any]) -> tf.Tensor:
    """Return the matrices (B, 3, 3) of moves one after the other; `seeds` holds one a move."""
    product = tf.eye(3, batch_shape=[shape[0]])
    for index, (name, amount) in enumerate(amounts.items()):
        # The last move's matrix is the first that a pixel of the result meets on its way back.
        product @= MOVES[name](shape, seeds[index], amount)
    return product


def move(images: tf.Tensor, seeds: tf.Tensor, amounts: Mapping[str, Any]) -> tf.Tensor:
    """Do several moves, in the order of `amounts`, with one warp; `seeds` holds one a move."""
    return warp(images, moves(tf.shape(images), seeds, amounts))


@tf.function(jit_compile=True, reduce_retracing=True)
def warp(images: tf.Tensor, matrices: tf.Tensor) -> tf.Tensor:
    """Resample images (B, H, W, C) along matrices (B, 3, 3), bilinearly.

    What would come from outside an image repeats its edge, as in `recipes.shift`.
    """
    shape = tf.shape(images)
    height, width = shape[1], shape[2]
    x = tf.range(width, dtype=tf.float32) - _last(width) / 2
    y = tf.range(height, dtype=tf.float32) - _last(height) / 2
    x, y = x[tf.newaxis, tf.newaxis, :], y[tf.newaxis, :, tf.newaxis]  # (1, 1, W), (1, H, 1)
    a = tf.reshape(matrices, [-1, 9, 1, 1])  # (B, 9, 1, 1), each a[:, i] is (B, 1, 1)
    left, right, to_right = _between(a[:, 0] * x + a[:, 1] * y + a[:, 2], width)
    upper, lower, to_lower = _between(a[:, 3] * x + a[:, 4] * y + a[:, 5], height)

    flat = tf.cast(tf.reshape(images, [shape[0], height * width, shape[3]]), tf.float32)

    def read(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:  # (B, H, W) -> (B, H, W, C)
        return tf.gather(flat, rows * width + columns, batch_dims=1)

    above = read(upper, left) * (1 - to_right) + read(upper, right) * to_right
    below = read(lower, left) * (1 - to_right) + read(lower, right) * to_right
    return tf.cast(above * (1 - to_lower) + below * to_lower, images.dtype)


def _between(centred: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the pixels on both sides of each place, and how far it is from the first of them."""
    place = tf.clip_by_value(centred + _last(size) / 2, 0.0, _last(size))
    first = tf.cast(place, tf.int32)
    share = (place - tf.cast(first, tf.float32))[..., tf.newaxis]
    return first, tf.minimum(first + 1, size - 1), share


def _last(size: tf.Tensor) -> tf.Tensor:
    return tf.cast(size - 1, tf.float32)


def _matrices(*entries: tf.Tensor | float) -> tf.Tensor:
    """Return (B, 3, 3) of the six entries of their upper rows, (B,) tensors or numbers."""
    count = next(tf.shape(entry)[0] for entry in entries if isinstance(entry, tf.Tensor))
    rows = [tf.broadcast_to(tf.cast(entry, tf.float32), [count]) for entry in entries]
    zero, one = tf.zeros([count]), tf.ones([count])
    return tf.reshape(tf.stack([*rows, zero, zero, one], axis=1), [-1, 3, 3])
