"""What a served model takes and gives, in plain Python, and the metadata answer made from it.

Nothing here knows which library runs the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DEFAULT_SIGNATURE = "serving_default"
CELLS = "cells"  # takes a table's columns as texts, as they stand in a file

# TensorFlow's name of a dtype -> the name in TensorFlow Serving's messages, the NumPy dtype.
# NumPy has no bfloat16; the entries without a dtype are those that JSON cannot carry.
DTYPES: dict[str, tuple[str, np.dtype | None]] = {
    "DT_FLOAT": ("float", np.dtype(np.float32)),
    "DT_DOUBLE": ("double", np.dtype(np.float64)),
    "DT_INT8": ("int8", np.dtype(np.int8)),
    "DT_INT16": ("int16", np.dtype(np.int16)),
    "DT_INT32": ("int32", np.dtype(np.int32)),
    "DT_INT64": ("int64", np.dtype(np.int64)),
    "DT_UINT8": ("uint8", np.dtype(np.uint8)),
    "DT_UINT32": ("uint32", np.dtype(np.uint32)),
    "DT_UINT64": ("uint64", np.dtype(np.uint64)),
    "DT_BOOL": ("bool", np.dtype(np.bool_)),
    "DT_STRING": ("string", np.dtype(object)),
    "DT_HALF": ("half", None),
    "DT_BFLOAT16": ("bfloat16", None),
    "DT_UINT16": ("uint16", None),
    "DT_COMPLEX64": ("complex64", None),
    "DT_COMPLEX128": ("complex128", None),
}


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a signature.

    Args:
        dtype: TensorFlow's name of the dtype, as `DT_FLOAT`.
        shape: The size of each axis, -1 where it is free; None when the rank is unknown.
        name: The tensor's name in the graph, as `serving_default_x:0`.
        axes: A name for each axis, or none at all; an export calls the first axis of an input as
            the column of the table is called that goes there.
    """

    dtype: str
    shape: tuple[int, ...] | None = None
    name: str = ""
    axes: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """The name of the first axis, or an empty text."""
        return self.axes[0] if self.axes else ""

    @property
    def dims(self) -> list[tuple[int, str]]:
        """The size and the name of each axis."""
        shape = self.shape or ()
        names = self.axes + ("",) * (len(shape) - len(self.axes))
        return list(zip(shape, names, strict=False))

    @property
    def dtype_name(self) -> str:
        """The dtype as TensorFlow Serving's messages name it, as `float`."""
        return DTYPES.get(self.dtype, (self.dtype.removeprefix("DT_").lower(), None))[0]

    @property
    def numpy_dtype(self) -> np.dtype | None:
        """The NumPy dtype, or None for a dtype that does not travel over REST."""
        return DTYPES.get(self.dtype, ("", None))[1]


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as TensorFlow Serving's messages print it.

    Example:
        >>> shape_text((-1, 28, 28))
        '[-1,28,28]'
    """
    return f"[{','.join(map(str, shape))}]"


@dataclass(frozen=True)
class Signature:
    """One way to call a model: named inputs to named outputs.

    Args:
        inputs: What it takes, by name in alphabetical order.
        outputs: What it gives, likewise.
        method_name: What TensorFlow Serving says it is for.
        defaults: Values of inputs that a gRPC request may leave out.
    """

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    method_name: str = "tensorflow/serving/predict"
    defaults: Mapping[str, np.ndarray] = field(default_factory=dict)


def _tensor_json(info: TensorInfo) -> dict[str, Any]:
    """Return `info` as proto3 JSON prints a TensorInfo: sizes are strings, since they are int64."""
    dims = [{"size": str(size), "name": name} for size, name in info.dims]
    return {
        "dtype": info.dtype,
        "tensor_shape": {"dim": dims, "unknown_rank": info.shape is None},
        "name": info.name,
    }


def metadata_json(
    model_name: str, version: int, signatures: Mapping[str, Signature]
) -> dict[str, Any]:
    """Return the answer of `GET /v1/models/<name>/metadata`, with its doubled `signature_def`.

    Args:
        model_name: The name under which the model is served.
        version: The version that answers.
        signatures: All signatures of that version.

    Returns:
        A JSON-able dictionary, field by field as TensorFlow Serving prints it.

    Example:
        >>> answer = metadata_json("m", 1, {"serving_default": Signature({}, {})})
        >>> answer["model_spec"]
        {'name': 'm', 'signature_name': '', 'version': '1'}
    """
    listed = {
        key: {
            "inputs": {name: _tensor_json(info) for name, info in signature.inputs.items()},
            "outputs": {name: _tensor_json(info) for name, info in signature.outputs.items()},
            "method_name": signature.method_name,
            "defaults": {},
        }
        for key, signature in signatures.items()
    }
    return {
        "model_spec": {"name": model_name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": listed}},
    }
