"""What targets stand for: the names of their classes, and how many there are of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlkit.data.core.record import Record


def class_name(data: Record, index: int | np.integer) -> str:
    """Return the name of a class, or its index where it has none."""
    return data.class_names[index] if data.class_names else str(index)


def target_text(data: Record, target: Any) -> str:
    """Return what a target means in words: its class names, or the number itself."""
    if data.task == "regression":
        return ", ".join(f"{value:.3g}" for value in np.atleast_1d(target))
    if data.task == "multilabel":
        chosen = np.flatnonzero(target)
    elif np.asarray(target).dtype.kind == "f":
        return _mixed_text(data, target)
    else:
        chosen = np.atleast_1d(target).astype(int)
    return ", ".join(class_name(data, i) for i in chosen)


def _mixed_text(data: Record, target: np.ndarray) -> str:
    """Return the classes that MixUp or CutMix put together, with their shares."""
    shares = np.atleast_1d(target)
    if data.task == "binary":
        shares = np.array([1 - shares[0], shares[0]])
    chosen = [i for i in np.argsort(-shares) if shares[i] >= 0.005]
    if len(chosen) == 1:
        return class_name(data, chosen[0])
    return ", ".join(f"{class_name(data, i)} {shares[i]:.0%}" for i in chosen)


def class_counts(data: Record, targets: np.ndarray) -> np.ndarray:
    """Return how many of the targets are of each class, or have each label."""
    if data.task == "multilabel":
        return targets.sum(axis=0).astype(int)
    labels = targets.astype(int).ravel()
    return np.bincount(labels[labels >= 0], minlength=data.num_classes)
