"""How a table writes numbers, dates and what is missing: `-0,37`, `1.250,50`, `28.03.2024`, `?`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from typing import Any, NoReturn

import numpy as np

from dlkit.column_values import as_booleans
from dlkit.data.files import csv_tables
from dlkit.data.files.cells import as_numbers
from dlkit.errors import InputError

NUMBERS = ("numeric", "boolean")  # the kinds that are no texts to a client


@dataclasses.dataclass(frozen=True)
class Style:
    """How a table writes what it says, as `from_dataframe` documents it; checked when it is made.

    Example:
        >>> Style(("?",), ",", ".", None).read({"x": ["-0,37", "1.250,5", "?"]})["x"].tolist()
        ['-0.37', '1250.5', '']
    """

    na_values: tuple[str, ...]
    decimal: str
    thousands: str | None
    dayfirst: bool | None

    def __post_init__(self) -> None:
        _check_marks(self.decimal, self.thousands)
        if self.dayfirst not in (None, True, False):
            raise InputError(
                f"dayfirst must be True, False or None. Received: dayfirst={self.dayfirst!r}."
            )

    def read(self, frame: Any, texts: Collection[str] = ()) -> dict[str, np.ndarray]:
        """Return the columns of a table, numbers in its texts written as Python reads them.

        Args:
            frame: What `csv_tables.read_frame` takes.
            texts: Columns whose texts are left as they are. Defaults to ().

        Raises:
            InputError: when it is no table, and for a column that would be numbers only if
                `decimal` were a point.
        """
        table = csv_tables.read_frame(frame, self.na_values)
        if (self.decimal, self.thousands) == (".", None):
            return table
        pattern = number_pattern(self.decimal, self.thousands)
        left = {n for n, values in table.items() if n in texts or values.dtype != object}
        return {n: v if n in left else self._plain(n, v, pattern) for n, v in table.items()}

    def _plain(self, name: str, values: np.ndarray, pattern: re.Pattern) -> np.ndarray:
        for row, text in enumerate(values):
            if text and not pattern.fullmatch(text):
                if as_numbers(values) is not None and as_booleans(values) is None:
                    self._refuse(name, row, text)
                return values
        plain = np.empty(len(values), object)
        plain[:] = [t.replace(self.thousands or "", "").replace(self.decimal, ".") for t in values]
        return plain

    def _refuse(self, name: str, row: int, text: str) -> NoReturn:
        marks = f"decimal={self.decimal!r}, thousands={self.thousands!r}"
        raise InputError(
            f"Column '{name}' holds {text!r} in row {row + 1}, which is no number with {marks};"
            f" give the marks of this table, or kinds={{'{name}': 'category'}}."
        )


def _check_marks(decimal: str, thousands: str | None) -> None:
    """Refuse marks that cannot stand in a number."""
    for name, mark in (("decimal", decimal), ("thousands", thousands)):
        if mark is None and name == "thousands":
            continue
        if not isinstance(mark, str) or len(mark) != 1 or mark.isalnum() or mark in "+-":
            raise InputError(
                f"{name} must be one character such as ',' or '.'. Received: {name}={mark!r}."
            )
    if decimal == thousands:
        raise InputError(f"decimal and thousands must differ. Received: {decimal!r} for both.")


def number_pattern(decimal: str, thousands: str | None) -> re.Pattern:
    """Return what a number looks like; thousands stand in groups of three, or two as in India.

    Example:
        >>> bool(number_pattern(",", ".").fullmatch("-1.250,50"))
        True
    """
    point, whole = re.escape(decimal), r"\d+"
    if thousands is not None:
        mark = re.escape(thousands)
        whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{mark}\d{{2,3}})*{mark}\d{{3}})"
    return re.compile(rf"[-+]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?", re.ASCII)
