"""ONNX files with weights of 8 bits, and two files one after the other.

    weights: 8 bits in the file     activations: scaled to 8 bits in each run, all rows alike

A layer's input has one scale for a whole batch (DynamicQuantizeLinear), so that a row's answer
changes a little with the rows beside it: a server runs such files for one request at a time.

Reference: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

import dataclasses
import functools
import logging
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

import keras

from dlkit.export import quantization
from dlkit.export.graph import Prepared
from dlkit.export.signatures.signature import Arrays, Signature
from dlkit.export.to_onnx.files import OPSETS, convert_to_onnx, run_onnx

_FRONT = "preprocessing/"  # before the names of what is inside the first of two files
_INSIDE = ("rename_nodes", "rename_edges", "rename_initializers", "rename_value_infos")


def quantized_onnx(
    model: keras.Model, prepared: Prepared, data: Any, opset: int = OPSETS[1]
) -> bytes:
    """Return an ONNX file of what is served whose network has weights of 8 bits, checked.

    Args:
        model: The network.
        prepared: What is served, and what to check it with.
        data: What has `test`, `preprocessing` and `task`, as far as it has them.
        opset: The version of ONNX's operators. Defaults to 18.

    Raises:
        ExportError: when it cannot be converted, or is worse than allowed.
    """
    form = quantization.Format(
        functools.partial(_convert_front, opset=opset),
        lambda model, network, data, _: quantize_weights(
            convert_to_onnx(model, network, data, opset)
        ),
        _answers,
        join_onnx,
    )
    return quantization.quantized_file(model, prepared, data, "dynamic", form)


def _convert_front(model: keras.Model, front: Signature, opset: int) -> bytes:
    """Convert preprocessing under names of its own: it may give what it takes."""

    def compute(tensors: dict[str, Any]) -> dict[str, Any]:
        return {_FRONT + name: value for name, value in front.compute(tensors).items()}

    return convert_to_onnx(model, dataclasses.replace(front, compute=compute), None, opset)


def _answers(content: bytes, batches: Sequence[Arrays]) -> list[Arrays]:
    return [
        {name.removeprefix(_FRONT): value for name, value in answer.items()}
        for answer in run_onnx(content, batches)
    ]


def quantize_weights(content: bytes) -> bytes:
    """Return an ONNX file whose convolutions and products of matrices have weights of 8 bits.

    Args:
        content: The file in floats.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    log = logging.getLogger()
    level = log.level
    log.setLevel(logging.ERROR)  # it advises to fold constants first, which tf2onnx has done
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "quantized.onnx")
            # Signed weights overflow on processors without VNNI; unsigned ones give the same
            # numbers everywhere.
            proto = onnx.load_from_string(content)
            quantize_dynamic(proto, path, weight_type=QuantType.QUInt8)
            return path.read_bytes()
    finally:
        log.setLevel(level)


def join_onnx(first: bytes, second: bytes) -> bytes:
    """Return a file that feeds the outputs of `first` to the inputs of `second`, matched by name.

    Args:
        first: An ONNX file, whose outputs have `preprocessing/` before their names.
        second: An ONNX file, whose metadata and outputs are kept.
    """
    import onnx

    head, tail = onnx.load_from_string(first), onnx.load_from_string(second)
    inside = {"rename_inputs": False, "rename_outputs": False}
    head = onnx.compose.add_prefix(head, _FRONT, **inside)
    names = [given.name for given in tail.graph.input]
    outside = dict.fromkeys(_INSIDE, False)
    tail = onnx.compose.add_prefix(tail, _FRONT, rename_outputs=False, **outside)
    links = [(_FRONT + name, _FRONT + name) for name in names]
    return onnx.compose.merge_models(head, tail, links).SerializeToString()
