"""Tables of files: a CSV file whose rows name a file, as an image, and its labels."""

from __future__ import annotations

import csv
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import check_choice, closest
from dlkit.data.core import target_rows
from dlkit.data.files.cells import are_codes, as_labels, as_numbers, first_text, text_array
from dlkit.data.files.class_folders import Files
from dlkit.data.files.csv_tables import column_names, lift_cell_limit, not_utf8
from dlkit.errors import InputError

Rows = list[dict[Any, Any]]
_FURTHER = None  # the key of the cells beyond the header


def find_files_in_table(
    table: str | os.PathLike,
    image_column: str | None,
    label_columns: str | Sequence[str] | None,
    separator: str | None,
    names: tuple[str, ...] | None = None,
    missing: str = "error",
) -> tuple[Files, tuple[str, ...] | None]:
    """Return the files of a table, and the labels' names where the table tells them.

    Names of labels become rows of booleans. `names` are those of the training table, for a test
    split; by default all that there are. With `missing="drop"` rows that lack a label are left out.

    Raises:
        InputError: when the table cannot be read, lacks a column or a label, or is empty.
    """
    check_choice("missing_targets", missing, target_rows.MISSING)
    path = pathlib.Path(table)
    header, cells, lines = _read(path)
    if image_column is None:
        image_column = header[0]
        _check_header(path, header)
    if header.count(image_column) > 1 or separator is not None:
        column_names(header, str(path))  # which refuses a name that stands twice
    columns = list(dict.fromkeys(header))
    label_columns = _label_columns(path, columns, image_column, label_columns, separator)
    rows = [_row(header, row, label_columns) for row in cells]
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
        if missing == "drop":
            lacking = np.array([not all(row[column] for column in label_columns) for row in rows])
            kept = target_rows.rows_with_target(lacking, str(path))
            rows, where, paths = ([part[row] for row in kept] for part in (rows, where, paths))
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
        raise InputError(
            f"{path} needs {wanted}. Received: {list(label_columns)}.{_comma_hint(columns)}"
        )
    if image_column in label_columns:
        raise InputError(
            f"{path} has the column '{image_column}' for the paths and for the labels; give two"
            f" columns. Its columns: {', '.join(columns)}."
        )
    return list(label_columns)


def _read(path: pathlib.Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the header, the rows without stray spaces, and each row's line number."""
    lift_cell_limit()
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            read = [([cell.strip() for cell in row], reader.line_num) for row in reader if row]
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except (OSError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as a CSV file in UTF-8 ({error}); mend it, or give another"
            " file."
        ) from None
    if len(read) < 2:
        raise InputError(
            f"{path} holds no rows; it should have a header, like path,label, and one row a file."
        )
    (header, _), *rest = read
    return header, [row for row, _ in rest], [line for _, line in rest]


def _check_header(path: pathlib.Path, header: list[str]) -> None:
    """Refuse a first line that names a file: it would be taken for the columns' names."""
    if header[0] and os.path.isfile(os.path.join(path.parent, header[0])):
        raise InputError(
            f"{path} has no header: its first line names the file '{header[0]}'; put a line of"
            " column names on top, like path,label."
        )


def _row(header: list[str], cells: list[str], labels: list[str]) -> dict[Any, Any]:
    """Return a row by column.

    What it has beyond the header is a list under `_FURTHER`, as are further columns of the name of
    a label column: `path,label,label` is one way to write several labels.
    """
    first = {name: "" for name in header}
    further = []
    for place, cell in enumerate(cells):
        if place >= len(header):
            further.append(cell)
        elif header.index(header[place]) == place:
            first[header[place]] = cell
        elif header[place] in labels:
            further.append(cell)
    return {**first, _FURTHER: [cell for cell in further if cell]}


def _comma_hint(columns: list[str]) -> str:
    alone = len(columns) == 1 and any(mark in columns[0] for mark in ";\t|")
    return f" Cells are divided by commas, and its header is '{columns[0]}'." if alone else ""


def _are_names(cells: list[list[str]]) -> bool:
    """Return whether rows of several labels hold names, and no number."""
    known = {cell for row in cells for cell in row if cell}
    several = any(len(row) > 1 for row in cells)
    return several and bool(known) and not any(map(_is_number, known))


def _is_number(cell: str) -> bool:
    """Return whether it is a number or a boolean, and no code."""
    return as_numbers(text_array([cell], ())) is not None and not are_codes([cell])


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
                    f"'{row[next(iter(row))]}'{place} has no value in column '{column}'; fill it,"
                    " drop the row, or give missing_targets='drop'."
                )
    if len(columns) == 1:
        return as_labels(text_array([row[columns[0]] for row in rows], ())), None
    cells = text_array([row[column] for row in rows for column in columns], ())
    values = as_numbers(cells)
    if values is None:
        raise InputError(
            f"Several label columns ({', '.join(columns)}) must hold numbers, 0 and 1 for labels,"
            f" or names alone. Received '{cells[first_text(cells)]}' beside numbers."
        )
    return values.reshape(len(rows), -1), tuple(columns)


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
