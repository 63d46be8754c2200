"""From a signature to the bytes of an ONNX file, and from such bytes to answers.

tf2onnx is given the frozen graph. Its `from_keras` does not know Keras 3, and its `from_function`
takes the statistics of a Normalization layer for inputs of the model.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from dlkit.errors import ExportError
from dlkit.export.graph import error_cause
from dlkit.export.signatures.signature import INSTEAD, Arrays, Signature
from dlkit.export.to_onnx.indices import refuse_negative_indices
from dlkit.export.to_onnx.shapes import write_known_shapes

OPSETS = (13, 18)  # tf2onnx 1.17 writes no later ones


def convert_to_onnx(
    model: keras.Model, signature: Signature, data: Any, opset: int = OPSETS[1]
) -> bytes:
    """Return an ONNX file with the function of `signature`.

    Args:
        model: The model that `signature` computes with.
        signature: What the file is to hold.
        data: What has `class_names`, or `None`.
        opset: The version of ONNX's operators. Defaults to 18.

    Raises:
        ExportError: when ONNX's operators cannot express the function, or compute in its types.
    """
    _refuse_bfloat16(model)
    function = tf.function(signature.compute, autograph=False)
    concrete = function.get_concrete_function(dict(signature.inputs))
    if same := sorted(signature.inputs.keys() & concrete.structured_outputs.keys()):
        raise ExportError(
            f"Model '{model.name}' cannot be written as ONNX, where no input may be called as an"
            f" output: '{same[0]}'; rename the column or input, or the layer of the output."
        )
    try:
        with _quiet():
            proto = _translate(concrete, model.name, opset)
    except Exception as error:  # tf2onnx raises whatever its parts raise
        raise ExportError(
            f"Model '{model.name}' cannot be written as ONNX: {error_cause(error)}."
        ) from error
    _refuse_unknown(model, proto, opset)
    return _describe(proto, data).SerializeToString()


def _translate(concrete: Any, name: str, opset: int) -> Any:
    """Freeze a concrete function and give it to tf2onnx, with the signature's own names."""
    import tf2onnx

    frozen = convert_to_constants.convert_variables_to_constants_v2(
        concrete, lower_control_flow=False
    )
    names = {tensor.name: tensor.name.partition(":")[0] for tensor in frozen.inputs}
    names |= {tensor.name: name for name, tensor in concrete.structured_outputs.items()}
    proto, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(),
        name=name,
        input_names=[tensor.name for tensor in frozen.inputs],
        output_names=[tensor.name for tensor in frozen.outputs],
        tensors_to_rename=names,
        opset=opset,
        custom_op_handlers={"Erfc": (_write_erfc, [])},
    )
    write_known_shapes(proto)
    refuse_negative_indices(proto)
    return proto


def _write_erfc(graph: Any, node: Any, *_: Any) -> None:
    """Write Erfc, of which TensorFlow makes the exact GELU, as 1 - Erf: ONNX has that alone."""
    import onnx

    (output,) = node.output
    dtype = graph.get_dtype(output)
    one = np.ones((), onnx.helper.tensor_dtype_to_np_dtype(dtype))
    one = graph.make_const(f"{node.name}_one", one)
    erf = graph.make_node("Erf", node.input, shapes=[graph.get_shape(output)], dtypes=[dtype])
    node.type = "Sub"
    graph.replace_inputs(node, [one.output[0], erf.output[0]])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep tf2onnx's log to itself: what matters in it becomes an error's sentence here."""
    logs = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def _refuse_bfloat16(model: keras.Model) -> None:
    """Refuse what tf2onnx writes as float16 in some places, so that no runtime takes it."""
    layers = [ly.name for ly in model._flatten_layers() if ly.compute_dtype == "bfloat16"]
    if layers:
        raise ExportError(
            f"Model '{model.name}' cannot be written as ONNX, whose operators do not compute in"
            f" bfloat16 ({', '.join(layers[:3])}); build it without mixed_precision and load the"
            " weights into that."
        )


def _refuse_unknown(model: keras.Model, proto: Any, opset: int) -> None:
    """Refuse operations of TensorFlow, which tf2onnx copies where it has no others for them."""
    import onnx

    names = {node.op_type for node in proto.graph.node if not node.domain}
    unknown = sorted(name for name in names if not onnx.defs.has(name, opset))
    if unknown:
        raise ExportError(
            f"Model '{model.name}' cannot be written as ONNX, which has no {', '.join(unknown)}"
            + INSTEAD
        )


def _describe(proto: Any, data: Any) -> Any:
    """Name the batch axis, and put in what the numbers mean."""
    import onnx

    for tensor in (*proto.graph.input, *proto.graph.output):
        if tensor.type.tensor_type.shape.dim:
            tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    names = getattr(data, "class_names", None)
    if names:
        text = json.dumps(list(names), ensure_ascii=False)
        onnx.helper.set_model_props(proto, {"class_names": text})
    return proto


def run_onnx(content: bytes, batches: Sequence[Arrays]) -> list[Arrays]:
    """Return what ONNX Runtime gives for each of `batches`, by output name.

    Raises:
        ExportError: with ONNX Runtime's message, when it refuses the file or a batch.
    """
    return list(map(onnx_runner(content), batches))


def onnx_runner(content: bytes) -> Callable[[Arrays], Arrays]:
    """Return a function from inputs to outputs by name, which raises `ExportError` for a refusal.

    Raises:
        ExportError: with ONNX Runtime's message, when it refuses the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it refuses, it says in an exception as well
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors have no common base
        raise ExportError(f"ONNX Runtime refused the file: {error_cause(error)}.") from error
    names = [output.name for output in session.get_outputs()]

    def run(batch: Arrays) -> Arrays:
        try:
            values = session.run(names, batch)
        except Exception as error:
            raise ExportError(f"ONNX Runtime refused a batch: {error_cause(error)}.") from error
        return dict(zip(names, map(_plain, values), strict=True))

    return run


def _plain(value: np.ndarray) -> np.ndarray:
    """Return strings as bytes, as TensorFlow has them."""
    if value.dtype.kind not in "OU":
        return value
    return np.array([text.encode() for text in value.flat], object).reshape(value.shape)
