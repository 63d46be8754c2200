"""Write a Keras model as an ONNX file, the function that `saved_model` serves.

signature (raw input -> predictions) -> frozen graph -> tf2onnx -> ONNX Runtime compares -> file
quantize="dynamic": the network so -> 8 bits -> scored -> the preprocessing before it -> file
"""

import functools
import os
import pathlib
from typing import Any

import keras

from dlkit.argument_validation import check_choice, check_integer, require
from dlkit.errors import ExportError, InputError
from dlkit.export.graph import Prepared, check_answers, prepare_export
from dlkit.export.networks import data_for_inputs, explain_refusal
from dlkit.export.parity import comparison
from dlkit.export.signatures.signature import check_export_data
from dlkit.export.single_file import check_file_path, publish_file
from dlkit.export.to_onnx.files import OPSETS, convert_to_onnx, run_onnx
from dlkit.export.to_onnx.quantizing import quantized_onnx

_EXTRA = "onnx"


def onnx(
    model: keras.Model,
    path: str | os.PathLike,
    data: Any = None,
    *,
    inputs: str = "raw",
    opset: int | None = None,
    quantize: str | None = None,
) -> pathlib.Path:
    """Write a model as an ONNX file, and prove with ONNX Runtime that it answers alike.

    When to use: to run a model without TensorFlow: ONNX Runtime is small, starts at once and is
    fast on a CPU; TensorRT, OpenVINO and browsers read ONNX too. `quantize` makes the file up to
    four times smaller, for ONNX Runtime on a CPU.

    The file holds the function that `saved_model` serves: it takes the raw input that a client has,
    under its name (`data.preprocessing` goes inside), any number of rows at a time, and gives
    outputs named after the model's output layers. The class names are in its metadata, as JSON.

    ONNX Runtime's answers are compared with `model.predict` on batches of 1 and 3 before the file
    appears under its name: within 1e-5 of the value and of the output's largest value, 5e-3 for
    float16; a model that computes in bfloat16 is refused. On up to 1,024 rows of the test split
    (`data.origin`; else `data.examples`) its accuracy (within 0.001, or one row) or R2 (within
    0.001) must be that of `model.predict`. Quantized, the accuracy on up to 1,024 rows of
    `data.test` may fall by 0.01 or by one row; without test rows, outputs may be off by 0.05 of the
    largest. A row's answer then changes a little with the rows beside it, which share its scale.

    Reference: https://onnx.ai and https://github.com/onnx/tensorflow-onnx

    Args:
        model: A built `keras.Model`: functional, sequential or subclassed.
        path: The file to write, which ends in `.onnx`; one that exists is replaced.
        data: What the model was trained on, as for `saved_model`. Defaults to `None`: the file
            takes what the model takes.
        inputs: `"raw"`; or `"network"`, for preprocessing that ONNX cannot hold, of text above all:
            the file takes what `data.preprocessing` gives, under the network's names. Defaults to
            "raw".
        opset: The version of ONNX's operators, 13 to 18. Defaults to `None`: 18.
        quantize: `None`; or `"dynamic"`: weights of 8 bits, and computation in 8 bits with scales
            that each run finds. The preprocessing computes in floats. Defaults to None.

    Returns:
        The path of the file.

    Raises:
        InputError: when `model`, `path`, `data`, `inputs`, `opset` or `quantize` cannot be used.
        MissingExtraError: when tf2onnx, onnx or onnxruntime is not installed.
        ExportError: when the model cannot be converted, answers differently, or is worse on
            `data.test` than allowed; nothing is left behind.

    Example:
        >>> import tempfile, keras
        >>> model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     onnx(model, f"{folder}/tiny.onnx").name
        'tiny.onnx'
    """
    path = check_file_path(path, ".onnx")
    check_export_data(data)
    least, most = OPSETS
    opset = check_integer("opset", most if opset is None else opset, minimum=least)
    if opset > most:
        raise InputError(f"opset must be at most {most}. Received: opset={opset}.")
    if quantize is not None:
        check_choice("quantize", quantize, ("dynamic",))
    for module in ("tf2onnx", "onnx", "onnxruntime"):
        require(module, _EXTRA)
    data = data_for_inputs(inputs, data)
    prepared = prepare_export(model, data)

    def write(staging: pathlib.Path) -> None:
        try:
            make = _checked if quantize is None else quantized_onnx
            content = make(model, prepared, data, opset)
        except ExportError as error:
            raise explain_refusal(error, prepared.signature, data) from None
        staging.write_bytes(content)

    return publish_file(path, write)


def _checked(model: keras.Model, prepared: Prepared, data: Any, opset: int) -> bytes:
    """Return a file that is not quantized and answers as the model does."""
    content = convert_to_onnx(model, prepared.signature, data, opset)
    check_answers(
        prepared, data, functools.partial(run_onnx, content), comparison.model_tolerance(model)
    )
    return content
