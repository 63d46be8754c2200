"""What the columns of a table hold: numbers, categories, dates, or nothing to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

import numpy as np

from dlkit.argument_validation import check_choice
from dlkit.column_values import as_booleans
from dlkit.data.core.record import Column
from dlkit.data.files import column_hints
from dlkit.data.files.cells import as_numbers, as_texts, first_text, has_front_zeros
from dlkit.data.files.dates import accepted_dates, iso_date
from dlkit.data.files.table_columns import check_columns
from dlkit.errors import InputError

KINDS = ("numeric", "boolean", "category", "hash", "date", "drop")


def infer_columns(
    table: Mapping[str, np.ndarray],
    train: np.ndarray,
    kinds: Mapping[str, str],
    max_categories: int,
    dayfirst: bool | None = None,
) -> tuple[Column, ...]:
    """Return the kind of each column.

    What type a column has is read from all rows, since all must be read; what it holds, as how many
    different values, from the training rows alone.

    Args:
        table: The columns, missing values empty or NaN.
        train: The row numbers of the training split.
        kinds: The kinds that the user gave.
        max_categories: Texts with more different values than this are hashed.
        dayfirst: How dates may be written, as `dates.iso_date` has it. Defaults to None.

    Raises:
        InputError: for an unknown column or kind, or values that are not of a given kind.
    """
    check_columns("kinds", kinds, table)
    found = []
    for name, values in table.items():
        if name in kinds:
            check_choice(f"kinds['{name}']", kinds[name], KINDS)
            if kinds[name] in _READERS:
                _READERS[kinds[name]](name, values, dayfirst=dayfirst)
        kind, note = _inspect(values, values[train], max_categories, dayfirst, kinds.get(name))
        finding = None if name in kinds else column_hints.look_at_column(name, kind, values)
        found.append(Column(name, kind, note, finding))
    return tuple(found)


def _inspect(
    values: np.ndarray,
    train: np.ndarray,
    max_categories: int,
    dayfirst: bool | None,
    given: str | None,
) -> tuple[str, str]:
    """Return a column's kind and a note on its training rows."""
    if given == "drop":
        return "drop", "as told"
    known = as_texts(train)
    known = known[known != ""]
    missing = f", {len(train) - len(known)} missing" if len(known) < len(train) else ""
    if not len(known):
        return "drop", "all values are missing"
    different = len(set(known))
    kind = given or _kind(values, dayfirst)
    if kind == "text":
        few, all_differ = different <= max_categories, different == len(known)
        kind = "category" if few else "drop" if all_differ else "hash"
    if kind == "drop":
        return "drop", "every value is different"
    if kind in ("numeric", "boolean"):
        numbers = as_numbers(train)
        return kind, f"mean {np.nan if numbers is None else np.nanmean(numbers):.4g}{missing}"
    if kind == "date":
        dates = [iso_date(text, dayfirst) or "" for text in known]
        return kind, f"{min(dates)} to {max(dates)}{missing}"
    return kind, f"{different} value{'' if different == 1 else 's'}{missing}"


def _kind(values: np.ndarray, dayfirst: bool | None) -> str:
    """Return what all values of a column are: `"text"` where that is nothing else."""
    if values.dtype.kind in "iuf":
        return "numeric"
    booleans = as_booleans(values)
    if booleans is not None and None not in booleans:
        return "boolean"
    if as_numbers(values) is not None:
        # What a number would lose may be a part of a name: 2116 is no post code, and 02116 is.
        return "text" if any(map(has_front_zeros, values)) else "numeric"
    return "date" if all(iso_date(text, dayfirst) for text in values if text) else "text"


def to_numbers(
    name: str, values: np.ndarray, split: str = "", dayfirst: bool | None = None
) -> np.ndarray:
    """Return the numeric column `name` as float64, missing values as NaN.

    Raises:
        InputError: naming the column, the row (of `split`) and what is no finite number in it.
    """
    numbers = as_numbers(values)
    if numbers is None:
        _refuse(name, "numeric", "a number", first_text(values), values, split)
    beyond = np.abs(numbers) > np.finfo(np.float32).max
    if beyond.any():
        _refuse(name, "numeric", "finite as float32", int(beyond.argmax()), values, split)
    return numbers


def to_booleans(
    name: str, values: np.ndarray, split: str = "", dayfirst: bool | None = None
) -> np.ndarray:
    """Return the boolean column `name` as an array of them.

    Raises:
        InputError: naming the column, the row (of `split`) and what is neither true nor false.
    """
    found = as_booleans(values)
    if found is None or None in found:
        row = next(row for row, value in enumerate(values) if as_booleans([value]) is None)
        told = "true or false (a 'numeric' column may have gaps, and reads them as 1 and 0)"
        _refuse(name, "boolean", told, row, values, split)
    return np.array(found)


def to_dates(
    name: str, values: np.ndarray, split: str = "", dayfirst: bool | None = None
) -> np.ndarray:
    """Return the date column `name`, which is text, once it is seen to hold dates only.

    Raises:
        InputError: naming the column, the row (of `split`) and what is no date in it.
    """
    values = as_texts(values)
    for row, text in enumerate(values):
        if text and not iso_date(text, dayfirst):
            _refuse(name, "date", accepted_dates(dayfirst), row, values, split)
    return values


_READERS = {"numeric": to_numbers, "boolean": to_booleans, "date": to_dates}


def _refuse(name: str, kind: str, like: str, row: int, values: np.ndarray, split: str) -> NoReturn:
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


def raw_columns(
    columns: Iterable[Column],
    table: Mapping[str, np.ndarray],
    split: str = "",
    dayfirst: bool | None = None,
) -> dict:
    """Return the columns that are not dropped as the preprocessing takes them.

    Args:
        columns: What the columns are.
        table: Their values.
        split: Said in errors, as `" of the test table"`. Defaults to `""`.
        dayfirst: How dates may be written, as `dates.iso_date` has it. Defaults to None.

    Returns:
        Name -> float64 array for numeric columns, of booleans for boolean ones, of texts for the
        others.

    Raises:
        InputError: for a value that is not of its column's kind.
    """
    return {
        column.name: _READERS[column.kind](column.name, table[column.name], split, dayfirst)
        if column.kind in _READERS
        else as_texts(table[column.name])
        for column in columns
        if column.kind != "drop"
    }
