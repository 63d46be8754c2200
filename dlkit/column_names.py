"""What an export calls the columns of a table: one rule for who writes exports and who calls them.

It loads nothing, so that a client needs no TensorFlow to know what to send a column as.
"""

import itertools
import keyword
import re
from collections.abc import Iterable

# TensorFlow makes parameters of Python functions of the names, and has these for its own.
_TAKEN = {*keyword.kwlist, "self", "tensors"}


def input_name(column: str) -> str:
    """Return the name of the input that takes a column: its own, where TensorFlow allows it.

    Characters other than A-Z, a-z, 0-9 and _ become _, and what does not begin with a letter then,
    or is a word of Python's, gets `arg_` before it.

    Args:
        column: The column's name in the table.

    Example:
        >>> [input_name(column) for column in ("Age", "Petal length (cm)", "2nd", "class")]
        ['Age', 'Petal_length__cm_', 'arg_2nd', 'arg_class']
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", str(column))
    return name if name[:1].isalpha() and name not in _TAKEN else f"arg_{name}"


def input_names(columns: Iterable[str]) -> list[str]:
    """Return `input_name` of each column, with a number where an earlier one has that name.

    TensorFlow does not tell names apart that differ in upper and lower case alone.

    Args:
        columns: The columns' names in the order of the model's inputs.

    Example:
        >>> input_names(["x", "x ", "X_", "Y"])
        ['x', 'x_', 'X__1', 'Y']
    """
    names: list[str] = []
    for column in columns:
        plain = input_name(column)
        numbered = (f"{plain}_{count}" for count in itertools.count(1))
        given = {name.lower() for name in names}
        names.append(next(n for n in itertools.chain([plain], numbered) if n.lower() not in given))
    return names
