"""Augmentation of batches of images, stateless: the same images and seed give the same result.

Keras's random layers keep their seed in a variable, so their results depend on how many batches
went before. These functions get the seed with the batch, which makes epochs repeatable on any
number of threads, and lets a training that was killed continue with the very batches it would have
seen.

They work on standardised images: 0 is an image's mean grey, and 1 a standard deviation.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from dlkit.checks import check_choice
from dlkit.data import geometry
from dlkit.errors import InputError

Augmentation = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def flip(images: tf.Tensor, seed: tf.Tensor, amount: float = 0.5) -> tf.Tensor:
    """Mirror about the part `amount` of the images (B, H, W, C) left to right."""
    mirrored = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < amount
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


def rotate(images: tf.Tensor, seed: tf.Tensor, amount: float = 15.0) -> tf.Tensor:
    """Turn each image (B, H, W, C) about its centre by up to `amount` degrees either way."""
    return geometry.move(images, seed[tf.newaxis], {"rotate": amount})


def zoom(images: tf.Tensor, seed: tf.Tensor, amount: float = 0.15) -> tf.Tensor:
    """Show from 1 - `amount` to 1 + `amount` of each image (B, H, W, C), about its centre."""
    return geometry.move(images, seed[tf.newaxis], {"zoom": amount})


def brightness(images: tf.Tensor, seed: tf.Tensor, amount: float = 0.2) -> tf.Tensor:
    """Make each image (B, H, W, C) lighter or darker by up to `amount` standard deviations."""
    shape = [tf.shape(images)[0], 1, 1, 1]
    return images + tf.random.stateless_uniform(shape, seed, -amount, amount, images.dtype)


def contrast(images: tf.Tensor, seed: tf.Tensor, amount: float = 0.2) -> tf.Tensor:
    """Scale the differences from each image's own mean by 1 - `amount` to 1 + `amount`."""
    shape = [tf.shape(images)[0], 1, 1, 1]
    factor = tf.random.stateless_uniform(shape, seed, 1 - amount, 1 + amount, images.dtype)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * factor


def cutout(images: tf.Tensor, seed: tf.Tensor, amount: float = 0.4) -> tf.Tensor:
    """Set a square of each image (B, H, W, C) to 0; its side is `amount` of the shorter side.

    Its centre is any pixel, so part of it may lie outside (DeVries & Taylor 2017,
    arXiv:1708.04552).
    """
    shape = tf.shape(images)
    side = tf.cast(tf.cast(tf.minimum(shape[1], shape[2]), tf.float32) * amount, tf.int32)
    centres = tf.random.stateless_uniform([2, shape[0], 1], seed)

    def covered(size: tf.Tensor, part: tf.Tensor) -> tf.Tensor:  # -> (B, size), inside or not
        first = tf.cast(part * tf.cast(size, tf.float32), tf.int32) - side // 2
        places = tf.range(size)[tf.newaxis]
        return (places >= first) & (places < first + side)

    rows = covered(shape[1], centres[0])[:, :, tf.newaxis, tf.newaxis]
    columns = covered(shape[2], centres[1])[:, tf.newaxis, :, tf.newaxis]
    return tf.where(rows & columns, tf.zeros([], images.dtype), images)


RECIPES: dict[str, Callable[..., tf.Tensor]] = {
    "flip": flip,
    "shift": shift,
    "rotate": rotate,
    "zoom": zoom,
    "brightness": brightness,
    "contrast": contrast,
    "cutout": cutout,
}
DEFAULT_AMOUNTS = {name: recipe.__defaults__[0] for name, recipe in RECIPES.items()}
LEVELS: dict[str, dict[str, float]] = {
    "light": {"flip": 0.5, "shift": 0.1},
    "medium": {
        **{"flip": 0.5, "shift": 0.1, "rotate": 10.0, "zoom": 0.1},
        **{"brightness": 0.1, "contrast": 0.1},
    },
    "strong": {
        **{"flip": 0.5, "shift": 0.1, "rotate": 20.0, "zoom": 0.2},
        **{"brightness": 0.3, "contrast": 0.3, "cutout": 0.4},
    },
}


def resolve(augment: Any, rank: int) -> Augmentation | None:
    """Return the function `(images, seed) -> images` that `augment` stands for, or `None`.

    Args:
        augment: `None` or `False`; a recipe's name or a level (`"light"`, `"medium"`, `"strong"`);
            several recipes, as a list of names or a dict of name and amount; a Keras layer, called
            on each batch with `training=True`; or a function `(images, seed) -> images`.
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
    steps = _steps(augment)
    if len(steps) == 1:
        ((name, amount),) = steps.items()
        return lambda images, seed: RECIPES[name](images, seed, amount)
    return chain(steps)


def chain(steps: Mapping[str, float]) -> Augmentation:
    """Return the recipes of `steps`, name -> amount, as one function.

    Flips and shifts move whole pixels. Together with a rotation or a zoom, all four become one
    warp, before anything else.
    """
    moves = {name: steps[name] for name in steps if name in geometry.MOVES}
    fused = len(moves) > 1 and not moves.keys().isdisjoint({"rotate", "zoom"})
    single = {name: steps[name] for name in steps if not (fused and name in moves)}

    def apply(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, len(moves) + len(single))
        if fused:
            images = geometry.move(images, seeds, moves)
        for index, (name, amount) in enumerate(single.items(), start=len(moves)):
            images = RECIPES[name](images, seeds[index], amount)
        return images

    return apply


def _steps(augment: Any) -> dict[str, float]:
    """Return recipe name -> amount for a name, a level, a list of names or a dict."""
    if isinstance(augment, str):
        if augment in LEVELS:
            return LEVELS[augment]
        check_choice("augment", augment, (*RECIPES, *LEVELS))
        return {augment: DEFAULT_AMOUNTS[augment]}
    names = augment if isinstance(augment, list | tuple | Mapping) else [augment]
    for name in names:
        check_choice("Each step of augment", name, RECIPES)
    steps = augment if isinstance(augment, Mapping) else {n: DEFAULT_AMOUNTS[n] for n in names}
    for name, amount in steps.items():
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not number or amount < 0 or (amount >= 1 and name == "zoom"):
            limit = " and below 1" if name == "zoom" else ""
            raise InputError(
                f"The amount of '{name}' must be a number of at least 0{limit}. Received:"
                f" augment={augment!r}."
            )
    if not steps:
        raise InputError(
            f"augment={augment!r} names no step; give augment=None, or some of:"
            f" {', '.join(RECIPES)}."
        )
    return dict(steps)
