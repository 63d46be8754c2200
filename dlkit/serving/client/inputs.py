"""What users give to clients, before it becomes JSON or messages: files and tables to bytes."""

import numbers
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.errors import InputError
from dlkit.serving.client.columns import (
    Table,
    check_different,
    from_rows,
    is_columns,
    takes_columns,
)
from dlkit.serving.core.signatures import CELLS, DEFAULT_SIGNATURE, Signature


def prepare_inputs(inputs: Any) -> Any:
    """Return inputs with the bytes of files in place of their paths, frames and rows as tables.

    Args:
        inputs: What a client's `predict` takes.

    Raises:
        InputError: for a file that cannot be read, and rows of different names.

    Example:
        >>> prepare_inputs({"x": [1.0, 2.0]}), prepare_inputs([{"x": 1.0}, {"x": 2.0}])
        ({'x': [1.0, 2.0]}, {'x': [1.0, 2.0]})
    """
    if isinstance(inputs, os.PathLike):
        return _read(inputs)
    if is_frame(inputs):
        check_different("The frame", inputs.columns)
        return Table({name: _column(inputs[name]) for name in inputs.columns})
    if isinstance(inputs, Table):
        return inputs
    if isinstance(inputs, Mapping):
        return {name: prepare_inputs(value) for name, value in inputs.items()}
    # The first of them tells: to look at each would take long for a list of numbers.
    first = inputs[0] if isinstance(inputs, (list, tuple)) and inputs else None
    if isinstance(first, os.PathLike):
        return [prepare_inputs(item) for item in inputs]
    return from_rows(inputs) if isinstance(first, Mapping) else inputs


def holds_files(inputs: Any) -> bool:
    """Whether what `prepare_inputs` returned is a batch of bytes, as of files."""
    return isinstance(inputs, (list, tuple)) and bool(inputs) and isinstance(inputs[0], bytes)


def choose_signature(
    inputs: Any, signature_name: str | None, signatures: Mapping[str, Signature]
) -> str | None:
    """Return the signature to ask: for bytes the one of files, where the default takes numbers.

    That is the only one with one input of text whose key ends in `_bytes`, as exports call it. A
    CSV file goes to `cells`, where there is that, and so do columns where the default takes none.

    Args:
        inputs: What `prepare_inputs` returned.
        signature_name: The one that the user names, or None.
        signatures: Those of the model, as far as they are known.

    Example:
        >>> from dlkit.serving.core.signatures import TensorInfo
        >>> takes = {"serving_default": "DT_FLOAT", "image_bytes": "DT_STRING"}
        >>> known = {key: Signature({"x": TensorInfo(dtype)}, {}) for key, dtype in takes.items()}
        >>> choose_signature([b"a file"], None, known), choose_signature([0.5], None, known)
        ('image_bytes', None)
    """
    default = signatures.get(DEFAULT_SIGNATURE)
    if signature_name is not None or default is None:
        return signature_name
    if CELLS in signatures and is_columns(inputs):
        is_file = isinstance(inputs, Table) and inputs.is_file
        return CELLS if is_file or not takes_columns(default) else None
    if not holds_files(inputs):
        return None
    if "DT_STRING" in _dtypes(default):
        return None
    takers = [
        key
        for key, signature in signatures.items()
        if key.endswith("_bytes") and _dtypes(signature) == ["DT_STRING"]
    ]
    return takers[0] if len(takers) == 1 else None


def _dtypes(signature: Signature) -> list[str]:
    return [info.dtype for info in signature.inputs.values()]


def is_frame(value: Any) -> bool:
    """Whether it is a DataFrame, of pandas or of a library that is written like it."""
    return hasattr(value, "columns") and hasattr(value, "iloc")


def _column(series: Any) -> np.ndarray:
    """Return a frame's column as the training data reads it: dates and what is missing as text.

    Among numbers, what is missing is NaN. Blanks around texts do not count.
    """
    values = series.to_numpy()
    if values.dtype.kind == "M":
        values = np.datetime_as_string(values, unit="s").astype(object)
    elif values.dtype != object:
        return values
    missing = series.isna().to_numpy()
    known = values[~missing]
    if missing.any() and known.size and all(map(_is_number, known)):
        return np.where(missing, np.nan, values).astype(np.float64)
    return np.where(missing, "", np.frompyfunc(_stripped, 1, 1)(values))


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _read(path: os.PathLike) -> bytes:
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{os.fspath(path)} cannot be read: {error.strerror}.") from None
