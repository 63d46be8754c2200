"""What a cell of a table says: one rule for who reads training tables and who calls exports.

It loads nothing, as `column_names`.
"""

import datetime
import math
import numbers
from collections.abc import Iterable
from typing import Any

NA_VALUES = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL")
_BOOLEANS = {
    **dict.fromkeys(("True", "TRUE", "true"), True),
    **dict.fromkeys(("False", "FALSE", "false"), False),
    "": None,
}


def as_booleans(values: Iterable[Any]) -> list[bool | None] | None:
    """Return booleans where all values are one or missing, `None` for a missing one; else `None`.

    Args:
        values: Booleans, or texts as programs write them: True, TRUE or true; empty for a missing
            one.

    Example:
        >>> as_booleans(["true", "", "FALSE"]), as_booleans(["yes", "no"]), as_booleans(["", ""])
        ([True, None, False], None, None)
    """
    try:
        found = [_BOOLEANS[str(value)] for value in values]
    except KeyError:
        return None
    return found if any(value is not None for value in found) else None


def as_text(value: Any) -> Any:
    """Return a number, boolean or date as text; whole numbers have no point, and NaN is empty.

    Args:
        value: A cell; what is neither is returned as it is.

    Example:
        >>> [as_text(value) for value in (3.0, 2.5, float("nan"), 9007199254740993, True, "a ")]
        ['3', '2.5', '', '9007199254740993', 'True', 'a ']
    """
    if isinstance(value, (numbers.Integral, datetime.date)):
        return str(value)
    if not isinstance(value, numbers.Real):
        return value
    value = float(value)
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if value.is_integer() else str(value)


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, NaN, pandas' NA, NaT, or one of `NA_VALUES`.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "NA", 0, "0")]
        [True, True, True, False, False]
    """
    if isinstance(value, str):
        return value in NA_VALUES
    if value is None or type(value).__name__ == "NAType":  # pandas' NA is equal to nothing known
        return True
    try:
        return bool(value != value)  # NaN and NaT alone differ from themselves
    except ValueError:  # an array
        return False
