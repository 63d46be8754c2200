"""Shapes that a graph in ONNX computes anew in each run, though they are known: written into it.

    Shape -> Gather -> Slice -> Concat -> Cast -> Reshape   becomes   Reshape to [-1, 1568]

Keras's Flatten and Reshape look up how many rows there are. ONNX needs no number for one axis, and
six small operations less are a tenth of a small network's time.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np


def write_known_shapes(proto: Any) -> None:
    """Give each Reshape of a model its shape as a constant, where one axis at most is unknown.

    Args:
        proto: An `onnx.ModelProto`, which is changed.
    """
    import onnx

    graph = proto.graph
    known = _shapes(onnx.shape_inference.infer_shapes(proto, data_prop=True).graph)
    constants = {tensor.name for tensor in graph.initializer}
    for index, node in enumerate(graph.node):
        shape = known.get(node.output[0]) if node.op_type == "Reshape" else None
        if shape is None or node.input[1] in constants or shape.count(-1) > 1 or 0 in shape:
            continue
        name = f"{node.output[0]}/shape_{index}"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(shape, np.int64), name))
        node.input[1] = name
    _remove_unused(graph)


def _shapes(graph: Any) -> dict[str, list[int]]:
    """Return the shapes of tensors of a known rank, -1 for an axis that is free."""
    shapes = {}
    for tensor in (*graph.value_info, *graph.output):
        if tensor.type.tensor_type.HasField("shape"):
            axes = tensor.type.tensor_type.shape.dim
            shapes[tensor.name] = [a.dim_value if a.HasField("dim_value") else -1 for a in axes]
    return shapes


def _remove_unused(graph: Any) -> None:
    used = {tensor.name for tensor in graph.output}
    kept = []
    for node in reversed(graph.node):  # who makes a tensor comes before who uses it
        if used.intersection(node.output):
            kept.append(node)
            used.update(_inputs(node))
    del graph.node[:]
    graph.node.extend(reversed(kept))
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(tensors)


def _inputs(node: Any) -> Iterator[str]:
    """Yield what a node uses, and what the graphs within it do."""
    yield from node.input
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            yield from (tensor.name for tensor in inner.output)
            for other in inner.node:
                yield from _inputs(other)
