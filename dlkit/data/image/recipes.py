"""What can be done to a batch of images, a function each: `(images, seed, amount) -> images`.

They work on standardised images: 0 is an image's mean grey, and 1 a standard deviation. An amount
is one number for the batch, or, where it says so, a tensor (B,) of one for each image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from dlkit.data.image import geometry
from dlkit.errors import InputError

Amount: TypeAlias = float | tf.Tensor


def flip(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.5) -> tf.Tensor:
    """Mirror about the part `amount` of the images (B, H, W, C) left to right."""
    mirrored = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < per_image(amount)
    return tf.where(mirrored, tf.reverse(images, axis=[2]), images)


def shift(images: tf.Tensor, seed: tf.Tensor, amount: float = 0.1) -> tf.Tensor:
    """Move each image (B, H, W, C) by up to `amount` of its size, at least one pixel.

    What moves in from outside repeats the image's edge, since 0 is no neutral grey once images are
    normalised.
    """
    shape = tf.shape(images)
    height, width = shape[1], shape[2]

    def source(size: tf.Tensor, axis_seed: tf.Tensor) -> tf.Tensor:  # -> (B, size) indices
        reach = tf.maximum(tf.cast(tf.cast(size, tf.float32) * amount + 1e-3, tf.int32), 1)
        moves = tf.random.stateless_uniform([shape[0], 1], axis_seed, -reach, reach + 1, tf.int32)
        return tf.clip_by_value(tf.range(size)[tf.newaxis] + moves, 0, size - 1)

    seeds = tf.random.split(seed, 2)
    moved = tf.gather(images, source(height, seeds[0]), axis=1, batch_dims=1)
    return tf.gather(moved, source(width, seeds[1]), axis=2, batch_dims=1)


def rotate(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 15.0) -> tf.Tensor:
    """Turn each image (B, H, W, C) about its centre by up to `amount` degrees either way."""
    return geometry.move(images, seed[tf.newaxis], {"rotate": amount})


def zoom(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.15) -> tf.Tensor:
    """Show from 1 - `amount` to 1 + `amount` of each image (B, H, W, C), about its centre."""
    return geometry.move(images, seed[tf.newaxis], {"zoom": amount})


def crop(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.5) -> tf.Tensor:
    """Show from 1 - `amount` to all of each image's area (B, H, W, C), as a part anywhere in it.

    The part is up to 4/3 as wide or as high as the image's own proportions (Szegedy et al. 2015,
    arXiv:1409.4842).
    """
    return geometry.move(images, seed[tf.newaxis], {"crop": amount})


def brightness(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.2) -> tf.Tensor:
    """Make each image (B, H, W, C) lighter or darker by up to `amount` standard deviations."""
    shape, amount = [tf.shape(images)[0], 1, 1, 1], per_image(amount)
    return images + tf.random.stateless_uniform(shape, seed, -amount, amount, images.dtype)


def contrast(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.2) -> tf.Tensor:
    """Scale the differences from each image's own mean by 1 - `amount` to 1 + `amount`."""
    shape, amount = [tf.shape(images)[0], 1, 1, 1], per_image(amount)
    factor = tf.random.stateless_uniform(shape, seed, 1 - amount, 1 + amount, images.dtype)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * factor


def saturation(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.3) -> tf.Tensor:
    """Scale the differences between each pixel's channels by 1 - `amount` to 1 + `amount`."""
    shape, amount = [tf.shape(images)[0], 1, 1, 1], per_image(amount)
    factor = tf.random.stateless_uniform(shape, seed, 1 - amount, 1 + amount, images.dtype)
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    return grey + (images - grey) * factor


def hue(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 15.0) -> tf.Tensor:
    """Turn the colours of images (B, H, W, 3) about the axis of greys by up to `amount` degrees.

    A third of a turn makes red green. Grey images, of one channel, stay as they are.
    """
    if images.shape[3] == 1:
        return images
    if images.shape[3] != 3:
        raise InputError(
            "The hue of images can be changed where they have 3 channels. Received"
            f" {images.shape[3]}; leave 'hue' out of augment."
        )
    shape = tf.shape(images)
    reach = tf.cast(amount, tf.float32) * (math.pi / 180)
    angle = tf.random.stateless_uniform([shape[0]], seed, -reach, reach)
    pixels = tf.reshape(images, [shape[0], shape[1] * shape[2], 3])
    return tf.reshape(tf.matmul(pixels, _turns(angle), transpose_b=True), shape)


def _turns(angle: tf.Tensor) -> tf.Tensor:
    """Return the rotations (B, 3, 3) by angles (B,) about (1, 1, 1), by Rodrigues' formula."""
    angle = angle[:, tf.newaxis, tf.newaxis]
    across = tf.constant([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], tf.float32) / math.sqrt(3)
    return tf.cos(angle) * tf.eye(3) + tf.sin(angle) * across + (1 - tf.cos(angle)) / 3


def noise(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.1) -> tf.Tensor:
    """Add to each value a normal random number; its deviation is up to `amount` in each image."""
    seeds = tf.random.split(seed, 2)
    shape = tf.shape(images)
    part = tf.random.stateless_uniform([shape[0], 1, 1, 1], seeds[0], dtype=images.dtype)
    return images + tf.random.stateless_normal(shape, seeds[1]) * part * per_image(amount)


def cutout(images: tf.Tensor, seed: tf.Tensor, amount: Amount = 0.4) -> tf.Tensor:
    """Set a square of each image (B, H, W, C) to 0; its side is `amount` of the shorter side.

    Its centre is any pixel, so part of it may lie outside (DeVries & Taylor 2017,
    arXiv:1708.04552).
    """
    shape = tf.shape(images)
    amount = tf.reshape(tf.cast(amount, tf.float32), [-1, 1])
    side = tf.cast(tf.cast(tf.minimum(shape[1], shape[2]), tf.float32) * amount, tf.int32)
    centres = tf.random.stateless_uniform([2, shape[0], 1], seed)

    def covered(size: tf.Tensor, part: tf.Tensor) -> tf.Tensor:  # -> (B, size), inside or not
        first = tf.cast(part * tf.cast(size, tf.float32), tf.int32) - side // 2
        places = tf.range(size)[tf.newaxis]
        return (places >= first) & (places < first + side)

    rows = covered(shape[1], centres[0])[:, :, tf.newaxis, tf.newaxis]
    columns = covered(shape[2], centres[1])[:, tf.newaxis, :, tf.newaxis]
    return tf.where(rows & columns, tf.zeros([], images.dtype), images)


def per_image(amount: Amount) -> Amount:
    """Return an amount that broadcasts over images (B, H, W, C)."""
    return tf.reshape(amount, [-1, 1, 1, 1]) if tf.is_tensor(amount) else amount


RECIPES: dict[str, Callable[..., tf.Tensor]] = {
    "flip": flip,
    "shift": shift,
    "rotate": rotate,
    "zoom": zoom,
    "crop": crop,
    "brightness": brightness,
    "contrast": contrast,
    "saturation": saturation,
    "hue": hue,
    "noise": noise,
    "cutout": cutout,
}
