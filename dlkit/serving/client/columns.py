"""The columns of a table as the inputs of a signature: matched by name, in the inputs' types."""

import collections
import datetime
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import closest
from dlkit.column_names import input_name
from dlkit.column_values import as_booleans, as_text, is_missing
from dlkit.errors import InputError
from dlkit.serving.core.signatures import Signature, TensorInfo

_CELLS = (str, bytes, numbers.Number, np.generic, datetime.date)


class Table(dict):
    """The columns of a frame or a CSV file by name, which a client fits to the model's signature.

    Args:
        columns: Name -> values; what is missing is `None`, NaN, NaT or one of `NA_VALUES`.
        texts: The columns as they stand in a file, for inputs of text. Defaults to None, the same.

    Example:
        >>> table = Table({"Pclass": [3, 1], "Hours per week": [40, None]})
        >>> infos = {"pclass": TensorInfo("DT_STRING"), "Hours_per_week": TensorInfo("DT_FLOAT")}
        >>> {name: values.tolist() for name, values in table.fitted(Signature(infos, {})).items()}
        {'pclass': ['3', '1'], 'Hours_per_week': [40.0, nan]}
    """

    def __init__(self, columns: Mapping[Any, Any], texts: Mapping[Any, Any] | None = None):
        super().__init__(columns)
        self.is_file = texts is not None
        self._texts = columns if texts is None else texts

    def fitted(self, signature: Signature) -> dict[str, np.ndarray]:
        """Return an array for each input, from the column that is called so; others are left out.

        Where an export tells an input's column, that is the one, or else one that is called as the
        input. Otherwise the input's own name comes before the one that an export makes of the
        column's, and that before the same in lower case, which exports had once.

        Args:
            signature: What the inputs are called and take.

        Raises:
            InputError: for an input without a column, with two, or with values that it cannot take.
        """
        own, *similar = (
            _grouped(self, rule) for rule in (str, input_name, lambda c: input_name(c).lower())
        )
        found = {}
        for name, info in signature.inputs.items():
            tries = [own.get(info.column or name), own.get(name)]
            tries += [] if info.column else [groups.get(name) for groups in similar]
            columns = next(filter(None, tries), [])
            if len(columns) > 1:
                raise InputError(
                    f"Each of the columns {columns} could be the model's input '{name}'; give the"
                    " right one that very name."
                )
            if columns:
                found[name] = self._values(columns[0], name, info)
            elif name not in signature.defaults:
                names = [str(column) for column in self]
                wanted = info.column or name
                raise InputError(
                    f"No column has the name of the model's input '{name}'"
                    f"{f', {wanted!r}' * (wanted != name)}.{closest(wanted, names)}"
                    f" Received: {', '.join(names)}."
                )
        return found

    def _values(self, column: Any, name: str, info: TensorInfo) -> np.ndarray:
        wanted = info.numpy_dtype
        if wanted is not None and wanted.kind == "O":
            cells = as_dtype(_cells(self._texts[column], strip=bool(info.column)), info)
            return _steps(cells, name, info) if info.column else cells
        array = np.asarray(self[column])
        found = as_dtype(_parsed(array) if array.dtype.kind in "OU" else array, info)
        if wanted is not None and found.dtype != wanted:
            wrong = [v for v in array.tolist() if as_dtype(_parsed([v]), info).dtype != wanted]
            takes = f"{info.dtype_name} numbers{' or nothing' if wanted.kind == 'f' else ''}"
            takes = "true or false" if wanted.kind == "b" else takes
            raise InputError(
                f"Column '{column}' goes to the model's input '{name}': give {takes}."
                f" Received: {(wrong[0] if wrong else array.tolist())!r:.80}."
            )
        return found


def fit_columns(inputs: Any, signature: Signature) -> Any:
    """Return inputs by the names that a signature has, where they are columns of a table.

    Args:
        inputs: What `prepare_inputs` returned.
        signature: What is asked.

    Raises:
        InputError: for a table that does not suit the signature.

    Where all are booleans, as files write them, they are such, or 1, 0 and NaN if some are empty.

    Example:
        >>> info = TensorInfo("DT_FLOAT", (-1,), axes=("km/h",))
        >>> fit_columns({"km/h": [None, 3]}, Signature({"km_h": info}, {}))
        {'km_h': array([nan,  3.], dtype=float32)}
    """
    if isinstance(inputs, Mapping) and not isinstance(inputs, Table) and takes_columns(signature):
        inputs = Table(inputs)
    return inputs.fitted(signature) if isinstance(inputs, Table) else inputs


def from_rows(rows: Sequence[Mapping[Any, Any]], what: str = "inputs") -> Table:
    """Return rows of named values as columns.

    Args:
        rows: A mapping of the same names for each row.
        what: Where they are from, for messages. Defaults to "inputs".

    Raises:
        InputError: for a row with other names.

    Example:
        >>> from_rows([{"age": 39, "job": "cook"}, {"age": None, "job": "clerk"}])
        {'age': [39, None], 'job': ['cook', 'clerk']}
    """
    names = next(row.keys() for row in rows if isinstance(row, Mapping))
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping) or row.keys() != names:
            raise InputError(
                f"{what} holds rows with different names: row {place} is {row!r:.80}, where others"
                f" have {', '.join(map(str, names)):.80}; give each row the same inputs, None where"
                " one is missing."
            )
    return Table({name: [row[name] for row in rows] for name in names})


def check_different(what: str, names: Iterable[Any]) -> None:
    """Refuse columns of one name.

    Raises:
        InputError: naming the name.
    """
    repeated = [name for name, count in collections.Counter(names).items() if count > 1]
    if repeated:
        raise InputError(f"{what} has several columns named '{repeated[0]}'; rename all but one.")


def is_columns(inputs: Any) -> bool:
    """Whether inputs may be columns of a table: named, and one value a row in each.

    Example:
        >>> is_columns({"age": [39, None]}), is_columns({"pixels": [[0, 1], [1, 0]]})
        (True, False)
    """
    if isinstance(inputs, Table):
        return True
    return isinstance(inputs, Mapping) and all(map(_is_column, inputs.values()))


def _is_column(values: Any) -> bool:
    if hasattr(values, "ndim"):
        return values.ndim == 1
    # The first of them tells, as for files.
    first = values[0] if isinstance(values, (list, tuple)) and values else ()
    return isinstance(first, _CELLS) or is_missing(first)


def takes_columns(signature: Signature) -> bool:
    """Whether each input is a column of a table, as an export tells it."""
    return all(
        info.column and (info.dtype == "DT_STRING" or len(info.axes) == 1)
        for info in signature.inputs.values()
    )


def as_numbers(values: Iterable[Any]) -> list:
    """Return numbers where all are, NaN for what is missing; whole ones as such, where none is.

    Example:
        >>> as_numbers(["3", "NA"]), as_numbers(["3", 1]), as_numbers(["3", "b"])
        ([3.0, nan], [3, 1], ['3', 'b'])
        >>> as_numbers(["true", "FALSE"]), as_numbers([True, None])
        ([True, False], [1.0, nan])
    """
    values = list(values)
    texts = ["" if is_missing(value) else str(value) for value in values]
    # Python reads 1_000, no table means it.
    for kind in () if any("_" in text for text in texts) else (int, float):
        try:
            return [kind(text) if text or kind is int else math.nan for text in texts]
        except ValueError:
            continue
    booleans = as_booleans(texts)
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


def _steps(texts: np.ndarray, name: str, info: TensorInfo) -> np.ndarray:
    """Return a column as it is, or the last window of a series as a batch of one."""
    window = (info.shape or ())[1:]
    if texts.ndim != 1 or len(window) != 1:
        return texts
    if len(texts) < window[0]:
        raise InputError(
            f"The model's input '{name}' takes the last {window[0]} steps of a series. Received:"
            f" {len(texts)} steps."
        )
    return texts[-window[0] :][np.newaxis]


def _cells(values: Any, *, strip: bool) -> np.ndarray:
    """Return a column with dates as text and nothing for what is missing, as training reads it."""

    def cell(value: Any) -> Any:
        if isinstance(value, str):
            return value.strip() if strip else value
        if is_missing(value):
            return ""
        # As a time, a Decimal, or a period of pandas'.
        is_other = strip and not isinstance(value, (bytes, numbers.Real, np.generic))
        return str(value) if is_other or isinstance(value, np.datetime64) else value

    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return array
    # Not in nanoseconds, of which Python's own dates know nothing.
    array = array.astype("datetime64[s]") if array.dtype.kind == "M" else values
    return np.asarray(np.frompyfunc(cell, 1, 1)(np.array([*array], object)), object)


def _grouped(columns: Iterable[Any], rule: Any) -> dict[str, list]:
    groups: dict[str, list] = {}
    for column in columns:
        groups.setdefault(rule(column), []).append(column)
    return groups
