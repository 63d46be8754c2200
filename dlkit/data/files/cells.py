"""The cells of a table's column: texts, numbers, booleans, and what is missing.

A column is an array of texts, a missing one empty, or of floats, NaN for a missing one, or of whole
numbers or booleans, none missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from dlkit.column_values import as_booleans, as_text


def text_array(cells: Sequence[str], na_values: Collection[str]) -> np.ndarray:
    """Return an array of texts in which each of `na_values` is empty."""
    missing = frozenset(na_values)
    array = np.empty(len(cells), object)
    array[:] = ["" if cell in missing else str(cell) for cell in cells]
    return array


def as_texts(values: np.ndarray) -> np.ndarray:
    """Return a column as texts; whole numbers have no point, and NaN is empty.

    Example:
        >>> as_texts(np.array([3.0, 2.5, np.nan])).tolist()
        ['3', '2.5', '']
    """
    if values.dtype.kind not in "biuf":
        return values
    return text_array([as_text(value) for value in values.tolist()], ())


def as_numbers(values: np.ndarray) -> np.ndarray | None:
    """Return a column as float64, missing ones as NaN, or `None` where a text is no number.

    Where all are booleans, they are 1 and 0.

    Example:
        >>> as_numbers(np.array(["1e3", "", "-2"], object)).tolist()
        [1000.0, nan, -2.0]
    """
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    try:
        return np.array([_number(text) if text else np.nan for text in values])
    except ValueError:
        booleans = as_booleans(values)
        return None if booleans is None else np.array(booleans, np.float64)


def as_labels(values: np.ndarray) -> np.ndarray:
    """Return labels as whole numbers where all are, else as float64 where all are numbers.

    Else they are texts, and so are codes, booleans, and whole numbers that no int64 holds.

    Example:
        >>> as_labels(np.array(["10", "9"], object)), as_labels(np.array(["010", "9"], object))
        (array([10,  9]), array(['010', '9'], dtype='<U3'))
    """
    labels = as_texts(values)
    different, numbers = set(labels), as_numbers(values)
    if numbers is None or are_codes(different) or as_booleans(different) is not None:
        return np.array(labels.tolist())
    try:
        return np.array([int(text) for text in labels], np.int64)
    except OverflowError:
        return np.array(labels.tolist())
    except ValueError:
        return numbers


def first_text(values: np.ndarray) -> int:
    """Return the row of the first text that is no number; how many rows there are, if none is."""
    for row, text in enumerate(values if values.dtype == object else ()):
        try:
            _number(text or "0")
        except ValueError:
            return row
    return len(values)


def _number(text: str) -> float:
    if "_" in text:  # Python reads 1_000, no table means it
        raise ValueError(text)
    return float(text)


def has_front_zeros(text: str) -> bool:
    """Return whether a whole number is written with zeros in front, which a number would lose.

    Example:
        >>> has_front_zeros("0010"), has_front_zeros("0"), has_front_zeros("0.5")
        (True, False, False)
    """
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits.isdigit()


def has_bare_exponent(text: str) -> bool:
    """Return whether it is a number with an exponent as codes look, and programs write none.

    Example:
        >>> has_bare_exponent("1E5"), has_bare_exponent("1e+05"), has_bare_exponent("1.0E5")
        (True, False, False)
    """
    return re.fullmatch(r"\d+[eE]\d+", text) is not None


def are_codes(values: Collection[str]) -> bool:
    """Return whether texts that could be numbers are names: `10` may be another than `0010`.

    All are whole numbers, and there are zeros in front of some, or exponents as in `1E5`.

    Example:
        >>> are_codes(["02116", "2116"]), are_codes(["1E5", "100000"]), are_codes(["1", "2.5"])
        (True, True, False)
    """
    whole = all(text.lstrip("+-").isdigit() or has_bare_exponent(text) for text in values)
    return whole and any(has_front_zeros(text) or has_bare_exponent(text) for text in values)
