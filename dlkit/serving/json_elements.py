"""One nested JSON list -> one array, as strictly as TensorFlow Serving reads it.

`exact_array` walks the list element by element and has the messages. `fast_array` only saves time:
numbers that NumPy reads without doubt never meet the walk, and whatever it doubts goes there.
"""

import base64
import binascii
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.serving.json_text import debug_text, type_name
from dlkit.serving.signatures import TensorInfo
from dlkit.serving.status import StatusError, invalid

_MAX_RANK = 63  # NumPy's 64 without the batch; TensorFlow has 254, which no graph uses


def fast_array(value: Any, info: TensorInfo, literals: bool) -> np.ndarray | None:
    """Return `value` as an array if NumPy reads it as TensorFlow Serving would, else None.

    Args:
        value: A number or nested lists of them, as parsed.
        info: The input that it is for.
        literals: Whether there may be `true` or `false` in it, which NumPy takes for numbers.

    Example:
        >>> fast_array([1, 2.5], TensorInfo("DT_FLOAT"), literals=False)
        array([1. , 2.5], dtype=float32)
    """
    dtype = info.numpy_dtype
    if dtype is None or dtype.kind == "O" or (literals and dtype.kind != "b"):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError):
        return None
    if not _reads_alike(array, dtype):
        return None
    with np.errstate(over="ignore"):  # 1e300 is infinity in float32, as in TensorFlow Serving
        return array.astype(dtype, copy=False)


def _reads_alike(array: np.ndarray, dtype: np.dtype) -> bool:
    kind = array.dtype.kind
    if array.size == 0:
        return kind == "f"  # what NumPy makes of empty lists
    if dtype.kind == "f":
        return kind in "fiu"
    if dtype.kind == "b":
        return kind == "b"
    bounds = np.iinfo(dtype)
    return kind in "iu" and bounds.min <= array.min() and array.max() <= bounds.max


def exact_array(value: Any, info: TensorInfo) -> np.ndarray:
    """Return `value` as an array, or say what is wrong with it.

    Raises:
        StatusError: for a ragged list or an element of another type.
    """
    return _array_of(*_dense(value, info), info)


def _dense(value: Any, info: TensorInfo) -> tuple[list, tuple[int, ...]]:
    """Return the elements of a nested list and its shape, which the first elements decide."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise invalid(f"Shape must have at most {_MAX_RANK} dimensions but got: {len(shape)}")
    flat: list = []
    _fill(value, 0, tuple(shape), info, flat)
    if not flat and info.numpy_dtype is None:
        raise _unsupported(value, info)
    return flat, tuple(shape)


def _fill(value: Any, level: int, shape: tuple[int, ...], info: TensorInfo, flat: list) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {debug_text(value)} found at incorrect level: {level + 1} in the"
                f" JSON DOM. Expected at level: {len(shape)}"
            )
        flat.append(_element(value, info))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level}"
            f" expected size: {shape[level]}"
        )
    for item in value:
        _fill(item, level + 1, shape, info, flat)


def _element(value: Any, info: TensorInfo) -> Any:
    """Return one leaf as the element of an array, strictly: no dtype is made out of another."""
    dtype = info.numpy_dtype
    if dtype is None:
        raise _unsupported(value, info)
    if dtype.kind == "O":
        return _bytes(value, info)
    if isinstance(value, bool) != (dtype.kind == "b") or not isinstance(value, (int, float)):
        raise _type_error(value, info)
    if dtype.kind in "iu" and not (
        isinstance(value, int) and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    ):
        raise _type_error(value, info)
    return value


def _bytes(value: Any, info: TensorInfo) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, dict):
        raise _type_error(value, info)
    if is_named(value):
        raise invalid(f"JSON Value: {debug_text(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split())  # line breaks and missing padding are fine
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _array_of(flat: list, shape: tuple[int, ...], info: TensorInfo) -> np.ndarray:
    if info.numpy_dtype.kind == "O":
        array = np.empty(shape, object)
        array.reshape(-1)[:] = flat
        return array
    if info.numpy_dtype.kind == "f":
        flat = [_float(value) for value in flat]
    with np.errstate(over="ignore"):
        return np.array(flat, info.numpy_dtype).reshape(shape)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf if value > 0 else -math.inf


def is_named(value: Any) -> bool:
    """Whether `value` is an object of named tensors, rather than a value, a list or base64 data.

    Example:
        >>> is_named({"x": 1}), is_named({"b64": "AA=="})
        (True, False)
    """
    if not isinstance(value, dict):
        return False
    return not (len(value) == 1 and isinstance(value.get("b64"), str))


def _unsupported(value: Any, info: TensorInfo) -> StatusError:
    return StatusError(
        "UNIMPLEMENTED",
        f"Conversion of JSON Value: {debug_text(value)} to type: {info.dtype_name}",
    )


def _type_error(value: Any, info: TensorInfo) -> StatusError:
    return invalid(
        f"JSON Value: {debug_text(value)} Type: {type_name(value)}"
        f" is not of expected type: {info.dtype_name}"
    )


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as TensorFlow Serving's messages print it.

    Example:
        >>> shape_text((-1, 28, 28))
        '[-1,28,28]'
    """
    return f"[{','.join(map(str, shape))}]"


@dataclass
class Rows:
    """The rows of one input; each must have the first one's shape."""

    info: TensorInfo
    flat: list = field(default_factory=list)
    shape: tuple[int, ...] | None = None
    count: int = 0

    def add(self, item: Any) -> None:
        """Take one more row."""
        flat, shape = _dense(item, self.info)
        if self.shape is None:
            self.shape = shape
        elif math.prod(shape) != math.prod(self.shape):
            raise invalid(
                f"Expecting tensor size: {math.prod(self.shape)} but got: {math.prod(shape)}"
            )
        elif shape != self.shape:
            raise invalid(f"Expecting shape {shape_text(self.shape)} but got: {shape_text(shape)}")
        self.flat += flat
        self.count += 1

    def tensor(self) -> np.ndarray:
        """Return all rows as one array."""
        return _array_of(self.flat, (self.count, *(self.shape or ())), self.info)
