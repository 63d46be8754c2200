"""Two LiteRT files one after the other, as one file: preprocessing in floats, then a network.

A file whose network computes in 8 bits takes raw input this way. Quantized together with the
network, a column in thousands would leave nothing of one in hundredths.

Reference: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from typing import Any

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

from dlkit.errors import ExportError


def join_litert(first: bytes, second: bytes) -> bytes:
    """Return a file that feeds the outputs of `first` to the inputs of `second`, matched by name.

    Args:
        first: A LiteRT file with one signature and no control flow.
        second: A LiteRT file with one signature.

    Raises:
        ExportError: when `first` has control flow.
    """
    head, tail = (_unpack(content) for content in (first, second))
    if len(head.subgraphs) != 1:
        raise ExportError(
            "A quantized model cannot take this raw input, whose preprocessing has"
            f" {len(head.subgraphs)} graphs instead of one; use quantize=None."
        )
    front, graph = head.subgraphs[0], tail.subgraphs[0]
    gives, takes = _places(head.signatureDefs[0].outputs), _places(tail.signatureDefs[0].inputs)
    links = {gives[name]: place for name, place in takes.items()}
    offset = len(graph.tensors)

    def move(places: Any) -> np.ndarray:
        # -1 stands for an optional input that is not given.
        moved = [links.get(int(p), int(p) + offset) if p >= 0 else int(p) for p in places]
        return np.array(moved, np.int32)

    _shift(front, buffers=len(tail.buffers), codes=len(tail.operatorCodes))
    for operator in front.operators:
        operator.inputs, operator.outputs = move(operator.inputs), move(operator.outputs)
    graph.tensors += front.tensors
    graph.operators = [*front.operators, *(graph.operators or ())]
    graph.inputs = move(front.inputs)
    tail.buffers += head.buffers
    tail.operatorCodes = [*tail.operatorCodes, *(head.operatorCodes or ())]
    tail.signatureDefs[0].inputs = head.signatureDefs[0].inputs
    for entry in tail.signatureDefs[0].inputs:
        (entry.tensorIndex,) = move([entry.tensorIndex]).tolist()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tail))


def _unpack(content: bytes) -> Any:
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    model.operatorCodes = model.operatorCodes or []
    for graph in model.subgraphs:
        graph.operators = graph.operators or []
    return model


def _places(entries: Any) -> dict[str, int]:
    return {entry.name.decode(): entry.tensorIndex for entry in entries}


def _shift(graph: Any, *, buffers: int, codes: int) -> None:
    for tensor in graph.tensors:
        tensor.buffer += buffers
    for operator in graph.operators:
        operator.opcodeIndex += codes
