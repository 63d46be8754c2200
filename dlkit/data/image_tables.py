"""Tables of images: a CSV file whose rows name an image file and its labels."""

from __future__ import annotations

import csv
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from dlkit.checks import closest
from dlkit.data.image_files import Files
from dlkit.errors import InputError

Rows = list[dict[str | None, str | list[str]]]
_FURTHER = None  # the key of the cells beyond the header


def in_table(
    table: str | os.PathLike,
    image_column: str | None,
    label_columns: str | Sequence[str] | None,
    separator: str | None,
    names: tuple[str, ...] | None = None,
) -> tuple[Files, tuple[str, ...] | None]:
    """Return the files of a table, and the labels' names where the table tells them.

    Names of labels become rows of booleans. `names` are those of the training table, for a test
    split; by default all that there are.

    Raises:
        InputError: when the table cannot be read, lacks a column or a label, or is empty.
    """
    path = pathlib.Path(table)
    columns, rows, lines = _read(path)
    image_column = columns[0] if image_column is None else image_column
    label_columns = _label_columns(path, columns, image_column, label_columns, separator)
    where = [f" (line {line} of {path})" for line in lines]
    paths = [os.path.join(path.parent, row[image_column]) for row in rows]
    cells = [[row[column] for column in label_columns] + row[_FURTHER] for row in rows]
    if separator is not None:
        cells = [row[0].split(separator) for row in cells]
    told = names is not None and names != tuple(label_columns)
    if separator is not None or told or _are_names(cells):
        labels, names = _named_labels(cells, separator, names, where)
    else:
        _check_lengths(rows, columns, where)
        labels, names = _labels(rows, label_columns, where)
    return Files(np.array(paths), labels, where), names


def _label_columns(
    path: pathlib.Path,
    columns: list[str],
    image_column: str,
    label_columns: str | Sequence[str] | None,
    separator: str | None,
) -> list[str]:
    if label_columns is None:
        label_columns = [column for column in columns if column != image_column]
    elif isinstance(label_columns, str):
        label_columns = [label_columns]
    for column in (image_column, *label_columns):
        if column not in columns:
            raise InputError(
                f"{path} has no column '{column}'.{closest(column, columns)} Its columns:"
                f" {', '.join(columns)}."
            )
    if not label_columns or (separator is not None and len(label_columns) > 1):
        wanted = "at least one label column" if separator is None else "one label column to split"
        raise InputError(f"{path} needs {wanted}. Received: {list(label_columns)}.")
    return list(label_columns)


def _read(path: pathlib.Path) -> tuple[list[str], Rows, list[int]]:
    """Return the columns, the rows without stray spaces, and each row's line number.

    What a row has beyond the columns is a list under `_FURTHER`.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey=_FURTHER, restval="", skipinitialspace=True)
            columns = [column.strip() for column in reader.fieldnames or ()]
            rows, lines = [], []
            for row in reader:
                values = [(row[name] or "").strip() for name in reader.fieldnames]
                further = [cell.strip() for cell in row.get(_FURTHER, ()) if cell.strip()]
                rows.append({**dict(zip(columns, values, strict=True)), _FURTHER: further})
                lines.append(reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file in UTF-8: {error}.") from None
    if not rows:
        raise InputError(
            f"{path} holds no rows; it should have a header, like path,label, and one row a file."
        )
    return columns, rows, lines


def _are_names(cells: list[list[str]]) -> bool:
    """Return whether rows of several labels hold names, and no number."""
    known = {cell for row in cells for cell in row if cell}
    several = any(len(row) > 1 for row in cells)
    return several and bool(known) and not any(_typed([cell]).dtype.kind in "if" for cell in known)


def _check_lengths(rows: Rows, columns: list[str], where: list[str]) -> None:
    for row, place in zip(rows, where, strict=True):
        if row[_FURTHER]:
            raise InputError(
                f"'{row[columns[0]]}'{place} has the cell '{row[_FURTHER][0]}' beyond the"
                f" {len(columns)} columns of the header ({', '.join(columns)}); only names of"
                " labels may go on, so mend the row or name the column."
            )


def _labels(
    rows: Rows, columns: list[str], where: list[str]
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    for row, place in zip(rows, where, strict=True):
        for column in columns:
            if not row[column]:
                raise InputError(
                    f"'{row[next(iter(row))]}'{place} has no value in column '{column}'; fill it or"
                    " drop the row."
                )
    if len(columns) == 1:
        return _typed([row[columns[0]] for row in rows]), None
    values = _typed([[row[column] for column in columns] for row in rows])
    if values.dtype.kind not in "if":
        raise InputError(
            f"Several label columns ({', '.join(columns)}) must hold numbers, 0 and 1 for labels,"
            f" or names alone. Received '{_first_text(values)}' beside numbers."
        )
    return values, tuple(columns)


def _named_labels(
    cells: list[list[str]], separator: str | None, names: tuple[str, ...] | None, where: list[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a row of booleans a row of names, and all names in their order."""
    parts = [{cell.strip() for cell in row} - {""} for row in cells]
    names = tuple(sorted(set().union(*parts))) if names is None else names
    if not names:
        raise InputError(f"None of the {len(cells)} rows has a label to split at {separator!r}.")
    for part, place in zip(parts, where, strict=True):
        if unknown := part - set(names):
            raise InputError(
                f"Label '{min(unknown)}'{place} is not one of the {len(names)} labels:"
                f" {', '.join(names[:10])}.{closest(min(unknown), names)}"
            )
    return np.array([[name in part for name in names] for part in parts]), names


def _typed(texts: list) -> np.ndarray:
    """Return texts as whole numbers if all are, else as numbers if all are, else as they are."""
    for kind in (np.int64, np.float64):
        try:
            return np.array(texts).astype(kind)
        except ValueError:
            continue
    return np.array(texts)


def _first_text(values: np.ndarray) -> str:
    for text in values.ravel():
        if _typed([text]).dtype.kind not in "if":
            return str(text)
    return ""
