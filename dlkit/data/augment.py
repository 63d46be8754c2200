"""Augmentation of batches of images, stateless: the same images and seed give the same result.

Keras's random layers keep their seed in a variable, so their results depend on how many batches
went before. These functions get the seed with the batch, which makes epochs repeatable on any
number of threads, and lets a training that was killed continue with the very batches it would have
seen.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dlkit.checks import check_choice
from dlkit.errors import InputError


def flip(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirror about half of the images (B, H, W, C) left to right."""
    mirrored = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(mirrored, tf.reverse(images, axis=[2]), images)


def shift(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Move each image (B, H, W, C) by up to a tenth of its size, at least one pixel.

    What moves in from outside repeats the image's edge, since 0 is no neutral grey once images are
    normalised.
    """
    shape = tf.shape(images)
    height, width = shape[1], shape[2]

    def source(size: tf.Tensor, axis_seed: tf.Tensor) -> tf.Tensor:  # -> (B, size) indices
        reach = tf.maximum(size // 10, 1)
        moves = tf.random.stateless_uniform([shape[0], 1], axis_seed, -reach, reach + 1, tf.int32)
        return tf.clip_by_value(tf.range(size)[tf.newaxis] + moves, 0, size - 1)

    seeds = tf.random.split(seed, 2)
    moved = tf.gather(images, source(height, seeds[0]), axis=1, batch_dims=1)
    return tf.gather(moved, source(width, seeds[1]), axis=2, batch_dims=1)


RECIPES = {"flip": flip, "shift": shift}


def resolve(augment: Any, rank: int) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None:
    """Return the function `(images, seed) -> images` that `augment` stands for, or `None`.

    Args:
        augment: `None` or `False`; one of the recipes' names; a Keras layer, called on each batch
            with `training=True`; or a function `(images, seed) -> images`.
        rank: The rank of a batch of inputs; the recipes need images, rank 4.

    Raises:
        InputError: for anything else, or a recipe on what is not images.
    """
    if augment is None or augment is False:
        return None
    if isinstance(augment, keras.layers.Layer):
        return lambda images, seed: augment(images, training=True)
    if callable(augment):
        return augment
    if rank != 4:
        raise InputError(
            f"augment={augment!r} moves pixels and needs images (height, width, channels); these"
            f" inputs have {rank - 1} axes. Give augment=False, or your own function."
        )
    return RECIPES[check_choice("augment", augment, RECIPES)]
