"""Write a Keras model as a LiteRT (TensorFlow Lite) file, the function that `saved_model` serves.

quantize=None:  signature (raw input -> predictions) -> converter -> compared -> file
quantize="...": network -> converter -> scored on data.test -> preprocessing before it -> file
"""

import functools
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from dlkit.argument_validation import check_choice
from dlkit.errors import ExportError
from dlkit.export import quantization
from dlkit.export.graph import Prepared, check_answers, prepare_export
from dlkit.export.networks import data_for_inputs, explain_refusal, split_rows
from dlkit.export.parity import comparison
from dlkit.export.signatures.signature import Arrays, Signature, check_export_data
from dlkit.export.single_file import check_file_path, publish_file
from dlkit.export.to_litert.files import convert_to_litert, run_litert
from dlkit.export.to_litert.model_merging import join_litert

_CALIBRATION_ROWS = 256


def litert(
    model: keras.Model,
    path: str | os.PathLike,
    data: Any = None,
    *,
    inputs: str = "raw",
    quantize: str | None = None,
) -> pathlib.Path:
    """Write a model as a LiteRT (TensorFlow Lite) file, and prove that it answers alike.

    When to use: for phones, browsers and small computers, and for the lowest latency of one row on
    a CPU. `quantize` makes the file up to four times smaller.

    The file holds the function that `saved_model` serves: it takes the raw input that a client has,
    under its name (`data.preprocessing` goes inside), any number of rows at a time, and gives
    outputs named after the model's output layers, in its signature `serving_default`. Quantized or
    not, inputs and outputs keep their types, and the preprocessing computes in floats.

    LiteRT's interpreter is compared with `model.predict` on batches of 1 and 3 before the file
    appears under its name: within 1e-4 of the value and of the output's largest value. On up to
    1,024 rows of the test split (`data.origin`; else `data.examples`) its accuracy (within 0.001,
    or one row) or R2 (within 0.001) must be that of `model.predict`. Quantized, the accuracy on up
    to 1,024 rows of `data.test` may fall by 0.005 ("float16"), 0.01 ("dynamic") or 0.02 ("int8"),
    or by one row; without test rows, outputs may be off by 0.005, 0.05 or 0.1 of the largest.

    Recurrent layers need `unroll=True`; a model that computes in half precision is refused. There
    is no quantization-aware training for Keras 3.

    Reference: https://ai.google.dev/edge/litert/models/post_training_quantization

    Args:
        model: A built `keras.Model`: functional, sequential or subclassed.
        path: The file to write, which ends in `.tflite`; one that exists is replaced.
        data: What the model was trained on, as for `saved_model`, with `train` for "int8" and
            `test` for a check of what is quantized. Defaults to `None`: the file takes what the
            model takes.
        inputs: `"raw"`; or `"network"`, for preprocessing that LiteRT cannot hold, of text above
            all: the file takes what `data.preprocessing` gives, under the network's names.
            Defaults to "raw".
        quantize: `None`; `"dynamic"`: weights of 8 bits; `"float16"`: weights of 16 bits; or
            `"int8"`: weights and computation of 8 bits, scaled by 256 rows of `data.train`.
            Defaults to None.

    Returns:
        The path of the file.

    Raises:
        InputError: when `model`, `path`, `data`, `inputs` or `quantize` cannot be used.
        ExportError: when the model cannot be converted, answers differently, or is worse on
            `data.test` than allowed; nothing is left behind.

    Example:
        >>> import tempfile, keras
        >>> model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     litert(model, f"{folder}/tiny.tflite").name
        'tiny.tflite'
    """
    path = check_file_path(path, ".tflite")
    check_export_data(data)
    if quantize is not None:
        check_choice("quantize", quantize, quantization.MAX_LOSS)
        quantization.check_calibration_data(quantize, data)
    data = data_for_inputs(inputs, data)
    prepared = prepare_export(model, data)

    def write(staging: pathlib.Path) -> None:
        try:
            if quantize is None:
                content = _checked(model, prepared, data)
            else:
                content = quantization.quantized_file(model, prepared, data, quantize, _FORMAT)
        except ExportError as error:
            raise explain_refusal(error, prepared.signature, data) from None
        staging.write_bytes(content)

    return publish_file(path, write)


def _checked(model: keras.Model, prepared: Prepared, data: Any) -> bytes:
    """Return a file that is not quantized and answers as the model does."""
    content = convert_to_litert(model, prepared.signature, data)
    limit = max(quantization.TOLERANCE, comparison.model_tolerance(model))
    check_answers(prepared, data, functools.partial(run_litert, content), limit)
    return content


def _quantize(model: keras.Model, network: Signature, data: Any, quantize: str) -> bytes:
    def configure(converter: tf.lite.TFLiteConverter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantize == "int8":
            converter.representative_dataset = lambda: _calibration(network, data.train)

    return convert_to_litert(model, network, configure=configure)


def _calibration(network: Signature, train: Iterable[Any]) -> Iterator[Arrays]:
    for batch, _ in split_rows(network, train, _CALIBRATION_ROWS, 32):
        yield batch


_FORMAT = quantization.Format(convert_to_litert, _quantize, run_litert, join_litert)
