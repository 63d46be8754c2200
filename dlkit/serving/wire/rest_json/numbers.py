"""A request that is numbers alone -> an array, without a Python object for each number.

    {"instances": [[1, 2.5], [3, 4]]}  ->  [[,],[,]]  ->  shape (2, 2)      what digits leave behind
                                       ->  simdjson   ->  1, 2.5, 3, 4

Lists of floats are what a Python server spends its time on: to parse 28 x 28 numbers takes a tenth
of it this way. Whatever is not of this form, or not installed, takes the way over `text`.
"""

import functools
import math
import re
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.serving.core.signatures import TensorInfo

try:
    import simdjson
except ImportError:
    simdjson = None  # type: ignore[assignment]  # no wheel for this platform


def _spaced(pattern: bytes) -> re.Pattern:
    """Compile a pattern in which a blank stands for JSON's white space."""
    return re.compile(pattern.replace(b" ", rb"[ \t\r\n]*"))


# A name with other letters in it may hold anything: escapes, brackets.
_NAME = rb'"signature_name" : "([\w.:/-]*)"'
_BEFORE = _spaced(rb" \{ (?:" + _NAME + rb' , )?"(instances|inputs)" : (?=\[)')
_AFTER = _spaced(rb" (?:, " + _NAME + rb" )?\} ")
_OF_NUMBERS = b"0123456789.eE+- \t\r\n"
_MAX_RANK = 32
_FRAME_BYTES = 16 * 1024  # of what is kept

_local = threading.local()


@dataclass(frozen=True)
class Numbers:
    """The array in a request, not read yet.

    Args:
        signature_name: As the client gave it; empty when it did not.
        rows: Whether it stands under `instances`, and not under `inputs`.
        text: The JSON of the list.
        shape: Its shape, if it holds what it seems to hold.
    """

    signature_name: str
    rows: bool
    text: bytes
    shape: tuple[int, ...]

    def array(self, info: TensorInfo) -> np.ndarray | None:
        """Return the array if it can be read for an input as TensorFlow Serving would, else None.

        Args:
            info: The input that it is for.
        """
        dtype = info.numpy_dtype
        if dtype is None or dtype.kind not in "fiu":
            return None
        kind, wide = wide_type(dtype)
        try:
            flat = np.frombuffer(_parser().parse(self.text).as_buffer(of_type=kind), wide)
        except (ValueError, TypeError, RuntimeError):  # malformed, or beyond the type
            return None
        if flat.size != math.prod(self.shape) or not fits_dtype(flat, dtype):
            return None
        with np.errstate(over="ignore"):  # 1e300 is infinity in float32, as in TensorFlow Serving
            return flat.reshape(self.shape).astype(dtype)


def split_numbers(body: bytes) -> Numbers | None:
    """Return the numbers in a request's body if, by its form, it is nothing but numbers.

    Args:
        body: The JSON text.

    Example:
        >>> split_numbers(b'{"instances": [[1, 2.5], [3, 4]]}').shape
        (2, 2)
    """
    before = _BEFORE.match(body)
    if simdjson is None or before is None:
        return None
    end = body.rfind(b"]") + 1
    after = _AFTER.fullmatch(body, end)
    if after is None or (before[1] is not None and after[1] is not None):
        return None
    text = body[before.end() : end]
    frame = text.translate(None, _OF_NUMBERS)
    shape = _shape_again(frame) if len(frame) <= _FRAME_BYTES else _shape(frame)
    if not shape:
        return None
    name = (before[1] or after[1] or b"").decode("ascii", "replace")
    return Numbers(name, before[2] == b"instances", text, shape)


@functools.lru_cache(maxsize=64)
def _shape_again(frame: bytes) -> tuple[int, ...] | None:
    """Return what `_shape` does: the requests to a model have mostly one and the same shape."""
    return _shape(frame)


def _shape(frame: bytes) -> tuple[int, ...] | None:
    """Return the shape of a list of which only brackets and commas are left, None for a ragged one.

    An empty list leaves the same as one with a single number: the count of numbers tells.
    """
    rank = len(frame) - len(frame.lstrip(b"["))
    if not 0 < rank <= _MAX_RANK:
        return None
    sizes: list[int] = []
    unit = b""
    for level in range(1, rank + 1):
        # The first list of this level ends at the first so many brackets.
        inside = frame.find(b"]" * level) - (rank - level) + level - 2
        sizes.insert(0, (inside + 1) // (len(unit) + 1))
        unit = b"[" + b",".join([unit] * sizes[0]) + b"]"
    return tuple(sizes) if unit == frame else None


def _parser() -> Any:
    """Return this thread's own: a parser's memory is used again, so it reads one text at a time."""
    if not hasattr(_local, "parser"):
        _local.parser = simdjson.Parser()
    return _local.parser


def wide_type(dtype: np.dtype) -> tuple[str, np.dtype]:
    """Return the type that numbers are read as, by simdjson's letter and for NumPy.

    Args:
        dtype: The one that they are for.

    Example:
        >>> wide_type(np.dtype("int8"))
        ('i', dtype('int64'))
    """
    if dtype.kind == "f":
        return "d", np.dtype(np.float64)
    return ("u", np.dtype(np.uint64)) if dtype == np.uint64 else ("i", np.dtype(np.int64))


def fits_dtype(flat: np.ndarray, dtype: np.dtype) -> bool:
    """Whether a type has all of these numbers; one of floats has infinity for those beyond it.

    Args:
        flat: The numbers, at least one.
        dtype: The type.
    """
    if dtype.kind == "f":
        return True
    bounds = np.iinfo(dtype)
    return bool(bounds.min <= flat.min() and flat.max() <= bounds.max)
