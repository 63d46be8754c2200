"""Targets: which task they stand for, their classes, and stratified splits of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import check_choice, closest
from dlkit.data.core.precision import narrowed
from dlkit.data.core.task_inference import infer_task, task_reason
from dlkit.errors import InputError
from dlkit.tasks import TASKS

# The test split of data sets that were published without one is the same for every seed.
TEST_FRACTION, TEST_SEED = 0.2, 0


@dataclasses.dataclass(frozen=True)
class Targets:
    """Targets as a network learns them: class indices, or floats.

    `by_index` says that labels were given as indices into the class names, not as the names;
    `assumed` says why the targets were taken for this task, where the user did not give it.
    """

    values: np.ndarray
    task: str
    num_classes: int
    class_names: tuple[str, ...] | None
    by_index: bool = False
    assumed: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names; none where there are no classes, or they have no names."""
        return self.class_names or ()

    def take(self, rows: np.ndarray) -> Targets:
        """Return the targets of some rows."""
        return dataclasses.replace(self, values=self.values[rows])


def read_targets(y: Any, task: str | None, class_names: Sequence[Any] | None) -> Targets:
    """Return the targets in `y`; `task=None` reads the task from them too."""
    array = _array(y)
    if task is None:
        task = infer_task(array, class_names)
        return dataclasses.replace(
            read_targets(array, task, class_names), assumed=task_reason(array, task)
        )
    check_choice("task", task, TASKS)
    if task in ("binary", "multiclass"):
        return _classes(array, task, class_names)
    rank = (2,) if task == "multilabel" else (1, 2)
    if array.dtype.kind not in "buif" or array.ndim not in rank:
        shapes = " or ".join(("(n,)", "(n, columns)")[r - 1] for r in rank)
        raise InputError(
            f"The targets of task='{task}' must be numbers of shape {shapes}. Received:"
            f" {array.dtype} of shape {array.shape}."
        )
    return _numbers(array, task, class_names)


def encode_targets(y: Any, like: Targets) -> np.ndarray:
    """Return the targets `y` of another split in the encoding of `like`."""
    if like.task in ("binary", "multiclass"):
        return _indices(_class_column(_array(y), like.task), like)
    return read_targets(y, like.task, like.class_names).values


def split_off_test(targets: Targets) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers for training and for testing, the same ones for every seed."""
    return split_stratified(targets, TEST_FRACTION, TEST_SEED)


def split_stratified(targets: Targets, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of the larger and the smaller part, each class shared out alike."""
    rows = np.arange(len(targets.values))
    if fraction == 0:
        return rows, rows[:0]
    classes = targets.task in ("binary", "multiclass")
    if classes:
        _check_members(targets, fraction)
    elif len(rows) < 2:
        raise InputError(f"{len(rows)} example cannot be split; give at least 2.")
    _check_larger(targets, fraction, classes=classes)

    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(
        rows,
        test_size=fraction,
        random_state=seed,
        stratify=targets.values if classes else None,
    )
    # In their first order: a pipeline that does not shuffle then shows the data as it came.
    return np.sort(kept), np.sort(held)


def _check_members(targets: Targets, fraction: float) -> None:
    counts = np.bincount(targets.values, minlength=targets.num_classes)
    present = np.flatnonzero(counts)
    if len(present) < 2:
        raise InputError(
            f"All {len(targets.values)} targets are of one class"
            f" ('{targets.names[present[0]]}'); a classifier needs examples of at least 2."
        )
    rarest = present[counts[present].argmin()]
    smaller = int(np.ceil(fraction * len(targets.values)))
    if counts[rarest] < 2 or smaller < len(present):
        whole = targets.assumed.endswith("whole numbers")
        quantity = ", or task='regression' for quantities" if whole else ""
        option = ""
        if counts[rarest] < 2:
            option = " rare_classes='drop' or 'merge',"
        elif fraction != TEST_FRACTION:
            option = f" val_fraction={np.ceil(100 * len(present) / len(targets.values)) / 100:g},"
        raise InputError(
            f"A stratified split of {len(targets.values)} examples into a part of {smaller} cannot"
            f" hold each of {len(present)} classes (the rarest, '{targets.names[rarest]}',"
            f" has {counts[rarest]}); give more examples,{option} or a test split and"
            f" val_fraction=0{quantity}."
        )


def _check_larger(targets: Targets, fraction: float, *, classes: bool) -> None:
    """Refuse a fraction that leaves less than an example, or one of each class."""
    count = len(targets.values)
    left = count - int(np.ceil(fraction * count))
    least = len(np.unique(targets.values)) if classes else 1
    if left < least:
        raise InputError(
            f"A fraction of {fraction:g} of {count} examples leaves {left} to train on, and at"
            f" least {least} {'is' if least == 1 else 'are'} needed; give a smaller one."
        )


def _array(y: Any) -> np.ndarray:
    try:
        array = np.asarray(y)
    except ValueError:
        lengths = sorted({len(row) if hasattr(row, "__len__") else 1 for row in y})
        raise InputError(
            f"y must hold as many targets for each example. Received: rows of {lengths[0]} and of"
            f" {lengths[-1]}; for several labels an example give a column of 0 and 1 a label."
        ) from None
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind == "O":
        _check_objects(array)
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise InputError(
            "y must hold one target (n,) or one row of targets (n, columns) an example."
            f" Received shape {array.shape}."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = np.argwhere(~np.isfinite(array))[0][0]
        raise InputError(
            f"y holds NaN or infinity, first in example {row}; fill or drop such examples, NaN"
            " with missing_targets='drop'."
        )
    return array


def _check_objects(array: np.ndarray) -> None:
    """Refuse a missing target among texts, which would be a class called 'None' or 'nan'."""
    for row, value in enumerate(array.ravel()):
        if is_missing(value):
            raise InputError(
                f"y has no target in example {row // (array.size // len(array))}: {value!r}; fill"
                " or drop such examples, with missing_targets='drop'."
            )


def is_missing(value: Any) -> bool:
    """Return whether a target is `None`, or one of what is not equal to itself: NaN, NaT, NA."""
    return value is None or not isinstance(value == value, bool | np.bool_) or value != value


def _class_column(array: np.ndarray, task: str) -> np.ndarray:
    """Return class targets as one column; one-hot rows become indices."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        if not np.isin(array, (0, 1)).all() or not (array.sum(axis=1) == 1).all():
            raise InputError(
                f"The targets of task='{task}' must be one class an example: (n,) or one-hot rows."
                f" Received shape {array.shape} with rows that are not one-hot; for several labels"
                " an example give task='multilabel'."
            )
        return array.argmax(axis=1)
    if array.dtype.kind == "f":
        if (array != np.floor(array)).any():
            raise InputError(
                f"The targets of task='{task}' must be classes. Received numbers like"
                f" {array[array != np.floor(array)][0]:g}; for numbers give task='regression'."
            )
        return array.astype(np.int64)
    return array


def _classes(array: np.ndarray, task: str, class_names: Sequence[Any] | None) -> Targets:
    one_hot = array.ndim == 2 and array.shape[1] > 1
    column = _class_column(array, task)
    if class_names is not None:
        names = tuple(str(name) for name in class_names)
        _check_different(names)
    else:
        values = np.arange(array.shape[1]) if one_hot else np.unique(column)
        names = tuple(str(value) for value in values)
        _check_blanks(names)
    if len(names) < 2:
        raise InputError(
            f"All targets are of one class ('{names[0]}'); a classifier needs at least 2."
        )
    if task == "binary" and len(names) != 2:
        raise InputError(
            f"task='binary' needs exactly 2 classes. Received {len(names)}:"
            f" {', '.join(names[:10])}; for more give task='multiclass'."
        )
    # Whole-number labels beside given names are indices; any other labels are names themselves.
    by_index = one_hot or (class_names is not None and column.dtype.kind in "ui")
    targets = Targets(column, task, len(names), names, by_index)
    return dataclasses.replace(targets, values=_indices(column, targets))


def _check_different(names: tuple[str, ...]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(
                f"class_names must differ. Received '{name}' as class {names.index(name)} and as"
                f" class {place}."
            )


def _check_blanks(names: tuple[str, ...]) -> None:
    """Refuse classes that differ in stray blanks alone."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.strip(), name)
        if other != name:
            raise InputError(
                f"Labels {other!r} and {name!r} differ in blanks alone, and would be two classes;"
                " strip them, as with [label.strip() for label in y]."
            )


def _indices(column: np.ndarray, like: Targets) -> np.ndarray:
    names = like.names
    if like.by_index:
        if column.dtype.kind not in "ui":
            raise InputError(
                f"Labels must be whole numbers 0 to {len(names) - 1}. Received '{column[0]}'."
            )
        outside = column[(column < 0) | (column >= len(names))]
        if len(outside):
            raise InputError(
                f"Labels must be 0 to {len(names) - 1} for {len(names)} classes. Received label"
                f" {outside[0]}; give the missing class names, or drop those examples."
            )
        return column.astype(np.int64)
    index = {name: i for i, name in enumerate(names)}
    texts = [str(value) for value in column]
    for text in texts:
        if text not in index:
            raise InputError(
                f"Label '{text}' is not one of the {len(names)} classes:"
                f" {', '.join(names[:10])}.{closest(text, names)}"
            )
    return np.array([index[text] for text in texts], np.int64)


def _numbers(array: np.ndarray, task: str, class_names: Sequence[Any] | None) -> Targets:
    columns = array.shape[1] if array.ndim == 2 else 1
    names = tuple(str(name) for name in class_names) if class_names is not None else None
    if names and len(names) != columns:
        raise InputError(
            f"class_names must name each of the {columns} target columns. Received {len(names)}."
        )
    if task == "multilabel" and not np.isin(array, (0, 1)).all():
        raise InputError(
            "The targets of task='multilabel' must be 0 or 1. Received"
            f" {array[~np.isin(array, (0, 1))][0]}."
        )
    array = array.astype(np.float64)
    beyond = np.abs(array) > np.finfo(np.float32).max
    if beyond.any():
        raise InputError(
            f"y holds {array[beyond][0]:g}, and float32 holds numbers up to 3.4e38;"
            " scale y, or drop such examples."
        )
    return Targets(narrowed(array), task, columns, names)
