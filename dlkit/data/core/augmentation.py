"""Augmentation of any kind of input: what it is, and which recipes `augment` names, how strong."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from dlkit.argument_validation import check_choice, is_number
from dlkit.errors import InputError

Steps = Mapping[str, float]

# For recipes: it finds nothing to convert in them, and looks for as long as tracing them takes.
without_autograph = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass(frozen=True)
class OfBatches:
    """Augmentation that changes targets as well.

    Attributes:
        change: From a batch `(inputs, targets)` or `(inputs, targets, weights)` and a seed to the
            same parts, changed.
    """

    change: Callable[[tuple[Any, ...], tf.Tensor], tuple[Any, ...]]


Augmentation = Callable[[Any, tf.Tensor], Any] | OfBatches


def own_augmentation(augment: Any) -> Augmentation | None:
    """Return a user's Keras layer or function as a function `(inputs, seed)`, else `None`."""
    if isinstance(augment, keras.layers.Layer):
        return lambda inputs, seed: augment(inputs, training=True)
    return augment if callable(augment) else None


def without_recipes(augment: Any, rank: int) -> Augmentation | None:
    """Return a user's own augmentation of inputs that have no recipes, or `None` for none.

    Args:
        augment: What the user gave.
        rank: The rank of a batch of inputs.

    Raises:
        InputError: for the name of a recipe.
    """
    function = own_augmentation(augment)
    if function is None and augment is not None and augment is not False:
        raise InputError(
            f"augment={augment!r} moves pixels and needs images (height, width, channels); these"
            f" inputs have {rank - 1} axes. Give augment=False, or your own function."
        )
    return function


def refuse_augmentation(what: str, augment: Any) -> None:
    """Refuse an augmentation of `what`, a kind of input that has none.

    Raises:
        InputError: for anything but None and False.
    """
    if augment is not None and augment is not False:
        raise InputError(
            f"{what} are not augmented: augment must be None or False. Received:"
            f" augment={augment!r}."
        )


def default_amounts(recipes: Mapping[str, Callable[..., Any]]) -> dict[str, float]:
    """Return how strong each recipe is where a user does not say: the default of its `amount`."""
    return {
        name: inspect.signature(recipe).parameters["amount"].default
        for name, recipe in recipes.items()
    }


def chain_recipes(steps: Steps, recipes: Mapping[str, Callable[..., Any]]) -> Augmentation | None:
    """Return the recipes of `steps`, one after the other with seeds of their own, or `None`."""
    if not steps:
        return None

    @without_autograph
    def apply(inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, len(steps))
        for index, (name, amount) in enumerate(steps.items()):
            inputs = recipes[name](inputs, seeds[index], amount)
        return inputs

    return apply


def read_steps(augment: Any, amounts: Steps, levels: Mapping[str, Steps]) -> dict[str, float]:
    """Return recipe name -> amount for what a user gave; empty for `None` and `False`.

    Args:
        augment: A level, a recipe's name, a list of names, or a dict of name and amount.
        amounts: The recipes and their default amounts.
        levels: Level -> recipe name -> amount.

    Raises:
        InputError: for an unknown name or an amount out of range.

    Example:
        >>> read_steps(["noise"], {"noise": 0.1, "shift": 0.2}, {})
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
        number = is_number(amount)
        # Each is a part of something, but for semitones.
        limit = 12 if name == "pitch" else 1
        if not number or not 0 <= amount < limit:
            raise InputError(
                f"The amount of '{name}' must be in [0, {limit}). Received: augment={augment!r}."
            )
    return dict(steps)
