"""Augmentation of windows of series, stateless: the same windows and seed give the same result.

They work on standardised inputs (B, window, variables); targets stay as they are.

References: Um et al. 2017, arXiv:1706.00527 (jitter, scaling); Le Guennec et al. 2016, Data
Augmentation for Time Series Classification (window warping).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from dlkit.data.core.augmentation import (
    Augmentation,
    chain_recipes,
    default_amounts,
    own_augmentation,
    read_steps,
)


def jitter(inputs: tf.Tensor, seed: tf.Tensor, amount: float = 0.05) -> tf.Tensor:
    """Add noise of `amount` standard deviations to each value."""
    return inputs + amount * tf.random.stateless_normal(tf.shape(inputs), seed)


def scaling(inputs: tf.Tensor, seed: tf.Tensor, amount: float = 0.1) -> tf.Tensor:
    """Scale each variable of each window by a factor of 1 with a deviation of `amount`."""
    shape = [tf.shape(inputs)[0], 1, tf.shape(inputs)[2]]
    return inputs * (1 + amount * tf.random.stateless_normal(shape, seed))


def warp(inputs: tf.Tensor, seed: tf.Tensor, amount: float = 0.3) -> tf.Tensor:
    """Pass the part `amount` of each window twice or half as fast, anywhere in it.

    The window is then sampled anew over its length, so that it begins and ends as it did.
    """
    seeds = tf.random.split(seed, 2)
    rows = tf.shape(inputs)[0]
    fast = tf.random.stateless_uniform([rows, 1], seeds[0]) < 0.5
    start = tf.random.stateless_uniform([rows, 1], seeds[1]) * (1 - amount)
    return warp_by(inputs, tf.where(fast, 2.0, 0.5), start, amount)


def warp_by(inputs: tf.Tensor, rates: tf.Tensor, start: tf.Tensor, amount: float) -> tf.Tensor:
    """Return windows whose part from `start` on is passed at `rates`; both (B, 1), in parts."""
    last = tf.cast(tf.shape(inputs)[1] - 1, tf.float32)
    lasting = amount / rates
    times = tf.linspace(0.0, 1.0, tf.shape(inputs)[1]) * (1 - amount + lasting)  # (B, window)
    inside = start + tf.clip_by_value(times - start, 0.0, lasting) * rates
    places = tf.where(times < start, times, inside + tf.maximum(times - start - lasting, 0.0))
    places = tf.clip_by_value(places * last, 0.0, last)
    before = tf.minimum(tf.cast(tf.floor(places), tf.int32), tf.cast(last, tf.int32))
    behind = tf.minimum(before + 1, tf.cast(last, tf.int32))
    part = (places - tf.cast(before, tf.float32))[:, :, tf.newaxis]
    one, two = (tf.gather(inputs, at, axis=1, batch_dims=1) for at in (before, behind))
    return (1 - part) * one + part * two


RECIPES: Mapping[str, Callable[..., tf.Tensor]] = {
    "jitter": jitter,
    "scaling": scaling,
    "warp": warp,
}
AMOUNTS = default_amounts(RECIPES)
LEVELS: dict[str, dict[str, float]] = {
    "light": {"jitter": 0.03},
    "medium": {"jitter": 0.05, "scaling": 0.1},
    "strong": {"jitter": 0.1, "scaling": 0.2, "warp": 0.3},
}


def resolve_series_augmentation(augment: Any) -> Augmentation | None:
    """Return the function `(inputs, seed) -> inputs` that `augment` stands for, or `None`.

    Args:
        augment: A level, a recipe's name, a list of names, a dict of name and amount, or a Keras
            layer or function.

    Raises:
        InputError: for anything else.
    """
    if function := own_augmentation(augment):
        return function
    return chain_recipes(read_steps(augment, AMOUNTS, LEVELS), RECIPES)
