"""Rare classes made to count: by weights of the examples, or by showing them more often."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.core.splits import known_origin
from dlkit.data.core.targets import Targets
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import AnyRecord

METHODS = ("weights", "oversample")


def balanced(data: AnyRecord, method: str, seed: int) -> AnyRecord:
    """Return what `Data.balanced` tells."""
    origin = known_origin(data, "balanced")
    check_choice("method", method, METHODS)
    check_integer("seed", seed, minimum=0)
    targets, split = origin.targets, origin.split
    if targets is None or targets.task not in ("binary", "multiclass", "multilabel"):
        raise InputError(
            f"balanced needs classes or labels to balance. Received: task='{data.task}' in"
            f" '{data.name}'."
        )
    if method == "weights":
        return origin.remake(
            dataclasses.replace(split, weights=class_weights(targets, split.train))
        )
    if targets.task == "multilabel":
        raise InputError(
            f"An example of '{data.name}' has several labels, and one that is shown more often"
            " brings its frequent labels along; give balanced('weights')."
        )
    train = oversampled(split.train, targets.values[split.train], seed)
    return origin.remake(dataclasses.replace(split, train=train))


def class_weights(targets: Targets, train: np.ndarray) -> np.ndarray:
    """Return the weight of each example, by the frequencies among the rows `train`.

    A class weighs `n / (classes * its count)`. The weight of an example with several labels is the
    mean of what each label, on or off, would give alone: `n / (2 * count)`. So the weights of the
    training examples have the mean 1, and the learning rate keeps its meaning.

    Args:
        targets: The targets of all rows.
        train: The row numbers of the training split.

    Example:
        >>> from dlkit.data.core.targets import read_targets
        >>> targets = read_targets(["a", "a", "a", "b"], None, None)
        >>> class_weights(targets, np.arange(4)).round(2).tolist()
        [0.67, 0.67, 0.67, 2.0]
    """
    columns = targets.values.astype(np.int64).reshape(len(targets.values), -1)
    each = [_inverse(column[train])[column] for column in columns.T]
    return np.mean(each, axis=0)


def _inverse(labels: np.ndarray) -> np.ndarray:
    """Return the weight of each class; 1 for one that the training rows lack."""
    # Rows beside the training split may be of a later class than any of its own.
    counts = np.bincount(labels, minlength=labels.max() + 2)
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 1.0)


def oversampled(rows: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Return `rows` with those of rarer classes repeated, until all classes are equally frequent.

    All rows of a class are repeated equally often, but for a rest that is drawn.

    Example:
        >>> oversampled(np.arange(5), np.array([0, 0, 0, 0, 1]), 0).tolist()
        [0, 1, 2, 3, 4, 4, 4, 4]
    """
    random = np.random.default_rng(seed)
    most = np.bincount(labels).max()
    parts = []
    for label in np.unique(labels):
        members = rows[labels == label]
        times, rest = divmod(most, len(members))
        parts += [np.repeat(members, times), random.permutation(members)[:rest]]
    return np.sort(np.concatenate(parts))
