"""Columns of a table of ratings: identifiers as they stand, ratings and times as numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import closest
from dlkit.data.files import csv_tables
from dlkit.data.files.cells import as_numbers
from dlkit.data.files.dates import iso_date
from dlkit.errors import InputError


def read_ratings_table(
    path: str | os.PathLike, *, columns: Sequence[str] | None, delimiter: str
) -> dict[str, np.ndarray]:
    """Return the columns of a CSV file as texts; only an empty cell is a missing one."""
    return csv_tables.read_csv(path, columns=columns, delimiter=delimiter, na_values=("",))


def read_ratings(
    table: Any, user: str, item: str, rating: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the identifiers of users and items by role, and the ratings.

    Raises:
        InputError: when a column is missing, has gaps, or another length than the others.

    Example:
        >>> table = {"who": ["ann", "ben"], "film": [3, 4], "stars": [5, 1]}
        >>> read_ratings(table, "who", "film", "stars")
        ({'user': array(['ann', 'ben'], dtype=object), 'item': array([3, 4])}, array([5., 1.]))
    """
    if user == item:
        raise InputError(
            f"user and item must be two columns. Received: '{user}' for both; name the column of"
            " what is rated as item."
        )
    users, items = identifiers(table, user, "user"), identifiers(table, item, "item")
    stars = numbers(table, rating)
    lengths = {name: len(c) for name, c in ((user, users), (item, items), (rating, stars))}
    if len(set(lengths.values())) > 1:
        raise InputError(f"The columns of ratings must have the same length. Received: {lengths}.")
    return {"user": users, "item": items}, stars


def identifiers(table: Any, name: str, role: str) -> np.ndarray:
    """Return a column of identifiers: int64 if all are whole numbers, else texts.

    A number with zeros in front of it is a text, since they are part of what a client will send.

    Raises:
        InputError: when the column is missing, or a cell of it.

    Example:
        >>> identifiers({"film": ["12", "7"]}, "film", "item")
        array([12,  7])
        >>> identifiers({"film": ["012", "7"]}, "film", "item").tolist()
        ['012', '7']
    """
    array = _column(table, name, role)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    cells = [_text(cell) for cell in array.tolist()]
    for row, cell in enumerate(cells):
        if not cell:
            raise InputError(
                f"Row {row} has no {role}: the cell in column '{name}' is"
                f" {array.tolist()[row]!r}; fill or drop such rows."
            )
    if all(_is_whole(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64)
    texts = np.empty(len(cells), object)
    texts[:] = cells
    return texts


def numbers(table: Any, name: str) -> np.ndarray:
    """Return the column of ratings.

    Raises:
        InputError: when it is missing, holds what is no number, or one number throughout.

    Example:
        >>> numbers({"stars": ["4.5", "3"]}, "stars")
        array([4.5, 3. ])
    """
    array = _column(table, name, "rating")
    values = np.empty(len(array))
    for row, cell in enumerate(array.tolist()):
        try:
            values[row] = np.nan if isinstance(cell, bool) else float(cell)
        except (TypeError, ValueError):
            values[row] = np.nan
        if not np.isfinite(values[row]):
            raise InputError(
                f"Row {row} has a rating that is not a number: the cell in column '{name}' is"
                f" {cell!r}; mend or drop such rows."
            )
    if (values == values[0]).all():
        raise InputError(
            f"All {len(values)} ratings in column '{name}' are {values[0]:g}, so there is nothing"
            " to learn; give a column of ratings that differ."
        )
    return values


def read_times(table: Any, name: str, count: int) -> np.ndarray:
    """Return the column of times of `count` ratings, as numbers that grow.

    Raises:
        InputError: when it is missing, has another length, or a cell is neither a number nor a
            date.

    Example:
        >>> read_times({"when": ["2020-01-02", "2019-12-31"]}, "when", 2).argsort()
        array([1, 0])
    """
    array = _column(table, name, "time")
    if len(array) != count:
        raise InputError(
            f"Column '{name}' must hold a time for each of {count} ratings. Received: {len(array)}."
        )
    if array.dtype.kind == "M":
        array = np.datetime_as_string(array, unit="s")
    texts = np.array([_text(cell) for cell in array.tolist()], object)
    dates = [iso_date(text) for text in texts]
    known = [date for date in dates if date]
    if len(known) == len(dates):
        moments = [text.replace("/", "-").replace(" ", "T") for text in known]
        return np.array(moments, "datetime64[s]").astype(np.int64)
    values = as_numbers(texts)
    if values is None or not np.isfinite(values).all():
        reads = iso_date if dates[0] else _is_number
        row = next(row for row, text in enumerate(texts) if not reads(text))
        raise InputError(
            f"Row {row} has no time: the cell in column '{name}' is {array.tolist()[row]!r}; a time"
            " is a number, or a date such as 2026-11-21 13:00:00, alike in all rows."
        )
    return values


def _column(table: Any, name: str, role: str) -> np.ndarray:
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise InputError(
            "Ratings must be a pandas DataFrame, a mapping of column names to sequences, or the"
            f" path of a CSV file. Received: {type(table).__name__}."
        )
    names = [str(key) for key in getattr(table, "columns", table)]
    if name not in names:
        raise InputError(
            f"The table has no column '{name}' for {role}={name!r}.{closest(name, names)} Its"
            f" columns: {', '.join(names)}."
        )
    array = np.asarray(table[name])
    if array.ndim != 1 or not len(array):
        raise InputError(
            f"Column '{name}' must hold one {role} a row. Received shape {array.shape}."
        )
    return array


def _text(cell: Any) -> str:
    """Return a cell as text, empty where it is missing."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or str(cell) in ("nan", "NaT", "<NA>"):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _is_number(text: str) -> bool:
    values = as_numbers(np.array([text], object))
    return values is not None and bool(np.isfinite(values).all())


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return False
    return str(int(text)) == text and -(2**63) <= int(text) < 2**63
