"""Augmentation of sounds and series: which recipes an `augment` argument names, and how strong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from dlkit.argument_validation import check_choice
from dlkit.data.image.augment import Augmentation
from dlkit.errors import InputError

Steps = Mapping[str, float]


def own(augment: Any) -> Augmentation | None:
    """Return a user's Keras layer or function as a function `(inputs, seed)`, else `None`."""
    if isinstance(augment, keras.layers.Layer):
        return lambda inputs, seed: augment(inputs, training=True)
    return augment if callable(augment) else None


def chain(steps: Steps, recipes: Mapping[str, Callable[..., Any]]) -> Augmentation | None:
    """Return the recipes of `steps`, one after the other with seeds of their own, or `None`."""
    if not steps:
        return None

    def apply(inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, len(steps))
        for index, (name, amount) in enumerate(steps.items()):
            inputs = recipes[name](inputs, seeds[index], amount)
        return inputs

    return apply


def read(augment: Any, amounts: Steps, levels: Mapping[str, Steps]) -> dict[str, float]:
    """Return recipe name -> amount for what a user gave; empty for `None` and `False`.

    Args:
        augment: A level, a recipe's name, a list of names, or a dict of name and amount.
        amounts: The recipes and their default amounts.
        levels: Level -> recipe name -> amount.

    Raises:
        InputError: for an unknown name or an amount out of range.

    Example:
        >>> read(["noise"], {"noise": 0.1, "shift": 0.2}, {})
        {'noise': 0.1}
    """
    if augment is None or augment is False:
        return {}
    if isinstance(augment, str) and augment in levels:
        return dict(levels[augment])
    names = augment if isinstance(augment, list | tuple | Mapping) else [augment]
    for name in names:
        check_choice("Each step of augment", name, (*amounts, *levels))
    if not names or not set(names) <= set(amounts):
        raise InputError(
            f"augment={augment!r} must be one level ({', '.join(levels)}), or some of:"
            f" {', '.join(amounts)}."
        )
    steps = augment if isinstance(augment, Mapping) else {name: amounts[name] for name in names}
    for name, amount in steps.items():
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        # Each is a part of something, but for semitones.
        limit = 12 if name == "pitch" else 1
        if not number or not 0 <= amount < limit:
            raise InputError(
                f"The amount of '{name}' must be in [0, {limit}). Received: augment={augment!r}."
            )
    return dict(steps)
