"""Series as users have them, read as numbers in time order: files, tables, arrays.

CSV file, DataFrame, mapping or array -> dates that rise -> (steps, variables) without gaps
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from dlkit.argument_validation import closest
from dlkit.data.files import column_hints, csv_tables
from dlkit.data.files.cells import as_numbers, as_texts, first_text, text_array
from dlkit.data.files.table_columns import check_columns
from dlkit.errors import InputError

_ZONE = r"(?P<zone>Z|[+-]\d\d(:?\d\d)?)?"
# Whole numbers that tell a day or a month, as 20160701 and 201607.
_COMPACT = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?")
_DATE = re.compile(rf"\d{{4}}[-/]\d\d([-/]\d\d([ T]\d\d(:\d\d(:\d\d(\.\d+)?)?)?{_ZONE})?)?")


@dataclasses.dataclass(frozen=True)
class Series:
    """A series in time order.

    Attributes:
        values: Float64 `(steps, variables)`, all finite.
        names: The variables' names.
        dates: When each step was, or `None`.
        gaps: Steps behind which others are missing, by their dates.
        date: The column of the dates, or an empty text.
    """

    values: np.ndarray
    names: tuple[str, ...]
    dates: np.ndarray | None = None
    gaps: np.ndarray | None = None
    date: str = ""

    def gap_text(self) -> str:
        """Return how many gaps there are and where the first lies; nothing where there is none."""
        if self.gaps is None or self.dates is None or not len(self.gaps):
            return ""
        count, first = len(self.gaps), self.gaps[0]
        return (
            f"{count} gap{'' if count == 1 else 's'} in '{self.date}', the first between"
            f" {_text(self.dates[first])} and {_text(self.dates[first + 1])}"
        )

    def span_text(self, first: int, last: int) -> str:
        """Return when two steps are, by their dates or else by their numbers."""
        if self.dates is None:
            return f"steps {first} to {last}"
        return f"{_text(self.dates[first])} to {_text(self.dates[last])}"


def read_series(values: Any, date: str | None, drop: str | Sequence[str] = ()) -> Series:
    """Return the series in a CSV file, a DataFrame, a mapping of columns, or an array.

    Args:
        values: The path, table or array `(steps,)` or `(steps, variables)`.
        date: The column of the dates; `None` finds one by its looks.
        drop: A column to leave out, or several. Defaults to ().

    Raises:
        InputError: when it cannot be read, lacks a column, holds what is no number, or its dates do
            not rise.
    """
    drop = (drop,) if isinstance(drop, str) else tuple(drop)
    if isinstance(values, str | os.PathLike):
        table = csv_tables.read_csv(values)
        _check_delimiter(values, table)
        return _of_table(table, date, drop, str(pathlib.Path(values)))
    if hasattr(values, "to_frame") and not hasattr(values, "columns"):  # a pandas Series
        values = values.to_frame(values.name or "variable_1")
    if isinstance(values, Mapping) or hasattr(values, "columns"):
        return _of_table(_table(values), date, drop, "The table")
    return _of_array(values, date, drop)


def _check_delimiter(path: str | os.PathLike, table: Mapping[str, np.ndarray]) -> None:
    name = next(iter(table))
    mark = next((mark for mark in ";\t|" if mark in name), None)
    if len(table) == 1 and mark:
        raise InputError(
            f"{path} has a single column, '{name}': its cells are divided by {mark!r} and not by"
            f" commas; read it, as with pandas.read_csv({str(path)!r}, sep={mark!r}), and give the"
            " table."
        )


def _table(frame: Any) -> dict[str, np.ndarray]:
    table = csv_tables.read_frame(frame)
    index: Any = getattr(frame, "index", None)
    index = index.to_timestamp() if hasattr(index, "to_timestamp") else index  # of periods
    dtype = getattr(index, "dtype", None)
    if getattr(dtype, "kind", "") == "M":  # as pandas keeps the dates of a series
        stamps = np.datetime_as_string(np.asarray(index, "datetime64[s]"))
        table = {str(index.name or "index"): text_array(list(stamps), ("NaT",)), **table}
    return table


def _of_array(values: Any, date: str | None, drop: tuple[str, ...]) -> Series:
    array = np.asarray(values)
    if drop:
        raise InputError(
            f"drop={drop} names columns, and an array has none; give a table, or the columns that"
            " are left."
        )
    if date is not None:
        raise InputError(f"date='{date}' names a column, and an array has none; give a table.")
    if array.dtype.kind not in "buif" or array.ndim not in (1, 2) or 0 in array.shape:
        raise InputError(
            "values must be a CSV file, a table, or an array of numbers (steps,) or (steps,"
            f" variables). Received: {array.dtype} of shape {array.shape}."
        )
    array = array.reshape(len(array), -1).astype(np.float64)
    names = tuple(f"variable_{i}" for i in range(1, array.shape[1] + 1))
    _check_finite(array, names, None)
    return Series(array, names)


def _of_table(
    table: dict[str, np.ndarray], date: str | None, drop: tuple[str, ...], where: str
) -> Series:
    check_columns("drop", drop, table)
    table = {name: cells for name, cells in table.items() if name not in drop}
    if date is None:
        date = next((name for name, cells in table.items() if _looks_like_dates(cells)), "")
    elif date not in table:
        raise InputError(
            f"{where} has no column '{date}' of dates.{closest(date, table)} Its columns:"
            f" {', '.join(table)}."
        )
    dates = _dates(table.pop(date), date) if date else None
    if not table:
        but = f" and drop={drop}" if drop else ""
        raise InputError(f"{where} has no column besides the dates '{date}'{but}.")
    columns = []
    for name, cells in table.items():
        numbers = as_numbers(cells)
        if numbers is None:
            _refuse_texts(name, cells)
        columns.append(numbers)
    values = np.stack(columns, axis=1)
    _check_finite(values, tuple(table), dates)
    gaps = None if dates is None else _gaps(dates, date)
    return Series(values, tuple(table), dates, gaps, date)


def _looks_like_dates(cells: np.ndarray) -> bool:
    if _COMPACT.fullmatch(as_texts(cells[:1])[0]):
        compact = all(_COMPACT.fullmatch(text) for text in as_texts(cells))
        numbers = as_numbers(cells) if compact else None
        # Numbers that do not rise are measurements.
        return numbers is not None and bool(np.all(np.diff(numbers) > 0))
    return cells.dtype.kind == "O" and all(_DATE.fullmatch(text) for text in cells)


def _written_out(cell: str) -> str:
    """Return a date with dashes, where it has slashes or nothing between its parts.

    Example:
        >>> _written_out("20160701"), _written_out("201607"), _written_out("2016/07/01 13:00")
        ('2016-07-01', '2016-07', '2016-07-01 13:00')
    """
    compact = _COMPACT.fullmatch(cell)
    return "-".join(filter(None, compact.groups())) if compact else cell.replace("/", "-")


def _dates(cells: np.ndarray, name: str) -> np.ndarray:
    texts, behind = [], np.zeros(len(cells), "timedelta64[m]")
    for row, cell in enumerate(as_texts(cells)):
        text, zone = _without_zone(_written_out(cell))
        if not _is_date(text):
            raise InputError(
                f"Column '{name}' must hold dates like 2016-07-01 or 2016-07-01 13:00:00. Received"
                f" '{cells[row]}' in row {row + 1}."
            )
        texts.append(text)
        behind[row] = zone
    if behind.any():  # clocks that are put back show an hour twice; UTC has it once
        return np.array(texts, "datetime64[s]") - behind
    monthly = all(len(text) == 7 or text[8:] in ("01", "01T00:00:00") for text in texts)
    return np.array(texts, "datetime64[M]" if monthly else "datetime64[s]")


def _without_zone(text: str) -> tuple[str, int]:
    """Return a date without its time zone, and the zone's minutes before UTC."""
    found = _DATE.fullmatch(text)
    zone = found["zone"] if found else None
    if zone is None:
        return text, 0
    text = text.removesuffix(zone)
    if zone == "Z":
        return text, 0
    minutes = 60 * int(zone[1:3]) + int(zone[3:].lstrip(":") or 0)
    return text, -minutes if zone[0] == "-" else minutes


def _is_date(text: str) -> bool:
    try:
        np.datetime64(text)
    except ValueError:  # such as the 31st of February
        return False
    return _DATE.fullmatch(text) is not None


def _gaps(dates: np.ndarray, name: str) -> np.ndarray:
    steps = np.diff(dates).astype(np.int64)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        raise InputError(
            f"The dates in '{name}' must rise: row {row + 1} ({_text(dates[row])}) follows row"
            f" {row} ({_text(dates[row - 1])}); sort the rows and drop repeated ones."
        )
    # More than half a step longer than usual, so that neither a leap day nor clocks matter.
    usual = np.sort(steps)[(len(steps) - 1) // 2] if len(steps) else 0
    return np.flatnonzero(steps > 1.5 * usual)


def _check_finite(values: np.ndarray, names: tuple[str, ...], dates: np.ndarray | None) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        when = "" if dates is None else f" ({_text(dates[row])})"
        raise InputError(
            f"'{names[column]}' has no finite value in row {row + 1}{when}, and {len(bad)} such"
            f" cell{' is' if len(bad) == 1 else 's are'} in the series; fill gaps first, as with"
            " pandas' interpolate()."
        )


def _refuse_texts(name: str, cells: np.ndarray) -> NoReturn:
    row = first_text(cells)
    advice = f"leave it out with drop='{name}', or give date='{name}' if it tells the time"
    found = column_hints.look_at_column(name, "hash", cells)
    if found and "give" in found.advice:
        advice = (
            f"it {found.detail.partition(',')[0]}: read the table with pandas.read_csv, which you"
            f" {found.advice}, and give that"
        )
    raise InputError(
        f"Column '{name}' holds '{cells[row]}' in row {row + 1}, which is no number; {advice}."
    )


def _text(date: np.datetime64) -> str:
    return str(date).replace("T", " ").removesuffix(" 00:00:00")
