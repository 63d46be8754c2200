"""From a CSV file or a DataFrame to named columns: texts as they stand, or numbers.

A cell is stripped of blanks around it. A missing one is an empty text, or NaN among numbers.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import os
import pathlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import closest
from dlkit.column_values import NA_VALUES, as_text
from dlkit.data.files.cells import text_array
from dlkit.errors import InputError


def read_csv(
    path: str | os.PathLike,
    *,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    na_values: Collection[str] = NA_VALUES,
) -> dict[str, np.ndarray]:
    r"""Return the columns of a CSV file, plain or gzipped, as arrays of texts.

    Args:
        path: The file; one whose name ends with `.gz` is unpacked.
        columns: The names, where the file has no header line. Defaults to None.
        delimiter: What stands between two cells. Defaults to ",".
        na_values: Texts that stand for a missing value. Defaults to `NA_VALUES`.

    Raises:
        InputError: when there is no such file, it is empty or damaged, a name stands twice, or a
            line has more or fewer cells than there are columns.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "people.csv")
        ...     _ = path.write_text("age, city\n39, Bern\n?, Rome\n")
        ...     {name: values.tolist() for name, values in read_csv(path).items()}
        {'age': ['39', ''], 'city': ['Bern', 'Rome']}
    """
    na_values = check_na_values(na_values)
    names, lines = _opened(path, columns, delimiter)
    rows = []
    for number, cells in lines:
        if len(cells) != len(names):
            raise InputError(
                f"Line {number} of {path} has {len(cells)} fields where {len(names)} are expected"
                f" ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}): mend the line, or"
                f" give the right delimiter (now {delimiter!r})."
            )
        rows.append(cells)
    if not rows:
        raise InputError(f"{path} holds no rows; give a file with at least one line of values.")
    return {
        name: text_array(values, na_values)
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def read_head(
    path: str | os.PathLike, *, columns: Sequence[str] | None = None, delimiter: str = ","
) -> tuple[list[str], list[str]]:
    r"""Return the names of a CSV file's columns, and the cells of its first row.

    Args:
        path: The file, as `read_csv` takes it.
        columns: The names, where the file has no header line. Defaults to None.
        delimiter: What stands between two cells. Defaults to ",".

    Raises:
        InputError: when there is no such file, or what was read of it is empty or damaged.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "people.csv")
        ...     _ = path.write_text("age, city\n39, Bern\n")
        ...     read_head(path)
        (['age', 'city'], ['39', 'Bern'])
    """
    names, lines = _opened(path, columns, delimiter)
    return names, next(lines, (0, []))[1]


def _opened(
    path: str | os.PathLike, columns: Sequence[str] | None, delimiter: str
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the columns' names, and the lines below the header."""
    path = _existing(path)
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise InputError(
            "delimiter must be one character such as ',', ';' or a tab. Received:"
            f" delimiter={delimiter!r}."
        )
    lines = _lines(path, delimiter)
    return _names(path, columns, lines), lines


def check_na_values(na_values: Collection[str]) -> tuple[str, ...]:
    """Return the texts that stand for a missing value, each once.

    Raises:
        InputError: for a single text, or what is no text.

    Example:
        >>> check_na_values(["?", "", "?"])
        ('?', '')
    """
    if isinstance(na_values, str) or not all(isinstance(value, str) for value in na_values):
        raise InputError(
            f"na_values must hold texts, as ['', '?']. Received: na_values={na_values!r}."
        )
    return tuple(dict.fromkeys(na_values))


def _existing(path: str | os.PathLike) -> pathlib.Path:
    path = pathlib.Path(path)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the path of a CSV file.")
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise InputError(f"There is no file {path}.{closest(path.name, beside)}")


def _lines(path: pathlib.Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line that is not blank."""
    opened = gzip.open if path.suffix == ".gz" else open
    lift_cell_limit()
    try:
        # utf-8-sig: spreadsheets write a byte order mark, which is no part of the first name.
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            for cells in reader:
                stripped = [cell.strip() for cell in cells]
                if any("\0" in cell for cell in stripped):
                    raise InputError(
                        f"Line {reader.line_num} of {path} holds a zero byte, which no text does;"
                        f" save it as UTF-8, as with: iconv -f utf-16 -t utf-8 {path.name}"
                    )
                if any(stripped) or len(stripped) > 1:
                    yield reader.line_num, stripped
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as CSV ({error}); mend it or fetch it anew."
        ) from None


def not_utf8(path: pathlib.Path, error: UnicodeDecodeError) -> InputError:
    """Return the error for a file that is not UTF-8, with how to save it so."""
    wide = error.object[:2] in (b"\xff\xfe", b"\xfe\xff")  # what Windows calls Unicode
    return InputError(
        f"{path} is not UTF-8 text (byte {error.start}: {error.reason}); save it as UTF-8, as"
        f" with: iconv -f {'utf-16' if wide else 'latin1'} -t utf-8 {path.name}"
    )


def lift_cell_limit() -> None:
    """Let cells of CSV files be as long as they are: a long text is more than 128 KiB."""
    csv.field_size_limit(2**31 - 1)


def _names(
    path: pathlib.Path, columns: Sequence[str] | None, lines: Iterator[tuple[int, list[str]]]
) -> list[str]:
    if columns is None:
        _, names = next(lines, (0, []))
        if not names:
            raise InputError(f"{path} is empty; give a file with a header line and rows.")
    elif isinstance(columns, str) or not isinstance(columns, Iterable):
        raise InputError(
            f"columns must hold names, as ['age', 'city']. Received: columns={columns!r}."
        )
    else:
        names = list(columns)
    return column_names(names, str(path))


def column_names(given: Iterable[Any], what: str) -> list[str]:
    """Return the names of the columns of `what` as texts.

    A column without a name, as the index that pandas writes, is called by its place.

    Raises:
        InputError: when a name stands twice, naming it and both places.

    Example:
        >>> column_names(["", "km/h"], "The table")
        ['column_1', 'km/h']
    """
    names = [str(name) or f"column_{place}" for place, name in enumerate(given, 1)]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(
                f"{what} has two columns named '{name}' (the {names.index(name) + 1}. and the"
                f" {place + 1}.); rename one of them."
            )
    return names


def read_frame(frame: Any, na_values: Collection[str] = NA_VALUES) -> dict[str, np.ndarray]:
    """Return the columns of a pandas DataFrame, or of a mapping of names to sequences.

    Columns of numbers and booleans are arrays of them, whole numbers as such where none is missing;
    anything else becomes texts.

    Args:
        frame: The DataFrame or mapping. pandas itself is not imported.
        na_values: Texts that stand for a missing value. Defaults to `NA_VALUES`.

    Raises:
        InputError: when `frame` is neither, is empty, has a name twice or columns that differ in
            length.

    Example:
        >>> read_frame({"age": [39, None], "city": ["Bern ", "?"]})
        {'age': array([39., nan]), 'city': array(['Bern', ''], dtype=object)}
    """
    if not isinstance(frame, Mapping) and not hasattr(frame, "columns"):
        raise InputError(
            "frame must be a pandas DataFrame or a mapping of column names to sequences. Received:"
            f" {type(frame).__name__}; a file goes through dlkit.data.from_csv."
        )
    keys = list(getattr(frame, "columns", frame))
    names = column_names(keys, "The table")
    table = {
        name: _column(frame[key], name, na_values) for name, key in zip(names, keys, strict=True)
    }
    lengths = {name: len(values) for name, values in table.items()}
    if not table or 0 in lengths.values():
        raise InputError(f"The table holds no rows; give at least one. Received: {lengths}.")
    if len(set(lengths.values())) > 1:
        raise InputError(f"The columns of a table must have the same length. Received: {lengths}.")
    return table


def _cells(values: Any, name: str) -> np.ndarray:
    """Return a column as an array with one value a row."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "f" and not hasattr(values, "dtype"):
            array = np.asarray(values, object)  # whole numbers among them keep their digits
    except ValueError:  # lists that differ in length
        array = None
    if array is None or array.ndim != 1:
        shape = "lists that differ in length" if array is None else f"shape {array.shape}"
        raise InputError(
            f"Column '{name}' must hold one number or text a row. Received: {shape}; make a column"
            " of each part."
        )
    return array


def _column(values: Any, name: str, na_values: Collection[str]) -> np.ndarray:
    array = _cells(values, name)
    if array.dtype.kind == "M":
        return text_array(np.datetime_as_string(array, unit="s").tolist(), {*na_values, "NaT"})
    if array.dtype.kind in "biuf":
        return array.astype(np.float64) if array.dtype.kind == "f" else array
    if any(isinstance(cell, (datetime.timedelta, np.timedelta64)) for cell in array.flat):
        raise InputError(
            f"Column '{name}' holds durations, and a model takes numbers: give them in one unit, as"
            f" frame['{name}'].dt.total_seconds(). Received: {array[0]!r}."
        )
    missing = values.isna() if hasattr(values, "isna") else [_is_missing(v) for v in array.flat]
    cells = ["" if gone else v for v, gone in zip(array.tolist(), missing, strict=True)]
    known = [cell for cell in cells if cell != ""]
    if known and all(map(_is_held_exactly, known)):
        return np.array([np.nan if cell == "" else cell for cell in cells], np.float64)
    return text_array([str(as_text(cell)).strip() for cell in cells], na_values)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _is_held_exactly(value: Any) -> bool:
    """Return whether it is a number that float64 holds: whole ones have up to 53 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= 2**53
