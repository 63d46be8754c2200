"""What the columns of a table hold: numbers, categories, dates, or nothing to learn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dlkit.checks import check_choice, closest
from dlkit.data.dates import is_date
from dlkit.data.table_files import as_numbers, as_texts, has_front_zeros
from dlkit.errors import InputError

KINDS = ("numeric", "category", "hash", "date", "drop")
# Whole numbers with more values than this are a quantity to predict, not classes.
MAX_CLASSES = 20


@dataclasses.dataclass(frozen=True)
class Column:
    """What is known of a table's column.

    Attributes:
        name: Its name.
        kind: `"numeric"`, `"category"`, `"hash"`, `"date"`, `"cross"` or `"drop"`.
        note: What its training rows hold, or why it is dropped, in words.

    Example:
        >>> Column("age", "numeric", "mean 39, 2 missing").kind
        'numeric'
    """

    name: str
    kind: str
    note: str


def infer(
    table: Mapping[str, np.ndarray],
    train: np.ndarray,
    kinds: Mapping[str, str],
    max_categories: int,
) -> tuple[Column, ...]:
    """Return the kind of each column.

    What type a column has is read from all rows, since all must be read; what it holds, as how many
    different values, from the training rows alone.

    Args:
        table: The columns, missing values empty or NaN.
        train: The row numbers of the training split.
        kinds: The kinds that the user gave.
        max_categories: Texts with more different values than this are hashed.

    Raises:
        InputError: for an unknown column or kind, or values that are not of a given kind.
    """
    check_columns("kinds", kinds, table)
    found = []
    for name, values in table.items():
        kind, note = _inspect(values, values[train], max_categories, kinds.get(name))
        if name in kinds:
            check_choice(f"kinds['{name}']", kinds[name], KINDS)
            _check_values(name, kinds[name], values)
        found.append(Column(name, kind, note))
    return tuple(found)


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


def _inspect(
    values: np.ndarray, train: np.ndarray, max_categories: int, given: str | None
) -> tuple[str, str]:
    """Return a column's kind and a note on its training rows."""
    if given == "drop":
        return "drop", "as told"
    known = as_texts(train)
    known = known[known != ""]
    missing = f", {len(train) - len(known)} missing" if len(known) < len(train) else ""
    if not len(known):
        return "drop", "all values are missing"
    numbers = as_numbers(values)
    different = len(set(known))
    kind = given or _kind(values, numbers, different, len(known), max_categories)
    if kind == "drop":
        return "drop", "every value is different"
    if kind == "numeric" and numbers is not None:
        return kind, f"mean {np.nanmean(as_numbers(train)):.4g}{missing}"
    if kind == "date":
        return kind, f"{min(known)} to {max(known)}{missing}"
    return kind, f"{different} value{'' if different == 1 else 's'}{missing}"


def _kind(
    values: np.ndarray, numbers: np.ndarray | None, different: int, known: int, max_categories: int
) -> str:
    if numbers is not None:
        return "numeric"
    if all(is_date(text) for text in values if text):
        return "date"
    if different <= max_categories:
        return "category"
    return "drop" if different == known else "hash"


def _check_values(name: str, kind: str, values: np.ndarray) -> None:
    if kind == "numeric":
        to_numbers(name, values)
    if kind == "date":
        to_dates(name, values)


def to_numbers(name: str, values: np.ndarray, split: str = "") -> np.ndarray:
    """Return the numeric column `name` as float32, missing values as NaN.

    Raises:
        InputError: naming the column, the row (of `split`) and what is no finite number in it.
    """
    numbers = as_numbers(values)
    if numbers is None:
        row = next(i for i, text in enumerate(values) if as_numbers(values[i : i + 1]) is None)
        _refuse(name, "numeric", "a number", row, values, split)
    with np.errstate(over="ignore"):
        found = numbers.astype(np.float32)
    if np.isinf(found).any():
        _refuse(name, "numeric", "finite as float32", int(np.isinf(found).argmax()), values, split)
    return found


def to_dates(name: str, values: np.ndarray, split: str = "") -> np.ndarray:
    """Return the date column `name`, which is text, once it is seen to hold dates only.

    Raises:
        InputError: naming the column, the row (of `split`) and what is no date in it.
    """
    values = as_texts(values)
    for row, text in enumerate(values):
        if text and not is_date(text):
            _refuse(name, "date", "like 2026-11-21 or 2026-11-21 13:00", row, values, split)
    return values


def _refuse(name: str, kind: str, like: str, row: int, values: np.ndarray, split: str) -> None:
    raise InputError(
        f"Column '{name}' is of kind '{kind}', and its value {str(values[row])!r} in row"
        f" {row + 1}{split} is not {like}; mend it, name it in na_values, or give"
        f" kinds={{'{name}': 'category'}}."
    )


def check_kept(columns: Sequence[Column]) -> None:
    """Refuse a table of which no column is left.

    Raises:
        InputError: naming each column, and why it is dropped.
    """
    if all(column.kind == "drop" for column in columns):
        reasons = "; ".join(f"'{c.name}': {c.note}" for c in columns)
        raise InputError(f"No column is left to learn from ({reasons}); give other kinds.")


def check_crosses(crosses: Sequence[Sequence[str]], columns: Sequence[Column]) -> None:
    """Refuse groups of columns that cannot be crossed.

    Raises:
        InputError: naming the group, and its column that is unknown or of a wrong kind.
    """
    kinds = {column.name: column.kind for column in columns}
    for cross in crosses:
        if isinstance(cross, str) or len(set(cross)) != len(cross) or len(cross) < 2:
            raise InputError(
                "crosses must hold groups of two or more different columns, as [('age', 'job')]."
                f" Received: {cross!r}."
            )
        check_columns("crosses", cross, kinds)
        for name in cross:
            if kinds[name] in ("date", "drop"):
                raise InputError(
                    f"crosses={cross!r} needs numbers or categories, and the column '{name}' is"
                    f" of kind '{kinds[name]}'; give kinds={{'{name}': 'category'}}, or leave it"
                    " out."
                )


def raw(columns: Iterable[Column], table: Mapping[str, np.ndarray], split: str = "") -> dict:
    """Return the columns that are not dropped as the preprocessing takes them.

    Args:
        columns: What the columns are.
        table: Their values.
        split: Said in errors, as `" of the test table"`. Defaults to `""`.

    Returns:
        Name -> float32 array for numeric columns, array of texts for the others.

    Raises:
        InputError: for a value that is not of its column's kind.
    """
    readers = {"numeric": to_numbers, "date": to_dates}
    return {
        column.name: readers[column.kind](column.name, table[column.name], split)
        if column.kind in readers
        else as_texts(table[column.name])
        for column in columns
        if column.kind != "drop"
    }


def read_target(values: np.ndarray, name: str, task: str | None) -> np.ndarray:
    """Return the target column: class labels as integers or texts, or numbers.

    Whole numbers with zeros in front, as `0010`, are names: `10` may be another class.

    Raises:
        InputError: when a row has no target.
    """
    labels = as_texts(values)
    missing = np.flatnonzero(labels == "")
    if len(missing):
        raise InputError(
            f"{len(missing)} of {len(labels)} rows have no target '{name}', the first is row"
            f" {missing[0] + 1}; fill them in or leave them out."
        )
    numbers = as_numbers(values)
    if numbers is None:
        return np.array(labels.tolist())
    # 3.0 in a text is a measurement; pandas and NumPy have only the value to tell.
    written = values if values.dtype.kind != "f" else labels
    whole = all(text.lstrip("+-").isdigit() for text in written)
    if task is None and whole and len(np.unique(numbers)) > MAX_CLASSES:
        whole = False
    if whole and task != "regression" and any(map(has_front_zeros, written)):
        return np.array(labels.tolist())
    return numbers.astype(np.int64) if whole and task != "regression" else numbers
