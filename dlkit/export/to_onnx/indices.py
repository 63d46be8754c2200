"""What is no index: TensorFlow refuses it, and ONNX counts a negative one from the end.

    indices -> Gather   becomes   indices -> a negative one is the largest number -> Gather

Keras adds the size of a table to a negative index, once; of -51 in a table of 50 rows that leaves
-1, which is no row to TensorFlow and the last one to ONNX.
"""

from typing import Any

import numpy as np


def refuse_negative_indices(proto: Any) -> None:
    """Let each Gather of a model refuse negative indices that a run computes.

    Args:
        proto: An `onnx.ModelProto`, which is changed.
    """
    import onnx

    graph = proto.graph
    known = {tensor.name for tensor in graph.initializer}
    known |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    nodes, make = [], onnx.helper.make_node
    zero, largest = "indices/zero", "indices/largest"
    for place, node in enumerate(graph.node):
        if node.op_type == "Gather" and node.input[1] not in known:
            wide, negative, index = (f"indices/{place}/{n}" for n in ("wide", "negative", "index"))
            nodes += [
                make("Cast", [node.input[1]], [wide], wide, to=onnx.TensorProto.INT64),
                make("Less", [wide, zero], [negative], negative),
                make("Where", [negative, largest, wide], [index], index),
            ]
            node.input[1] = index
        nodes.append(node)
    if len(nodes) == len(graph.node):
        return
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    for name, value in ((zero, 0), (largest, np.iinfo(np.int64).max)):
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(value, np.int64), name))
