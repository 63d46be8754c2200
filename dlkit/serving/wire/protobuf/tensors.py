"""TensorProto <-> NumPy, as TensorFlow reads and writes it, fast for arrays of any size.

TensorFlow's own `make_ndarray` and `make_tensor_proto` differ from what its C++ does: the first
takes malformed messages for good ones, the second never writes the typed fields that TensorFlow
Serving answers with.
"""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

# A message of a few bytes may stand for any number of equal elements: up to this much is believed.
_MAX_FILLED_BYTES = 2**27


@dataclass(frozen=True)
class _Kind:
    """How one dtype travels.

    Args:
        number: TensorFlow's number of the dtype.
        dtype: NumPy's dtype of the elements.
        field: Which repeated field of TensorProto holds them.
        wire: The dtype of that field, in which several small dtypes travel.
        raw: The dtype to view the elements as before they are converted to `wire`.
        packed: The field's tag where its packed bytes are those of the array, else None: those
            fields are written whole instead of number by number.
    """

    number: int
    dtype: np.dtype
    field: str
    wire: np.dtype
    raw: np.dtype
    packed: bytes | None = None


def _kind(dtype: tf.DType, field: str, wire: str, raw: str = "", tag: int | None = None) -> _Kind:
    element = np.dtype(dtype.as_numpy_dtype)
    packed = None if tag is None else bytes([tag << 3 | 2])
    return _Kind(
        dtype.as_datatype_enum, element, field, np.dtype(wire), np.dtype(raw or element), packed
    )


_KINDS = (
    _kind(tf.float32, "float_val", "f4", tag=5),
    _kind(tf.float64, "double_val", "f8", tag=6),
    _kind(tf.int32, "int_val", "i4"),
    _kind(tf.int16, "int_val", "i4"),
    _kind(tf.int8, "int_val", "i4"),
    _kind(tf.uint16, "int_val", "i4"),
    _kind(tf.uint8, "int_val", "i4"),
    _kind(tf.int64, "int64_val", "i8"),
    _kind(tf.uint32, "uint32_val", "u4"),
    _kind(tf.uint64, "uint64_val", "u8"),
    _kind(tf.bool, "bool_val", "?", tag=11),
    _kind(tf.float16, "half_val", "i4", raw="u2"),
    _kind(tf.bfloat16, "half_val", "i4", raw="u2"),
    _kind(tf.complex64, "scomplex_val", "f4", raw="f4", tag=9),
    _kind(tf.complex128, "dcomplex_val", "f8", raw="f8", tag=12),
)
_BY_NUMBER = {kind.number: kind for kind in _KINDS}
_BY_DTYPE = {kind.dtype: kind for kind in _KINDS}


def to_array(proto: TensorProto) -> np.ndarray:
    """Return the array in a message; strings as an object array of bytes.

    Args:
        proto: The message, its elements in `tensor_content` or in the dtype's typed field. Too few
            of them are filled up with the last one, too many are dropped, as TensorFlow does it.

    Raises:
        ValueError: where TensorFlow would not take the message: a dtype that is none, a shape that
            is not known, contents of the wrong size.

    Example:
        >>> shape = {"dim": [{"size": 2}]}
        >>> to_array(TensorProto(dtype="DT_INT32", int_val=[7], tensor_shape=shape))
        array([7, 7], dtype=int32)
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ValueError("the shape is not known")
    if proto.dtype == tf.string.as_datatype_enum:
        return _strings(proto, math.prod(shape)).reshape(shape)
    kind = _BY_NUMBER.get(proto.dtype)
    if kind is None:
        raise ValueError(f"dtype {proto.dtype} does not travel")
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, kind.dtype).reshape(shape)
    values = np.array(getattr(proto, kind.field), kind.wire)
    return _filled(values.astype(kind.raw, copy=False).view(kind.dtype), shape)


def _strings(proto: TensorProto, count: int) -> np.ndarray:
    if proto.tensor_content:
        raise ValueError("strings travel in string_val")
    values = np.empty(len(proto.string_val), object)
    values[:] = list(proto.string_val)
    return _filled(values, [count])


def _filled(values: np.ndarray, shape: list[int]) -> np.ndarray:
    count = math.prod(shape)
    if len(values) < count:
        if count * values.itemsize > _MAX_FILLED_BYTES:
            raise ValueError("so many elements have to be sent")
        default = b"" if values.dtype == object else values.dtype.type(0)
        filled = np.full(count, values[-1] if len(values) else default, values.dtype)
        filled[: len(values)] = values
        values = filled
    return values[:count].reshape(shape)


def to_proto(array: np.ndarray, *, typed: bool = False) -> TensorProto:
    """Return an array as a message.

    Args:
        array: Numbers, booleans, text or bytes.
        typed: Whether the elements go into the dtype's own field (`float_val`, ...), as in
            TensorFlow Serving's answers, or into `tensor_content`, which is faster. Defaults to
            False.

    Raises:
        ValueError: for an array of anything else.

    Example:
        >>> list(to_proto(np.array([1.5, 2.0], np.float32), typed=True).float_val)
        [1.5, 2.0]
    """
    shape = {"dim": [{"size": size} for size in array.shape]}
    if array.dtype.kind in "OSU":
        texts = [_bytes(item) for item in array.reshape(-1).tolist()]
        return TensorProto(dtype="DT_STRING", tensor_shape=shape, string_val=texts)
    kind = _BY_DTYPE.get(array.dtype.newbyteorder("="))
    if kind is None:
        raise ValueError(f"arrays of {array.dtype} do not travel")
    array = np.ascontiguousarray(array, kind.dtype)
    proto = TensorProto(dtype=kind.number, tensor_shape=shape)
    if not typed:
        proto.tensor_content = array.tobytes()
    elif kind.packed:
        content = array.tobytes()
        proto.MergeFromString(kind.packed + _varint(len(content)) + content)
    else:
        values = array.reshape(-1).view(kind.raw).astype(kind.wire)
        getattr(proto, kind.field).extend(values.tolist())
    return proto


def _bytes(item: str | bytes) -> bytes:
    if isinstance(item, (str, bytes)):
        return item.encode() if isinstance(item, str) else item
    raise ValueError(f"{item!r} of type {type(item).__name__} is neither text nor bytes")


def _varint(number: int) -> bytes:
    """Return `number` as protocol buffers write lengths: seven bits a byte, the lowest first."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
