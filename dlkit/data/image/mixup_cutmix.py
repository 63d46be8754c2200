"""MixUp and CutMix: pairs of images become one, and so do their targets.

    shares of the partner: one number an image (MixUp), or 1 in a rectangle and 0 elsewhere (CutMix)
    image   = (1 - shares) * image + shares * partner
    targets = (1 - mean share) * targets + mean share * the partner's

An image's partner is its neighbour in the batch, which was shuffled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf


def mixup_shares(shape: tf.Tensor, seed: tf.Tensor, amount: float = 0.2) -> tf.Tensor:
    """Return a share (B, 1, 1, 1) for each image, drawn from Beta(`amount`, `amount`).

    Reference:
        Zhang et al. 2017, mixup: Beyond Empirical Risk Minimization, arXiv:1710.09412.
    """
    return tf.reshape(_beta(shape[0], seed, amount), [-1, 1, 1, 1])


def cutmix_shares(shape: tf.Tensor, seed: tf.Tensor, amount: float = 1.0) -> tf.Tensor:
    """Return (B, H, W, 1) with 1 in a rectangle, whose area is drawn from Beta(`amount`, `amount`).

    Its centre is any pixel and what lies outside is lost, so its area is counted, not the drawn
    one.

    Reference:
        Yun et al. 2019, CutMix, arXiv:1905.04899.
    """
    seeds = tf.random.split(seed, 2)
    side = tf.sqrt(_beta(shape[0], seeds[0], amount))[:, tf.newaxis]  # as a part of the image's
    centres = tf.random.stateless_uniform([2, shape[0], 1], seeds[1])

    def covered(size: tf.Tensor, part: tf.Tensor) -> tf.Tensor:  # -> (B, size), inside or not
        whole = tf.cast(size, tf.float32)
        first, last = (tf.round(whole * (part + half * side)) for half in (-0.5, 0.5))
        places = tf.range(whole)[tf.newaxis]
        return (places >= first) & (places < last)

    rows, columns = covered(shape[1], centres[0]), covered(shape[2], centres[1])
    inside = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :]  # (B, H, W)
    return tf.cast(inside, tf.float32)[..., tf.newaxis]


SHARES: dict[str, Callable[..., tf.Tensor]] = {"mixup": mixup_shares, "cutmix": cutmix_shares}


def mix(
    batch: tuple[Any, ...],
    seed: tf.Tensor,
    amounts: Mapping[str, float],
    classes: int | None = None,
) -> tuple[tf.Tensor, ...]:
    """Mix a batch `(images, targets)` or `(images, targets, weights)`.

    Args:
        batch: Standardised images (B, H, W, C) and their targets.
        seed: Of what is drawn.
        amounts: Of `"mixup"`, `"cutmix"`, or both: each image is then mixed by one of them.
        classes: How many classes the targets are indices of; they become probabilities (B, K).
            `None` for targets that are numbers already. Defaults to None.

    Returns:
        The same parts; targets and weights are floats. Loss and weight of a mixed image are those
        of its two parts, so that cross-entropy adds up as if both had been trained on.
    """
    images, targets, *weights = batch
    shares = _shares(tf.shape(images), seed, amounts)
    share = tf.reduce_mean(shares, axis=(1, 2, 3))  # (B,)
    images = (1 - shares) * images + shares * _partner(images)
    targets = tf.cast(targets, tf.float32) if classes is None else tf.one_hot(targets, classes)
    if not weights:
        return images, _blend(targets, 1 - share, share)
    own, others = (1 - share) * weights[0], share * _partner(weights[0])
    total = own + others
    parts = (tf.math.divide_no_nan(part, total) for part in (own, others))
    return images, _blend(targets, *parts), total


def _shares(shape: tf.Tensor, seed: tf.Tensor, amounts: Mapping[str, float]) -> tf.Tensor:
    seeds = tf.random.split(seed, 3)
    drawn = [
        SHARES[name](shape, part, amount)
        for (name, amount), part in zip(amounts.items(), tf.unstack(seeds)[:2], strict=False)
    ]
    if len(drawn) == 1:
        return drawn[0]
    first = tf.random.stateless_uniform([shape[0], 1, 1, 1], seeds[2]) < 0.5
    return tf.where(first, *drawn)


def _beta(count: tf.Tensor, seed: tf.Tensor, amount: float) -> tf.Tensor:
    """Return `count` numbers from Beta(amount, amount), as the share of one of two gammas."""
    # In doubles: a gamma of a small amount is too often below the smallest float.
    first, second = tf.unstack(
        tf.random.stateless_gamma([2, count], seed, amount, dtype=tf.float64)
    )
    return tf.cast(tf.math.divide_no_nan(first, first + second), tf.float32)


def _partner(values: tf.Tensor) -> tf.Tensor:
    return tf.roll(values, 1, axis=0)


def _blend(targets: tf.Tensor, own: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Return targets (B,) or (B, K) and their partners' in these shares (B,)."""
    if len(targets.shape) == 2:
        own, others = own[:, tf.newaxis], others[:, tf.newaxis]
    return own * targets + others * _partner(targets)
