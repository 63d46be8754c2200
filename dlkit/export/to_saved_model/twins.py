"""What a version says to dlkit's own server, and its twins: the same functions for other runtimes.

    signature -> tf2onnx or LiteRT's converter -> its answers = the SavedModel's? -> assets.extra

A server that runs a twin needs no TensorFlow, so all that it has to know of the SavedModel is in
`assets.extra/dlkit_serving.json`. TensorFlow Serving does not look at these files.
"""

import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from dlkit.argument_validation import check_choice, require
from dlkit.errors import ExportError, InputError
from dlkit.export.graph import Prepared
from dlkit.export.parity import comparison
from dlkit.export.parity.parity_run import BATCH_SIZES, ParityRun
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE, INSTEAD, PREDICT, Arrays, Signature

FILE = "dlkit_serving.json"
RUNTIMES = {"onnx": ".onnx", "litert": ".tflite", "onnx_dynamic": ".onnx"}
_FORMAT = 1  # of the file, so that an older server can tell that it cannot read it
_TOLERANCE = 1e-4  # on a thousand rows one is further off than three are
_QUANTIZED = ("onnx_dynamic",)  # held to their score, as `onnx(..., quantize="dynamic")` is
_QUANTIZED_TOLERANCE = 1.0  # that an answer is none at all shows

Run = Callable[[Arrays], Arrays]


def check_runtimes(runtimes: Any) -> tuple[str, ...]:
    """Return `runtimes` if twins can be made for each of them here.

    Raises:
        InputError: for one that there is none for.
        MissingExtraError: when what makes or runs it is not installed.

    Example:
        >>> check_runtimes(["litert"])
        ('litert',)
    """
    if isinstance(runtimes, str):
        raise InputError(f"runtimes must be a list of names. Received: runtimes={runtimes!r}.")
    chosen = tuple(dict.fromkeys(check_choice("runtimes", name, RUNTIMES) for name in runtimes))
    if any(RUNTIMES[name] == ".onnx" for name in chosen):
        for module in ("tf2onnx", "onnx", "onnxruntime"):
            require(module, "onnx")
    return chosen


class Twins:
    """The twins of one export, made and checked one runtime after the other.

    Args:
        model: The model.
        data: What it was trained on, or None.
        offered: The export's signatures by key.
        parity: What the SavedModel answers.
    """

    def __init__(
        self, model: keras.Model, data: Any, offered: Mapping[str, Signature], parity: ParityRun
    ):
        self._model, self._data, self._offered, self._parity = model, data, offered, parity
        self._limit = max(_TOLERANCE, comparison.model_tolerance(model))

    def write(self, directory: pathlib.Path, runtimes: Sequence[str]) -> None:
        """Write the file for the server into a version directory, and the twins beside it.

        `serving_default` must have one; another signature has one where the format can hold it.

        Args:
            directory: Where the SavedModel is.
            runtimes: Which to make.

        Raises:
            ExportError: when `serving_default` cannot be converted or answers differently.
        """
        content = (directory / "saved_model.pb").read_bytes()
        graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]
        extra = directory / "assets.extra"
        rowwise = {"tensorflow": self._parity.rowwise(self._limit)}
        made = {}
        for name in runtimes:
            made[name], rowwise[name] = self._make(extra, name)
        manifest = {
            "format": _FORMAT,
            "saved_model": {"sha256": hashlib.sha256(content).hexdigest()},
            "signatures": {key: _definition(d) for key, d in sorted(graph.signature_def.items())},
            "rowwise": rowwise,
            "runtimes": made,
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        (extra / FILE).write_text(text + "\n", "utf-8")

    def _make(self, extra: pathlib.Path, runtime: str) -> tuple[dict[str, Any], list[str]]:
        """Write the twins for a runtime; return the manifest's entry, and which are row by row."""
        (extra / runtime).mkdir()
        found, rowwise, rows, largest = {}, [], 0, 0.0
        limit = _QUANTIZED_TOLERANCE if runtime in _QUANTIZED else self._limit
        for key, signature in self._offered.items():
            if signature.method != PREDICT:
                continue  # of serialized tf.Examples, which no other runtime parses
            if runtime in _QUANTIZED and key != DEFAULT_SIGNATURE:
                continue  # the score that holds it is that of the predictions
            try:
                content, run = self._convert(runtime, key)
                gap, count = self._compare(runtime, key, run, limit)
            except ExportError as error:
                if key != DEFAULT_SIGNATURE:
                    continue
                text = str(error).replace(INSTEAD, ".")
                raise ExportError(
                    f"The version can have no {runtime} twin; leave '{runtime}' out of runtimes"
                    f" (--runtimes): {text}"
                ) from None
            place = f"{runtime}/{key}{RUNTIMES[runtime]}"
            (extra / place).write_bytes(content)
            found[key] = {"file": place, "sha256": hashlib.sha256(content).hexdigest()}
            rows, largest = rows + count, max(largest, gap)
            if self._is_rowwise(key, run):
                rowwise.append(key)
        check = {"rows": rows, "max_difference": largest, "tolerance": limit}
        return {"signatures": found, "check": check}, rowwise

    def _is_rowwise(self, key: str, run: Run) -> bool:
        """Whether a twin answers each row by itself: it may compute otherwise than TensorFlow."""
        trial = self._parity.trials.get(key)
        if trial is None:
            return False
        return trial.passes([_answer(run, batch) for batch in trial.batches], self._limit)

    def _compare(self, runtime: str, key: str, run: Run, limit: float) -> tuple[float, int]:
        """Return the largest difference, and on how many rows."""
        unordered = self._offered[key].unordered
        asked = [inputs for name, inputs, _ in self._parity.known if name == key]
        expected = [unordered(answer) for name, _, answer in self._parity.known if name == key]
        try:
            found = [unordered(run(inputs)) for inputs in asked]
            largest = comparison.compare_answers(found, expected, limit, key)
            self._compare_whole_numbers(key, run, limit)
        except ExportError as error:
            raise ExportError(
                f"The {runtime} twin does not answer as the SavedModel: {error}"
            ) from None
        return largest, sum(len(next(iter(inputs.values()))) for inputs in asked)

    def _compare_whole_numbers(self, key: str, run: Run, limit: float) -> None:
        """See that numbers which are no index are refused by both, and read alike by both.

        A table of embeddings is read from its end by ONNX where the number is negative, and
        TensorFlow may refuse that.
        """
        signature = self._offered[key]
        inputs = next(inputs for name, inputs, _ in self._parity.known if name == key)
        for name, array in inputs.items():
            if array.dtype.kind != "i":
                continue
            for value in (-1, np.iinfo(array.dtype).max):
                odd = {**inputs, name: np.full_like(array, value)}
                _compare_odd(signature, run, odd, limit, f"'{name}' is {value}")

    def _convert(self, runtime: str, key: str) -> tuple[bytes, Run]:
        """Return a twin's file, and the function that is in it."""
        model, signature, data = self._model, self._offered[key], self._data
        if runtime == "litert":
            from dlkit.export.to_litert.files import convert_to_litert, litert_runner

            content = convert_to_litert(model, signature, data)
            return content, litert_runner(content)
        from dlkit.export.to_onnx.files import convert_to_onnx, onnx_runner
        from dlkit.export.to_onnx.quantizing import quantized_onnx

        if runtime in _QUANTIZED:
            known = [(inputs, answer) for name, inputs, answer in self._parity.known if name == key]
            inputs, answers = zip(*known[: len(BATCH_SIZES)], strict=True)
            prepared = Prepared(signature, list(inputs), list(answers))
            content = quantized_onnx(model, prepared, data)
        else:
            content = convert_to_onnx(model, signature, data)
        return content, onnx_runner(content)


def _compare_odd(signature: Signature, run: Run, odd: Arrays, limit: float, when: str) -> None:
    expected, found = _answer(signature.reference, odd), _answer(run, odd)
    if (expected is None) != (found is None):
        raise ExportError(f"one of them refuses the input when {when}.")
    if expected is not None and found is not None:
        comparison.compare_answers(
            [signature.unordered(found)], [signature.unordered(expected)], limit
        )


def _answer(run: Run, inputs: Arrays) -> Arrays | None:
    """Return what a function answers, `None` where it refuses."""
    try:
        return run(inputs)
    except (ExportError, ValueError, tf.errors.OpError):
        return None


def _definition(definition: meta_graph_pb2.SignatureDef) -> dict[str, Any]:
    return {
        "inputs": {name: _info(info) for name, info in sorted(definition.inputs.items())},
        "outputs": {name: _info(info) for name, info in sorted(definition.outputs.items())},
        "method_name": definition.method_name,
    }


def _info(info: meta_graph_pb2.TensorInfo) -> dict[str, Any]:
    shape = info.tensor_shape
    axes = [dim.name for dim in shape.dim]
    return {
        "dtype": types_pb2.DataType.Name(info.dtype),
        "shape": None if shape.unknown_rank else [dim.size for dim in shape.dim],
        "name": info.name,
        **({"axes": axes} if any(axes) else {}),
    }
