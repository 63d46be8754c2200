"""Named NumPy arrays -> a predict answer in TensorFlow Serving's JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from dlkit.serving.core.status import invalid

_NUMBERS = frozenset(
    np.dtype(name)
    for name in (
        *("float32", "float64", "bool"),
        *("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"),
    )
)
_MESSAGE_NAMES = {"float16": "half"}


def encode_answer(outputs: Mapping[str, np.ndarray], *, rows: bool) -> bytes:
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
        >>> encode_answer({"y": np.array([2.5, 3.0], np.float32)}, rows=True)
        b'{"predictions":[2.5,3.0]}'
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    columns = {name: _jsonable(name, array) for name, array in outputs.items()}
    batch = _batch_size(outputs) if rows else 0
    text = _dumps(_answer(columns, rows, batch))
    if text is None or (b"null" in text and not all(map(_is_finite, outputs.values()))):
        lists = {name: _lists(value) for name, value in columns.items()}
        text = _dumps_everything(_answer(lists, rows, batch))
    return text


def _answer(columns: dict[str, Any], rows: bool, batch: int) -> dict[str, Any]:
    if len(columns) == 1:
        value = next(iter(columns.values()))
    elif rows:
        value = _rows(columns, batch)
    else:
        value = columns
    return {"predictions" if rows else "outputs": value}


def _is_finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


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
    if array.dtype not in _NUMBERS:
        named = _MESSAGE_NAMES.get(array.dtype.name, array.dtype.name)
        raise invalid(f"Failed to write JSON value for tensor type: {named}")
    return np.ascontiguousarray(array) if array.ndim else array[()]


def _strings(value: Any, binary: bool) -> Any:
    if isinstance(value, list):
        return [_strings(item, binary) for item in value]
    raw = value.encode() if isinstance(value, str) else value
    if binary:
        return {"b64": base64.b64encode(raw).decode()}
    # TensorFlow Serving does not check the encoding: odd bytes leave as they are.
    return raw.decode("utf-8", "surrogateescape")


def _dumps(answer: dict[str, Any]) -> bytes | None:
    """Return JSON with `null` for what is no finite number, None for text that is not UTF-8."""
    try:
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:
        return None


def _dumps_everything(answer: dict[str, Any]) -> bytes:
    text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _lists(value: Any) -> Any:
    """Return arrays as nested lists, of floats that print with as few digits as they need."""
    if not isinstance(value, np.ndarray | np.generic):
        return value
    if value.dtype.kind == "f":
        return np.asarray(value).astype(str).astype(np.float64).tolist()
    return value.tolist()
