"""The columns of a table as the inputs of a signature: matched by name, in the inputs' types."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dlkit.checks import closest
from dlkit.column_names import input_name
from dlkit.column_values import as_booleans, as_text
from dlkit.errors import InputError
from dlkit.serving.signatures import Signature, TensorInfo


class Table(dict):
    """The columns of a frame or a CSV file by name, which a client fits to the model's signature.

    Args:
        columns: Name -> values; a missing one is an empty text, or NaN among numbers.
        texts: The columns as they stand in a file, for inputs of text. Defaults to None, the same.

    Example:
        >>> table = Table({"Pclass": [3, 1], "Hours per week": [40, 38]})
        >>> infos = {"pclass": TensorInfo("DT_STRING"), "Hours_per_week": TensorInfo("DT_FLOAT")}
        >>> {name: values.tolist() for name, values in table.fitted(Signature(infos, {})).items()}
        {'pclass': ['3', '1'], 'Hours_per_week': [40.0, 38.0]}
    """

    def __init__(self, columns: Mapping[Any, Any], texts: Mapping[Any, Any] | None = None):
        super().__init__(columns)
        self._texts = columns if texts is None else texts

    def fitted(self, signature: Signature) -> dict[str, np.ndarray]:
        """Return an array for each input, from the column that is called so; others are left out.

        An input's own name comes before the one that an export makes of the column's, and that
        before the same in lower case, which exports had once.

        Args:
            signature: What the inputs are called and take.

        Raises:
            InputError: for an input without a column, with two, or with values that it cannot take.
        """
        rules = (str, input_name, lambda column: input_name(column).lower())
        known = [_grouped(self, rule) for rule in rules]
        found = {}
        for name, info in signature.inputs.items():
            columns = next((groups[name] for groups in known if name in groups), [])
            if len(columns) > 1:
                raise InputError(
                    f"Each of the columns {columns} could be the model's input '{name}'; give the"
                    " right one that very name."
                )
            if columns:
                found[name] = self._values(columns[0], name, info)
            elif name not in signature.defaults:
                names = [str(column) for column in self]
                raise InputError(
                    f"No column has the name of the model's input '{name}'.{closest(name, names)}"
                    f" Received: {', '.join(names)}."
                )
        return found

    def _values(self, column: Any, name: str, info: TensorInfo) -> np.ndarray:
        wanted = info.numpy_dtype
        if wanted is not None and wanted.kind == "O":
            return as_dtype(np.asarray(self._texts[column], object), info)
        array = np.asarray(self[column])
        found = as_dtype(_parsed(array) if array.dtype.kind in "OU" else array, info)
        if wanted is not None and found.dtype != wanted:
            wrong = [v for v in array.tolist() if as_dtype(_parsed([v]), info).dtype != wanted]
            takes = f"{info.dtype_name} numbers{' or nothing' if wanted.kind == 'f' else ''}"
            takes = "true or false" if wanted.kind == "b" else takes
            raise InputError(
                f"Column '{column}' goes to the model's input '{name}': give {takes}."
                f" Received: {wrong[0] if wrong else array!r}."
            )
        return found


def as_numbers(values: Iterable[Any]) -> list:
    """Return numbers where all are, NaN for empty texts; whole ones as such, where none is empty.

    Where all are booleans, as files write them, they are such, or 1, 0 and NaN if some are empty.

    Example:
        >>> as_numbers(["3", ""]), as_numbers(["3", 1]), as_numbers(["3", "b"])
        ([3.0, nan], [3, 1], ['3', 'b'])
        >>> as_numbers(["true", "FALSE"]), as_numbers(["True", ""])
        ([True, False], [1.0, nan])
    """
    values = list(values)
    texts = [str(value) for value in values]
    # Python reads 1_000, no table means it.
    for kind in () if any("_" in text for text in texts) else (int, float):
        try:
            return [kind(text) if text or kind is int else math.nan for text in texts]
        except ValueError:
            continue
    booleans = as_booleans(values)
    if booleans is None:
        return values
    return booleans if None not in booleans else np.array(booleans, np.float64).tolist()


def as_dtype(array: np.ndarray, info: TensorInfo) -> np.ndarray:
    """Return an array in the dtype of an input, or as it is where that cannot hold its values.

    Numbers become text as a table is read for training: whole ones have no point, NaN is empty.

    Args:
        array: Numbers, booleans, dates, text or bytes.
        info: What the signature says of the input.

    Example:
        >>> as_dtype(np.array([3.0, 2.5, np.nan]), TensorInfo("DT_STRING"))
        array(['3', '2.5', ''], dtype=object)
    """
    wanted = info.numpy_dtype
    if wanted is None or (array.dtype == wanted and wanted.kind != "O"):
        return array
    if wanted.kind == "O":
        is_text = array.dtype.kind not in "biufO"
        return array if is_text else np.asarray(np.frompyfunc(as_text, 1, 1)(array), object)
    return array.astype(wanted) if _fits(array, wanted) else array


def _fits(array: np.ndarray, wanted: np.dtype) -> bool:
    """Whether the array may be sent as `wanted`: floats lose digits only, whole numbers nothing."""
    kind = array.dtype.kind
    if wanted.kind not in "iu" or kind not in "iuf":
        return kind in "biuf" and np.can_cast(array.dtype, wanted, "same_kind")
    limits = np.iinfo(wanted)
    if kind == "f" and not (array == np.floor(array)).all():
        return False
    # Not `<= limits.max`: floats do not hold the last one of int64, but the one after it.
    after = int(limits.max) + 1
    return not array.size or (array.min().item() >= limits.min and array.max().item() < after)


def _parsed(values: Iterable[Any]) -> np.ndarray:
    """Return texts as numbers where all of them are; anything else as it is."""
    found = as_numbers(values.tolist() if isinstance(values, np.ndarray) else values)
    try:
        array = np.asarray(found)
        # Whole numbers that no integer of NumPy's holds may still be floats.
        long = array.dtype == object and all(isinstance(value, int) for value in found)
        return array.astype(np.float64) if long else array
    except (ValueError, OverflowError):  # lists that differ in length, hundreds of digits
        return np.asarray(found, object)


def _grouped(columns: Iterable[Any], rule: Any) -> dict[str, list]:
    groups: dict[str, list] = {}
    for column in columns:
        groups.setdefault(rule(column), []).append(column)
    return groups
