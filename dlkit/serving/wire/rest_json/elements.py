"""One nested JSON list -> one array, as strictly as TensorFlow Serving reads it.

`exact_array` walks the list element by element and has the messages. `fast_array` only saves time:
lists of nothing but numbers never meet the walk, and whatever else there is goes there.
"""

import base64
import binascii
import itertools
import math
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.serving.core.signatures import TensorInfo, shape_text
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.wire.rest_json.numbers import fits_dtype, wide_type
from dlkit.serving.wire.rest_json.text import debug_text, type_name

_MAX_RANK = 63  # NumPy's 64 without the batch; TensorFlow has 254, which no graph uses


def fast_array(value: Any, info: TensorInfo, literals: bool) -> np.ndarray | None:
    """Return `value` as an array if it is nothing but numbers of this type, else None.

    NumPy is not asked what a list holds: it would take texts too, each in the room of the longest.

    Args:
        value: A number or nested lists of them, as parsed.
        info: The input that it is for.
        literals: Whether there may be `true` or `false` in it, which count as numbers.

    Example:
        >>> fast_array([1, 2.5], TensorInfo("DT_FLOAT"), literals=False)
        array([1. , 2.5], dtype=float32)
    """
    dtype = info.numpy_dtype
    if dtype is None or dtype.kind == "O" or (literals and dtype.kind != "b"):
        return None
    shape, level = [], [value]
    try:
        while isinstance(level[0], list):
            size = len(level[0])
            if not size or set(map(len, level)) != {size}:
                return None
            shape.append(size)
            level = list(itertools.chain.from_iterable(level))
        flat = _flat(level, dtype)
    except (TypeError, OverflowError):  # something else than a number, or beyond 64 bits
        return None
    return None if flat is None or len(shape) > _MAX_RANK else flat.reshape(shape)


def _flat(values: list, dtype: np.dtype) -> np.ndarray | None:
    if dtype.kind == "b":
        return np.array(values) if set(map(type, values)) == {bool} else None
    _, wide = wide_type(dtype)
    flat = np.frombuffer(array(wide.char, values), wide)
    if not fits_dtype(flat, dtype):
        return None
    with np.errstate(over="ignore"):  # 1e300 is infinity in float32, as in TensorFlow Serving
        return flat.astype(dtype)


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
    if info.dtype == "DT_STRING":
        array = np.empty(shape, object)
        array.reshape(-1)[:] = flat
        return array
    with np.errstate(over="ignore"):
        return np.array(flat, info.numpy_dtype).reshape(shape)


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
