"""SignatureDef <-> `Signature`: what a model says of itself, as TensorFlow stores and sends it."""

from collections.abc import Mapping

from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.wire.protobuf.tensors import to_array, to_proto


def from_definition(definition: meta_graph_pb2.SignatureDef) -> Signature:
    """Return a SignatureDef in plain Python, names in order.

    Args:
        definition: As in a SavedModel, or in the metadata that a server sent.

    Raises:
        ValueError: when a default value of an input cannot be read.
    """
    return Signature(
        {name: _from_info(info) for name, info in sorted(definition.inputs.items())},
        {name: _from_info(info) for name, info in sorted(definition.outputs.items())},
        definition.method_name,
        {name: to_array(proto) for name, proto in sorted(definition.defaults.items())},
    )


def to_definition(signature: Signature) -> meta_graph_pb2.SignatureDef:
    """Return a signature as TensorFlow describes it.

    Example:
        >>> given = Signature({"x": TensorInfo("DT_FLOAT", (-1, 4), "x:0")}, {})
        >>> from_definition(to_definition(given)) == given
        True
    """
    return meta_graph_pb2.SignatureDef(
        inputs=_to_infos(signature.inputs),
        outputs=_to_infos(signature.outputs),
        method_name=signature.method_name,
        defaults={name: to_proto(array) for name, array in signature.defaults.items()},
    )


def _from_info(info: meta_graph_pb2.TensorInfo) -> TensorInfo:
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
    axes = tuple(dim.name for dim in shape.dim)
    return TensorInfo(
        types_pb2.DataType.Name(info.dtype), sizes, info.name, axes if any(axes) else ()
    )


def _to_infos(infos: Mapping[str, TensorInfo]) -> dict[str, meta_graph_pb2.TensorInfo]:
    return {
        name: meta_graph_pb2.TensorInfo(
            name=info.name,
            dtype=info.dtype,
            tensor_shape={
                "dim": [{"size": size, "name": name} for size, name in info.dims],
                "unknown_rank": info.shape is None,
            },
        )
        for name, info in infos.items()
    }
