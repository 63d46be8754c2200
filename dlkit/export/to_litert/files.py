"""From a signature to the bytes of a LiteRT file, and from such bytes to answers.

The converter reads a SavedModel: given a concrete function, it loses the statistics of a
Normalization layer, and the file answers with NaN.
"""

import contextlib
import pathlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from dlkit.errors import ExportError
from dlkit.export.graph import error_cause, write_graph
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE, INSTEAD, Arrays, Signature


def convert_to_litert(
    model: keras.Model,
    signature: Signature,
    data: Any = None,
    configure: Callable[[tf.lite.TFLiteConverter], None] = lambda converter: None,
) -> bytes:
    """Return a LiteRT file with the function of `signature`.

    Args:
        model: The model that `signature` computes with.
        signature: What the file is to hold.
        data: What has the `preprocessing` that `signature` computes with, or `None`.
        configure: Sets the converter's options. Defaults to a function that sets none.

    Raises:
        ExportError: when LiteRT's own operators cannot express the function.
    """
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder) / "saved_model"
        write_graph(model, data, {DEFAULT_SIGNATURE: signature}, directory)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(directory), signature_keys=[DEFAULT_SIGNATURE]
        )
        configure(converter)
        try:
            with _interpreter_of_tensorflow():  # calibrates
                return converter.convert()
        except Exception as error:  # the converter raises whatever its parts raise
            raise ExportError(_refusal_text(model, error)) from error


@contextlib.contextmanager
def _interpreter_of_tensorflow() -> Iterator[None]:
    """Use the interpreter that TensorFlow 2.21 still brings: another would be one more package."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", r"\s*Warning: tf.lite.Interpreter is deprecated", UserWarning
        )
        yield


def _refusal_text(model: keras.Model, error: Exception) -> str:
    names = sorted(set(re.findall(r"'?\btf\.([A-Z]\w+)", str(error))))
    what = f"Model '{model.name}' cannot be written for LiteRT"
    if any(name.startswith("TensorList") for name in names):
        return (
            f"{what}, whose loops need a fixed batch size ({', '.join(names)}); build its recurrent"
            " layers with unroll=True and a fixed number of steps."
        )
    if re.search(r"xb?f16>", str(error)):
        return (
            f"{what}, whose operators do not compute in half precision ({', '.join(names)}); build"
            " it without mixed_precision and load the weights into that."
        )
    if names:
        return f"{what}, which has no {', '.join(names)}{INSTEAD}"
    return f"{what}: {error_cause(error)}."


def run_litert(content: bytes, batches: Sequence[Arrays]) -> list[Arrays]:
    """Return what a LiteRT file gives for each of `batches`, by output name.

    Raises:
        ExportError: with the interpreter's message, when it refuses the file or a batch.
    """
    return list(map(litert_runner(content), batches))


def litert_runner(content: bytes) -> Callable[[Arrays], Arrays]:
    """Return a function from inputs to outputs by name, which raises `ExportError` for a refusal.

    Raises:
        ExportError: with the interpreter's message, when it refuses the file.
    """
    try:
        found = signature_runner(content)
    except (RuntimeError, ValueError) as error:
        raise ExportError(f"LiteRT refused the file: {error_cause(error)}.") from error

    def run(batch: Arrays) -> Arrays:
        try:
            return found(**batch)
        except (RuntimeError, ValueError) as error:
            raise ExportError(f"LiteRT refused a batch: {error_cause(error)}.") from error

    return run


def signature_runner(content: bytes, threads: int | None = None) -> Any:
    """Return LiteRT's own runner of a file's signature: inputs by keyword -> outputs by name."""
    with _interpreter_of_tensorflow():
        interpreter = tf.lite.Interpreter(model_content=content, num_threads=threads)
    return interpreter.get_signature_runner(DEFAULT_SIGNATURE)
