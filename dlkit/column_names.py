"""What an export calls the columns of a table: one rule for who writes exports and who calls them.

It loads nothing, so that a client needs no TensorFlow to know what to send a column as.
"""

import itertools
import keyword
import re
from collections.abc import Iterable, Iterator

# TensorFlow makes parameters of Python functions of the names, and has these for its own.
_TAKEN = {*keyword.kwlist, "self", "tensors"}


def input_name(column: str) -> str:
    """Return the name of the input that takes a column: its own, where TensorFlow allows it.

    Characters other than A-Z, a-z, 0-9 and _ become _, and what does not begin with a letter then,
    or is a word of Python's, gets `arg_` before it.

    Example:
        >>> [input_name(column) for column in ("Age", "Petal length (cm)", "2nd", "class")]
        ['Age', 'Petal_length__cm_', 'arg_2nd', 'arg_class']
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", str(column))
    return name if name[:1].isalpha() and name not in _TAKEN else f"arg_{name}"


def input_names(columns: Iterable[str]) -> list[str]:
    """Return `input_name` of each column, with a number where another one has that name.

    Columns whose name needs no change keep it, whatever stands before them; TensorFlow does not
    tell names apart that differ in upper and lower case alone.

    Args:
        columns: The columns' names in the order of the model's inputs.

    Example:
        >>> input_names(["x ", "x_", "X_", "x"])
        ['x__1', 'x_', 'X__2', 'x']
    """
    columns = list(columns)
    plain = [input_name(column) for column in columns]
    names: dict[int, str] = {}
    given: set[str] = set()
    numbers: dict[str, Iterator[int]] = {}
    for place, name in enumerate(plain):
        if name == columns[place] and name.lower() not in given:
            names[place] = name
            given.add(name.lower())
    for place, name in enumerate(plain):
        if place not in names:
            counting = numbers.setdefault(name.lower(), itertools.count(1))
            numbered = (f"{name}_{number}" for number in counting)
            found = itertools.chain([name], numbered)
            names[place] = next(n for n in found if n.lower() not in given)
            given.add(names[place].lower())
    return [names[place] for place in range(len(columns))]
