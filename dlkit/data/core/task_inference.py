"""Which task targets stand for, where the user does not say: one rule for arrays and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Floats that are whole numbers, with more values than this, are a quantity to predict, not classes.
MAX_CLASSES = 20


def infer_task(array: np.ndarray, class_names: Sequence[Any] | None = None) -> str:
    """Return the task that the targets look like; `from_arrays` documents the rules.

    Example:
        >>> infer_task(np.array([0.5, 1.25]))
        'regression'
    """
    if array.ndim == 2 and array.shape[1] > 1:
        if not np.isin(array, (0, 1)).all():
            return "regression"
        return "multiclass" if (array.sum(axis=1) == 1).all() else "multilabel"
    classes = len(class_names) if class_names is not None else len(np.unique(array))
    if array.dtype.kind == "f":
        few = class_names is not None or classes <= MAX_CLASSES
        if not _are_whole(array) or classes < 2 or not few:
            return "regression"
    return "binary" if classes <= 2 else "multiclass"


def _are_whole(array: np.ndarray) -> bool:
    return bool((array == np.floor(array)).all())


def task_reason(array: np.ndarray, task: str) -> str:
    """Return what `infer_task` has gone by, for `Data.check`.

    Example:
        >>> task_reason(np.array([0.0, 1.0]), "binary")
        '2 different whole numbers'
    """
    if array.ndim == 2 and array.shape[1] > 1:
        return f"rows of {'numbers' if task == 'regression' else '0 and 1'}"
    if array.dtype.kind not in "iuf":
        return "truth values" if array.dtype.kind == "b" else "names"
    if not _are_whole(array):
        return "numbers with decimals"
    return f"{len(np.unique(array)):,} different whole numbers"
