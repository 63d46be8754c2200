"""Texts and their labels: from class folders, or from a table."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from dlkit.argument_validation import check_choice, closest
from dlkit.data.core import target_rows
from dlkit.data.files import csv_tables
from dlkit.data.files.cells import text_array
from dlkit.data.files.class_folders import find_class_folders
from dlkit.data.files.plain_text import read_text
from dlkit.data.files.table_columns import read_target
from dlkit.errors import InputError


@dataclasses.dataclass(frozen=True)
class Texts:
    """Texts, their labels, and where each was found, for messages.

    `label_names` are those of several columns of labels, or `None`.
    """

    texts: np.ndarray
    labels: np.ndarray
    where: Sequence[str]
    label_names: tuple[str, ...] | None = None

    def usable(self, empty: str) -> Texts:
        """Return the texts that are not empty.

        Raises:
            InputError: for the first that is empty, with `empty="error"`; with `"skip"` one printed
                line says how many are left out, unless none is left.
        """
        check_choice("empty", empty, ("error", "skip"))
        kept = np.array([bool(text.strip()) for text in self.texts])
        if kept.all():
            return self
        gone = np.flatnonzero(~kept)
        if empty == "error" or len(gone) == len(kept):
            raise InputError(
                f"{self.where[gone[0]]} holds no text ({len(gone)} of {len(kept)} are empty); fill"
                " or remove it, or give empty='skip'."
            )
        print(f"Skipped {len(gone)} of {len(kept)} texts, which are empty: {self.where[gone[0]]}")
        where = [place for place, keep in zip(self.where, kept, strict=True) if keep]
        return Texts(self.texts[kept], self.labels[kept], where, self.label_names)


def find_text_folders(folder: str | os.PathLike) -> tuple[Texts, tuple[str, ...]]:
    """Return the texts of the `.txt` files in the class folders of `folder`, and the classes.

    Raises:
        InputError: when there is no such folder, it holds no class folders, one of them holds no
            text, or a file is not UTF-8.
    """
    files, classes = find_class_folders(folder, "texts")
    chosen = np.array([path.lower().endswith(".txt") for path in files.paths])
    for name in classes:
        if not chosen[files.labels == name].any():
            raise InputError(
                f"Class folder {os.path.join(folder, name)} holds no .txt file; put the texts of"
                f" '{name}' there, one a file, or remove it."
            )
    paths = files.paths[chosen]
    return Texts(
        text_array([read_text(path) for path in paths], ()), files.labels[chosen], paths
    ), classes


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a table of texts is laid out, as `from_text_table` documents it."""

    text_column: str | Sequence[str]
    label_column: str | Sequence[str]
    columns: Sequence[str] | None
    delimiter: str
    quoted: bool
    missing_targets: str = "error"

    def read(self, path: str | os.PathLike, task: str | None) -> Texts:
        """Return the texts and labels of a file.

        Raises:
            InputError: when the file cannot be read, lacks a column or a label, or holds no rows.
        """
        check_choice("missing_targets", self.missing_targets, target_rows.MISSING)
        names, rows, lines = self._rows(path)
        joined = [self.text_column] if isinstance(self.text_column, str) else self.text_column
        labels = [self.label_column] if isinstance(self.label_column, str) else self.label_column
        for column in (*joined, *labels):
            if column not in names:
                raise InputError(
                    f"{path} has no column '{column}'.{closest(column, names)} Its columns:"
                    f" {', '.join(names)}."
                )
        both = set(joined) & set(labels)
        if both:
            raise InputError(
                f"{path} has the column '{min(both)}' for the texts and for the labels; give two"
                f" columns. Its columns: {', '.join(names)}."
            )
        if self.missing_targets == "drop":
            places = [names.index(column) for column in labels]
            lacking = np.array([not all(row[place] for place in places) for row in rows])
            kept = target_rows.rows_with_target(lacking, str(path))
            rows, lines = [rows[row] for row in kept], [lines[row] for row in kept]
        cells = dict(zip(names, zip(*rows, strict=True), strict=True))
        texts = [" ".join(parts) for parts in zip(*(cells[c] for c in joined), strict=True)]
        several = len(labels) > 1
        task = "regression" if several else task  # which is numbers, whatever they stand for
        found = [read_target(text_array(cells[c], ()), c, task) for c in labels]
        for column, values in zip(labels, found, strict=True):
            if several and values.dtype.kind == "U":
                raise InputError(
                    f"Several label columns ({', '.join(labels)}) must hold numbers, 0 and 1 for"
                    f" labels. Received '{values[0]}' in column '{column}'."
                )
        return Texts(
            text_array(texts, ()),
            np.stack(found, axis=1) if several else found[0],
            [f"Line {line} of {path}" for line in lines],
            tuple(labels) if several else None,
        )

    def _rows(self, path: str | os.PathLike) -> tuple[list[str], list[list[str]], list[int]]:
        """Return the columns' names, the rows without blanks around cells, and line numbers."""
        if not isinstance(self.delimiter, str) or len(self.delimiter) != 1:
            raise InputError(
                "delimiter must be one character such as ',', ';' or a tab. Received:"
                f" delimiter={self.delimiter!r}."
            )
        csv_tables.lift_cell_limit()
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        # Not splitlines, which ends a line at letters that only some tables mean so.
        content = io.StringIO(read_text(path), newline="")
        lines = csv.reader(content, delimiter=self.delimiter, quoting=quoting)
        rows, numbers = [], []
        names = list(self.columns or ())
        try:
            for cells in lines:
                stripped = [cell.strip() for cell in cells]
                if not any(stripped):
                    continue
                if not names:
                    names = csv_tables.column_names(stripped, str(path))
                    continue
                _check_count(path, lines.line_num, stripped, names, self.delimiter)
                rows.append(stripped)
                numbers.append(lines.line_num)
        except csv.Error as error:
            raise InputError(
                f"{path} cannot be read as a table (line {lines.line_num}: {error}); mend the line,"
                f" or give quoted={not self.quoted}."
            ) from None
        if not rows:
            raise InputError(f"{path} holds no rows; give a file with at least one text.")
        return names, rows, numbers


def _check_count(path: Any, line: int, cells: list[str], names: list[str], delimiter: str) -> None:
    if len(cells) != len(names):
        raise InputError(
            f"Line {line} of {path} has {len(cells)} fields where {len(names)} are expected"
            f" ({', '.join(names[:5])}): mend the line, or give delimiter= (now {delimiter!r}),"
            " quoted= or, for a file without a header line, columns=."
        )
