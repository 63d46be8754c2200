"""Augmentation of batches of images, stateless: the same images and seed give the same result.

    moves, fused into one warp -> each other recipe -> RandAugment -> mixed with their neighbours

Keras's random layers keep their seed in a variable, so their results depend on how many batches
went before. These functions get the seed with the batch, which makes epochs repeatable on any
number of threads, and lets a training that was killed continue with the very batches it would have
seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from dlkit.argument_validation import check_choice, is_number
from dlkit.data.core.augmentation import (
    Augmentation,
    OfBatches,
    default_amounts,
    own_augmentation,
    without_autograph,
)
from dlkit.data.image import geometry, mixup_cutmix
from dlkit.data.image.recipes import RECIPES
from dlkit.errors import InputError
from dlkit.tasks import TASKS

if TYPE_CHECKING:
    from dlkit.data.core.targets import Targets


# The strongest that RandAugment does to an image, and what its magnitude is a part of.
STRONGEST: dict[str, float] = {
    **{"shift": 0.3, "rotate": 30.0, "zoom": 0.4},
    **{"brightness": 0.8, "contrast": 0.8, "saturation": 0.9, "hue": 60.0, "cutout": 0.5},
}
_OF_COLOUR = ("saturation", "hue")


def randaugment(
    images: tf.Tensor, seed: tf.Tensor, amount: float | tuple[int, float] = 0.5
) -> tf.Tensor:
    """Change each image (B, H, W, C) by 2 recipes of its own, with one magnitude for all recipes.

    The moves among them are fused into one warp. Unlike in the paper, an image's recipes are
    different ones, are done in a fixed order, and each draws what it does up to its magnitude.

    Reference:
        Cubuk et al. 2019, RandAugment, arXiv:1909.13719.

    Args:
        images: Standardised images.
        seed: Of what is drawn.
        amount: The magnitude, a part of the `STRONGEST` amounts in [0, 1]; or `(n, magnitude)` for
            n recipes an image. Defaults to 0.5.
    """
    count, magnitude = amount if isinstance(amount, tuple | list) else (2, amount)
    names = [name for name in STRONGEST if images.shape[3] == 3 or name not in _OF_COLOUR]
    seeds = tf.random.split(seed, len(names) + 1)
    drawn = tf.random.stateless_uniform([len(names), tf.shape(images)[0]], seeds[-1])
    chosen = tf.argsort(tf.argsort(drawn, axis=0), axis=0) < count  # (names, B), n of each column
    amounts = {
        name: tf.cast(part, tf.float32) * (magnitude * STRONGEST[name])
        for name, part in zip(names, tf.unstack(chosen), strict=True)
    }
    moves = {name: amounts[name] for name in names if name in geometry.MOVES}
    images = geometry.move(images, seeds, moves)
    for index, name in enumerate(names):
        if name not in moves:
            images = RECIPES[name](images, seeds[index], amounts[name])
    return images


STEPS: dict[str, Callable[..., tf.Tensor]] = {
    **RECIPES,
    "randaugment": randaugment,
    **mixup_cutmix.SHARES,
}
DEFAULT_AMOUNTS = default_amounts(STEPS)
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
# Moves that need a warp, in which any others cost nothing more.
_RESAMPLING = {"rotate", "zoom", "crop"}
_BELOW_ONE = ("zoom", "crop")


def resolve_image_augmentation(augment: Any, targets: Targets | None = None) -> Augmentation | None:
    """Return the function `(images, seed) -> images` that `augment` stands for, or `None`.

    Args:
        augment: `None` or `False`; a recipe's name or a level (`"light"`, `"medium"`, `"strong"`);
            several recipes, as a list of names or a dict of name and amount; a Keras layer, called
            on each batch with `training=True`; or a function `(images, seed) -> images`.
        targets: What recipes mix that mix targets. Defaults to None: numbers.

    Returns:
        The function, `OfBatches` where targets are mixed, or `None`.

    Raises:
        InputError: for anything else.
    """
    if augment is None or augment is False:
        return None
    if function := own_augmentation(augment):
        return function
    steps = named_steps(augment)
    mixed = {name: steps.pop(name) for name in [*steps] if name in mixup_cutmix.SHARES}
    change = chain_image_recipes(steps)
    if not mixed:
        return change
    classes = _mixed_classes(mixed, targets)

    def mix(batch: tuple[Any, ...], seed: tf.Tensor) -> tuple[Any, ...]:
        seeds = tf.random.split(seed, 2)
        images, *rest = batch
        return mixup_cutmix.mix((change(images, seeds[0]), *rest), seeds[1], mixed, classes)

    return OfBatches(mix)


def chain_image_recipes(steps: Mapping[str, Any]) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return the recipes of `steps`, name -> amount, as one function.

    Flips and shifts move whole pixels. Together with a rotation, a zoom or a crop, all of them
    become one warp, before anything else.
    """
    if len(steps) == 1:
        ((only, amount),) = steps.items()
        return without_autograph(lambda images, seed: STEPS[only](images, seed, amount))
    moves = {name: steps[name] for name in steps if name in geometry.MOVES}
    fused = len(moves) > 1 and not moves.keys().isdisjoint(_RESAMPLING)
    single = {name: steps[name] for name in steps if not (fused and name in moves)}

    @without_autograph
    def apply(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        if not steps:
            return images
        seeds = tf.random.split(seed, len(moves) + len(single))
        if fused:
            images = geometry.move(images, seeds, moves)
        for index, (name, amount) in enumerate(single.items(), start=len(moves)):
            images = STEPS[name](images, seeds[index], amount)
        return images

    return apply


def named_steps(augment: Any) -> dict[str, Any]:
    """Return step name -> amount for a name, a level, a list of names or a dict."""
    if isinstance(augment, str):
        if augment in LEVELS:
            return dict(LEVELS[augment])
        check_choice("augment", augment, (*STEPS, *LEVELS))
        return {augment: DEFAULT_AMOUNTS[augment]}
    names = augment if isinstance(augment, list | tuple | Mapping) else [augment]
    for name in names:
        check_choice("Each step of augment", name, STEPS)
    steps = augment if isinstance(augment, Mapping) else {n: DEFAULT_AMOUNTS[n] for n in names}
    for name, amount in steps.items():
        _check_amount(name, amount, augment)
    if not steps:
        raise InputError(
            f"augment={augment!r} names no step; give augment=None, or some of: {', '.join(STEPS)}."
        )
    return dict(steps)


def _check_amount(name: str, amount: Any, augment: Any) -> None:
    if name == "randaugment":
        _check_randaugment(amount)
        return
    lowest = " above 0" if name in mixup_cutmix.SHARES else " of at least 0"
    limit = " and below 1" if name in _BELOW_ONE else ""
    number = is_number(amount)
    low = number and (amount < 0 or (amount == 0 and name in mixup_cutmix.SHARES))
    if not number or low or (amount >= 1 and name in _BELOW_ONE):
        raise InputError(
            f"The amount of '{name}' must be a number{lowest}{limit}. Received:"
            f" augment={augment!r}."
        )


def _check_randaugment(amount: Any) -> None:
    pair = amount if isinstance(amount, tuple | list) else (2, amount)
    whole = len(pair) == 2 and isinstance(pair[0], int) and not isinstance(pair[0], bool)
    if whole and 1 <= pair[0] <= len(STRONGEST) and is_number(pair[1]) and 0 <= pair[1] <= 1:
        return
    raise InputError(
        "The amount of 'randaugment' must be a magnitude from 0 to 1, or (n, magnitude) for n of"
        f" its {len(STRONGEST)} recipes. Received: {amount!r}."
    )


def _mixed_classes(mixed: Mapping[str, float], targets: Targets | None) -> int | None:
    """Return how many classes there are to mix, or `None` for targets that are numbers already."""
    if targets is None:
        return None
    if targets.task not in TASKS:
        raise InputError(
            f"'{next(iter(mixed))}' mixes the targets of pairs of images, which those of"
            f" task='{targets.task}' cannot be; leave it out of augment."
        )
    return targets.num_classes if targets.task == "multiclass" else None
