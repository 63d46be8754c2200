"""Does an export answer as the Keras model did?"""

import dataclasses
import os
import pathlib
import sys
import types
import warnings
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.errors import ExportError
from dlkit.export.parity.subprocess_runner import run_in_subprocess
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE

# Both relative to the value and to the largest value of the output, since a sum of many numbers is
# only as exact as its largest terms. Half precision: a few units in the last place.
TOLERANCES = {"float32": 1e-5, "tensor_float_32": 5e-3, "float16": 5e-3, "bfloat16": 4e-2}


def model_tolerance(model: keras.Model) -> float:
    """Return the tolerance for the least precise type that a layer of `model` computes in."""
    dtypes = {layer.compute_dtype for layer in model._flatten_layers()}
    accelerated = tf.config.list_physical_devices("GPU")
    if accelerated and tf.config.experimental.tensor_float_32_execution_enabled():
        dtypes.add("tensor_float_32")  # predict ran on the GPU, which shortens float32 factors
    return max(TOLERANCES.get(dtype, TOLERANCES["float32"]) for dtype in dtypes)


@dataclasses.dataclass(frozen=True)
class Check:
    """One call of a SavedModel's signature, and what it should answer.

    Attributes:
        key: The signature's key.
        inputs: Input name -> array.
        expected: Output name -> array.
        unordered: Undoes, in both answers, an order that rounding may change.
    """

    key: str
    inputs: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]
    unordered: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] = dict


def run_signatures(
    path: pathlib.Path, calls: Sequence[tuple[str, dict[str, np.ndarray]]]
) -> list[dict[str, np.ndarray] | str]:
    """Run signatures of a SavedModel in a fresh process.

    Args:
        path: The directory that holds `saved_model.pb`.
        calls: For each, the signature's key, and input name -> array.

    Returns:
        The outputs by name for each call, or the sentence that says why it was refused.

    Raises:
        ExportError: when the model cannot be loaded.
    """
    content = (path / "saved_model.pb").read_bytes()
    found = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].signature_def
    named = []
    for key, inputs in calls:
        feeds = {found[key].inputs[name].name: value for name, value in inputs.items()}
        named.append((feeds, [info.name for info in found[key].outputs.values()]))
    values = run_in_subprocess(path, named)
    return [
        answer if isinstance(answer, str) else dict(zip(found[key].outputs, answer, strict=True))
        for (key, _), answer in zip(calls, values, strict=True)
    ]


def compare_checks(
    answers: Sequence[dict[str, np.ndarray]], checks: Sequence[Check], limit: float
) -> float:
    """Compare the `answers` to `checks` with what they should be.

    Returns:
        The largest absolute difference.

    Raises:
        ExportError: naming the output, the batch size and the difference, when one is too large.
    """
    largest = 0.0
    for check, answer in zip(checks, answers, strict=True):
        alike = [check.unordered(answer)], [check.unordered(check.expected)]
        largest = max(largest, compare_answers(*alike, limit, check.key))
    return largest


def compare_answers(
    answers: Sequence[dict[str, np.ndarray]],
    expected: Sequence[dict[str, np.ndarray]],
    limit: float,
    key: str = DEFAULT_SIGNATURE,
) -> float:
    """Compare an export's `answers`, output name -> array for each batch, with `expected`.

    Returns:
        The largest absolute difference.

    Raises:
        ExportError: naming the output, the batch size and the difference, when one is too large.
    """
    largest = 0.0
    for wanted, answer in zip(expected, answers, strict=True):
        for name, value in answer.items():
            named = name
            if key != DEFAULT_SIGNATURE:  # which has been asked, and warned of, before the others
                named = f"{name}' of signature '{key}"
            elif wanted[name].dtype.kind == "f" and np.isnan(wanted[name]).any():
                warnings.warn(
                    f"Output '{name}' is NaN for some of the examples that the export was checked"
                    " with; the weights, or the input, are not finite.",
                    stacklevel=_level_of_caller(),
                )
            largest = max(largest, largest_difference(named, wanted[name], value, limit))
    return largest


def _level_of_caller() -> int:
    """Return how far up the stack the line is that called saved_model, onnx or litert."""
    room = os.path.dirname(os.path.dirname(__file__))
    level = 0
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(room + os.sep):
        level, frame = level + 1, frame.f_back
    return level + 1


def largest_difference(name: str, reference: np.ndarray, answer: np.ndarray, limit: float) -> float:
    """Return the largest absolute difference of an output, called `name`, from a `reference`.

    Raises:
        ExportError: naming the output, the batch size and the difference, when it is too large.
    """
    what = f"The exported model's output '{name}' differs from model.predict's at batch size"
    if reference.shape != answer.shape:
        raise ExportError(
            f"{what} {len(reference)}: shape {answer.shape} instead of {reference.shape}."
        )
    if reference.dtype.kind in "OSUb":
        if not np.array_equal(reference.astype(answer.dtype), answer):
            raise ExportError(f"{what} {len(reference)}.")
        return 0.0
    gap = _gap(reference, answer)
    scale = max(1.0, float(np.max(np.abs(reference[np.isfinite(reference)]), initial=0)))
    if not np.allclose(answer, reference, rtol=limit, atol=limit * scale, equal_nan=True):
        raise ExportError(
            f"{what} {len(reference)} by {gap:.3g}, which is more than {limit:g}; does a layer"
            " draw random numbers, or keep a state, at inference?"
        )
    return gap


def _gap(reference: np.ndarray, answer: np.ndarray) -> float:
    """Return the largest difference; equal infinities and NaN in both places count as none."""
    wide = np.result_type(reference.dtype, np.float64)  # unsigned integers would wrap around
    with np.errstate(invalid="ignore"):
        gap = np.abs(answer.astype(wide) - reference.astype(wide))
    gap[(answer == reference) | (np.isnan(answer) & np.isnan(reference))] = 0
    return float(np.max(np.nan_to_num(gap, nan=np.inf), initial=0))
