"""What a user passes to `GrpcClient.predict` -> TensorProto -> what the user gets back."""

from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto

from dlkit.errors import InputError
from dlkit.serving.client.columns import as_dtype
from dlkit.serving.core.signatures import TensorInfo
from dlkit.serving.wire.protobuf.tensors import to_array, to_proto

_STRING = types_pb2.DataType.Name(types_pb2.DT_STRING)


def to_wire(name: str, value: Any, info: TensorInfo | None) -> TensorProto:
    """Return an input as a message, in the dtype that the signature takes where it fits.

    Args:
        name: The input's name.
        value: An array, a nested list or a scalar.
        info: What the signature says of the input; None when it has no such input.

    Raises:
        InputError: naming the input whose value is no array, and the value's type.
    """
    try:
        array = _array(value, info)
        return to_proto(array if info is None else as_dtype(array, info))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"Input '{name}' takes numbers, booleans, strings or bytes in arrays or lists whose"
            f" rows have one shape. Received: {type(value).__name__} ({error})."
        ) from None


def from_wire(name: str, proto: TensorProto) -> np.ndarray:
    """Return an output as an array; strings as text unless its name ends in `_bytes`."""
    array = to_array(proto)
    if array.dtype != object or name.endswith("_bytes"):
        return array
    return np.array([item.decode("utf-8", "surrogateescape") for item in array.flat]).reshape(
        array.shape
    )


def _array(value: Any, info: TensorInfo | None) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    # NumPy's own string dtypes would drop zero bytes at the end of an encoded image.
    return np.array(value, object if info is not None and info.dtype == _STRING else None)
