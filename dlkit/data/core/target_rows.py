"""Examples whose target cannot be learned: left out or merged where an option says so.

An example of a class that is left out keeps its row number; it has the class -1, and is in no
split.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from dlkit.argument_validation import check_choice
from dlkit.data.core.targets import Targets, is_missing
from dlkit.data.core.wording import listed
from dlkit.errors import InputError

MISSING = ("error", "drop")
RARE = ("error", "drop", "merge")
OTHER = "other"  # what rare classes become, with "merge"


def rows_with_target(missing: np.ndarray, what: str) -> np.ndarray:
    """Return the numbers of the rows that have a target, and print how many are left out.

    Args:
        missing: Whether each row has none, booleans (rows,).
        what: What the rows are of, for messages.

    Raises:
        InputError: when none has one.

    Example:
        >>> rows_with_target(np.array([False, True, False]), "y")
        Dropped 1 of 3 rows of y, which has no target.
        array([0, 2])
    """
    count = int(missing.sum())
    if count == len(missing):
        raise InputError(f"None of the {count} rows of {what} has a target; give some to learn.")
    if count:
        have = "which has" if count == 1 else "which have"
        print(f"Dropped {count:,} of {len(missing):,} rows of {what}, {have} no target.")
    return np.flatnonzero(~missing)


def arrays_with_targets(x: Any, y: Any, missing: str, what: str) -> tuple[Any, Any]:
    """Return the inputs and targets of the examples that have a target, or all of them.

    Args:
        x: The inputs, an array.
        y: The targets, in which `None`, NaN and an empty text are none.
        missing: One of `MISSING`; with `"error"` nothing is looked at.
        what: What the rows are of, for messages.

    Raises:
        InputError: for another choice, or when no example has a target.
    """
    check_choice("missing_targets", missing, MISSING)
    if missing == "error" or len(x) != len(y):
        return x, y
    cells = np.asarray(y, object).reshape(len(y), -1)
    gone = [any(is_missing(cell) or cell == "" for cell in row) for row in cells]
    rows = rows_with_target(np.array(gone), what)
    return x[rows], np.asarray(y)[rows]


def rows_in_use(targets: Targets) -> np.ndarray:
    """Return the row numbers of all examples but those of the class -1, which are left out.

    Example:
        >>> rows_in_use(Targets(np.array([0, -1, 1]), "binary", 2, ("a", "b"))).tolist()
        [0, 2]
    """
    if targets.task in ("binary", "multiclass"):
        return np.flatnonzero(targets.values >= 0)
    return np.arange(len(targets.values))


def without_rare_classes(
    targets: Targets, held: int | None, val_fraction: float, rare: str, task: str | None
) -> Targets:
    """Return targets whose rare classes are left out or merged: those too small for every split.

    Args:
        targets: The targets of all rows.
        held: How many of the last rows are a test split of their own, or `None`.
        val_fraction: Part of the others for validation.
        rare: One of `RARE`.
        task: What the user asked for; where that is `None`, two classes that are left are
            `"binary"`.

    Raises:
        InputError: for another choice, when fewer than two classes are left, or the merged class
            is still too small.

    Example:
        >>> from dlkit.data.core.targets import read_targets
        >>> animals = read_targets(["cat", "dog"] * 5 + ["cow"], None, None)
        >>> left = without_rare_classes(animals, None, 0.1, "drop", None)
        Dropped 1 class of fewer than 3 examples: cow (1).
        >>> left.class_names, left.task, left.values[-2:]
        (('cat', 'dog'), 'binary', array([ 1, -1]))
    """
    check_choice("rare_classes", rare, RARE)
    if rare == "error" or targets.task not in ("binary", "multiclass"):
        return targets
    learned = targets.values[: len(targets.values) - (held or 0)]
    counts = np.bincount(learned[learned >= 0], minlength=targets.num_classes)
    least = 1 + (held is None) + (val_fraction > 0)  # one for each split that is cut off
    few = np.flatnonzero((counts > 0) & (counts < least))
    if not len(few):
        return targets
    names = [n for i, n in enumerate(targets.names) if i not in few]
    index = np.full(targets.num_classes, -1)
    if rare == "merge":
        names = list(dict.fromkeys([*names, OTHER]))
        index[few] = names.index(OTHER)
    others = np.setdiff1d(np.arange(targets.num_classes), few)
    index[others] = [names.index(targets.names[i]) for i in others]
    values = np.where(targets.values >= 0, index[targets.values], -1)
    _check_left(names, np.bincount(values[: len(learned)] + 1)[1:], least, rare)
    shown = listed([f"{targets.names[i]} ({counts[i]})" for i in few], 10)
    done = f"Merged into '{OTHER}'" if rare == "merge" else "Dropped"
    classes = "class" if len(few) == 1 else "classes"
    print(f"{done} {len(few)} {classes} of fewer than {least} examples: {shown}.")
    task = task or ("binary" if len(names) == 2 else "multiclass")
    return dataclasses.replace(
        targets,
        values=values,
        task=task,
        num_classes=len(names),
        class_names=tuple(names),
        by_index=False,
    )


def _check_left(names: list[str], counts: np.ndarray, least: int, rare: str) -> None:
    if len(names) < 2:
        raise InputError(
            f"rare_classes={rare!r} leaves {len(names)} class of at least {least} examples"
            f" ({', '.join(names)}), and a classifier needs 2; give more examples of the others."
        )
    if rare == "merge" and counts[names.index(OTHER)] < least:
        raise InputError(
            f"rare_classes='merge' makes a class '{OTHER}' of {counts[names.index(OTHER)]}"
            f" examples, and {least} are needed; give rare_classes='drop', or more examples."
        )
