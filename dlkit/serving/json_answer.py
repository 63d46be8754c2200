"""Named NumPy arrays -> a predict answer in TensorFlow Serving's JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from dlkit.serving.status import invalid

_NUMBERS = frozenset(
    ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool")
)
_MESSAGE_NAMES = {"float16": "half"}


def encode(outputs: Mapping[str, np.ndarray], *, rows: bool) -> bytes:
    """Return the body of a predict answer.

    Args:
        outputs: The signature's outputs by name. String outputs whose name ends in `_bytes` are
            sent as base64.
        rows: Whether the request had `instances`: then the answer is a list with an entry a row,
            otherwise an array an output.

    Raises:
        StatusError: INVALID_ARGUMENT for outputs that have no JSON, or no common batch axis when
            rows are wanted.

    Example:
        >>> encode({"y": np.array([2.5, 3.0], np.float32)}, rows=True)
        b'{"predictions":[2.5,3.0]}'
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    columns = {name: _jsonable(name, array) for name, array in outputs.items()}
    if rows:
        batch = _batch_size(outputs)
        value = _only(columns) if len(columns) == 1 else _rows(columns, batch)
        return _dumps({"predictions": value})
    return _dumps({"outputs": _only(columns) if len(columns) == 1 else columns})


def _only(columns: dict[str, Any]) -> Any:
    return next(iter(columns.values()))


def _rows(columns: dict[str, Any], batch: int) -> list[dict[str, Any]]:
    return [{name: column[row] for name, column in columns.items()} for row in range(batch)]


def _batch_size(outputs: Mapping[str, np.ndarray]) -> int:
    batch = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        batch = len(array) if batch is None else batch
        if len(array) != batch:
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}"
            )
    return batch or 0


def _jsonable(name: str, array: np.ndarray) -> Any:
    """Return what the encoders write: the array itself wherever possible, which builds no lists."""
    if array.dtype.kind in "OSU":
        return _strings(array.tolist(), name.endswith("_bytes"))
    if array.dtype.name not in _NUMBERS:
        named = _MESSAGE_NAMES.get(array.dtype.name, array.dtype.name)
        raise invalid(f"Failed to write JSON value for tensor type: {named}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _shortest(array)
    return np.ascontiguousarray(array) if array.ndim else array[()]


def _strings(value: Any, binary: bool) -> Any:
    if isinstance(value, list):
        return [_strings(item, binary) for item in value]
    raw = value.encode() if isinstance(value, str) else value
    if binary:
        return {"b64": base64.b64encode(raw).decode()}
    # TensorFlow Serving does not check the encoding: odd bytes leave as they are.
    return raw.decode("utf-8", "surrogateescape")


def _shortest(array: np.ndarray) -> Any:
    """Return nested lists of floats that print with as few digits as the array's dtype needs."""
    return array.astype(str).astype(np.float64).tolist()


def _dumps(answer: dict[str, Any]) -> bytes:
    try:
        if not _has_lists_of_floats(answer):
            return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:  # text that is not UTF-8
        pass
    text = json.dumps(answer, default=_lists, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _lists(array: Any) -> Any:
    return _shortest(array) if array.dtype.kind == "f" else array.tolist()


def _has_lists_of_floats(value: Any) -> bool:
    """Whether a non-finite float is in there: only those are Python floats; orjson writes null."""
    if isinstance(value, dict):
        return any(map(_has_lists_of_floats, value.values()))
    if isinstance(value, list):
        return bool(value) and _has_lists_of_floats(value[0])
    return type(value) is float
