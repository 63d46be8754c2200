"""The columns of a table by their names, and the one that holds the targets."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from dlkit.argument_validation import closest, delimiter_hint
from dlkit.column_values import as_booleans
from dlkit.data.core.task_inference import MAX_CLASSES
from dlkit.data.files.cells import as_labels, as_numbers, as_texts
from dlkit.errors import InputError


def check_columns(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the first of `names` that is no column; `what` says which argument names it.

    Raises:
        InputError: naming the column, the closest one and all there are.
    """
    known = tuple(known)
    for name in names:
        if name not in known:
            raise InputError(
                f"{what} names the column '{name}', which the table lacks.{closest(name, known)}"
                f" Its columns: {', '.join(known)}."
            )


def check_target(columns: Collection[str], target: str, where: str) -> None:
    """Refuse a table without the target, or with nothing else; `where` is the table.

    Raises:
        InputError: naming the target, and the columns there are.
    """
    if target not in columns:
        raise InputError(
            f"{where} has no column '{target}' to predict.{closest(target, columns)} Its columns:"
            f" {', '.join(columns)}.{delimiter_hint(columns)}"
        )
    if len(columns) == 1:
        raise InputError(f"{where} has no column besides the target '{target}' to learn from.")


def read_target(values: np.ndarray, name: str, task: str | None) -> np.ndarray:
    """Return the target column: class labels as integers or texts, or numbers.

    Whole numbers keep all their digits. What looks like a code, as `0010` or `1E5`, is a name: `10`
    may be another class.

    Raises:
        InputError: when a row has no target.
    """
    labels = as_texts(values)
    missing = np.flatnonzero(labels == "")
    if len(missing):
        raise InputError(
            f"{len(missing)} of {len(labels)} rows have no target '{name}', the first is row"
            f" {missing[0] + 1}; fill them in, leave them out, or give"
            " missing_targets='drop'."
        )
    numbers, different = as_numbers(values), set(labels)
    if numbers is not None and task == "regression":
        return numbers
    booleans = as_booleans(labels)
    if booleans is not None and len(different) > 2:  # true and True are one class
        return np.array(booleans).astype(str)
    if numbers is not None and task is None and len(different) > MAX_CLASSES:
        return numbers
    return as_labels(values)
