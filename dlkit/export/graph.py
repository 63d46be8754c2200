"""A model's signature with what it answers, and the graph that holds its signatures."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.saved_model import save_context
from tensorflow.saved_model.experimental import TrackableResource

from dlkit.errors import InputError
from dlkit.export.parity import comparison, scoring
from dlkit.export.parity.parity_run import BATCH_SIZES
from dlkit.export.sample_inputs import raw_columns, sample_inputs
from dlkit.export.signatures.signature import (
    Arrays,
    Signature,
    binary_outputs,
    rename_outputs,
    serving_default,
)


def check_model(model: Any) -> None:
    """Refuse what no export can hold.

    Raises:
        InputError: for what is no Keras model, has no weights yet, or keeps a state.
    """
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            "A SavedModel is written by Keras's TensorFlow backend: set KERAS_BACKEND=tensorflow."
            f" Received: KERAS_BACKEND={keras.backend.backend()}."
        )
    if not isinstance(model, keras.Model):
        raise InputError(f"model must be a keras.Model. Received: {type(model).__name__}.")
    if not model.built:
        raise InputError(
            f"Model '{model.name}' has no weights yet: call it on a batch, or model.build(shape),"
            " before the export."
        )
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False):
            raise InputError(
                f"Layer '{layer.name}' keeps a state from one batch to the next, which a server"
                " cannot do; build the model with stateful=False and load the weights into it."
            )


def _batches(signature: Signature, data: Any) -> list[Arrays]:
    """Return the raw input that the export is checked and warmed up with, for each batch size."""
    raw = getattr(data, "examples", None)
    if raw is not None:
        raw = raw_columns(raw[0])
    return [sample_inputs(signature.inputs, raw, rows) for rows in BATCH_SIZES]


class Prepared(NamedTuple):
    """What a file format needs of a model.

    Attributes:
        signature: From raw input to predictions.
        batches: Raw input to check with, one of each of `BATCH_SIZES`.
        expected: The model's answers to them.
    """

    signature: Signature
    batches: list[Arrays]
    expected: list[Arrays]


def prepare_export(model: keras.Model, data: Any) -> Prepared:
    """Return the signature that a model is served by, and what it is checked with.

    Raises:
        InputError: when `model` or `data` cannot be used, or an output is no dense tensor.
    """
    check_model(model)
    signature = serving_default(model, data)
    batches = _batches(signature, data)
    expected = [reference_answers(model, signature, batch, data) for batch in batches]
    _check_dense(model, expected[0])
    recalled = _recalled(signature.reference, batches, expected)
    signature = dataclasses.replace(signature, reference=recalled)
    if binary := binary_outputs(expected):
        signature = rename_outputs(signature, binary)
        expected = [signature.reference(batch) for batch in batches]
    return Prepared(signature, batches, expected)


def _recalled(
    ask: Callable[[Arrays], Arrays], batches: Sequence[Arrays], answers: Sequence[Arrays]
) -> Callable[[Arrays], Arrays]:
    """Return `ask` with a memory of some batches: what each signature is checked with is one."""

    def reference(batch: Arrays) -> Arrays:
        for known, answer in zip(batches, answers, strict=True):
            if batch.keys() == known.keys() and all(_alike(batch[n], known[n]) for n in known):
                return answer
        return ask(batch)

    return reference


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and _content(one) == _content(other)


def _content(array: np.ndarray) -> tuple:
    """Return what is equal for arrays of one shape that are equal to the bit, NaN included."""
    if array.dtype.kind not in "OSU":
        return array.dtype, array.tobytes()
    return tuple(text.encode() if isinstance(text, str) else text for text in array.flat)


def _check_dense(model: keras.Model, outputs: Mapping[str, Any]) -> None:
    for name, output in outputs.items():
        if not isinstance(output, np.ndarray):
            raise InputError(
                f"Output '{name}' of model '{model.name}' is a {type(output).__name__}, which a"
                " server cannot answer with; let the model give a dense tensor."
            )


def reference_answers(
    model: keras.Model,
    signature: Signature,
    batch: Arrays,
    data: Any,
) -> Arrays:
    """Return what `model` predicts from a raw batch, by output name.

    Raises:
        InputError: when it cannot, naming where the batch came from.
    """
    try:
        return signature.reference(batch)
    except (TypeError, ValueError, tf.errors.OpError) as error:
        given = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in batch.items())
        source = "made-up input" if getattr(data, "examples", None) is None else "data.examples"
        raise InputError(
            f"Model '{model.name}' cannot predict from {source} ({given}): {error_cause(error)};"
            " give data with examples, and an input_spec, of what the model takes."
        ) from error


def check_answers(
    prepared: Prepared, data: Any, answer: Callable[[list[Arrays]], list[Arrays]], limit: float
) -> None:
    """Hold a file that is not quantized against the model, and its score on the test rows too.

    Args:
        prepared: What the file was made of.
        data: What the model was trained on, or `None`.
        answer: From batches of inputs to what the file gives for them.
        limit: How far an output may be off.

    Raises:
        ExportError: when it answers differently.
    """
    signature, batches, expected = prepared
    rows = scoring.held_out_rows(signature, data)
    answers = answer(batches + (rows.batches if rows else []))
    comparison.compare_answers(answers[: len(batches)], expected, limit)
    if rows:
        scoring.compare_scores(rows, answers[len(batches) :])


def error_cause(error: Exception) -> str:
    """Return the line of a long TensorFlow message that says what went wrong."""
    text, _, _ = str(error).partition("Arguments received by")
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("[[", "File "))]
    return said[-1].rstrip(".") if said else type(error).__name__


def write_graph(
    model: keras.Model,
    data: Any,
    offered: Mapping[str, Signature],
    directory: pathlib.Path,
) -> None:
    """Write a SavedModel with the signatures `offered`, by key, unchecked."""
    parts = [model, getattr(data, "preprocessing", None), getattr(data, "decoding", None)]
    parts = [part for part in parts if part is not None]
    # What Keras's ExportArchive writes, which traces each function twice, the second time in this
    # context, and each model once more to find its tables.
    root = tf.__internal__.tracking.AutoTrackable()
    traced = {}
    with save_context.save_context(tf.saved_model.SaveOptions()):
        for key, signature in offered.items():
            function = tf.function(signature.compute, autograph=False)
            traced[key] = function.get_concrete_function(dict(signature.inputs))
            setattr(root, key, function)
    for kind in ("variables", "trainable_variables", "non_trainable_variables"):
        setattr(root, kind, [variable for part in parts for variable in getattr(part, kind)])
    captured = {id(v): v for function in traced.values() for v in function.variables}
    root._all_variables = list(captured.values())
    root._misc_assets = _tables(parts)
    tf.saved_model.save(root, str(directory), signatures=traced)
    _complete(directory, offered)


def _tables(parts: Sequence[keras.Model]) -> list[TrackableResource]:
    """Return the lookup tables in attributes of layers, which a graph does not bring by itself."""
    held = tf.__internal__.tracking.AutoTrackable()
    layers = [layer for part in parts for layer in part._flatten_layers()]
    held.values = [found for layer in layers for found in _trackables(list(vars(layer).values()))]
    reached = tf.train.TrackableView(held).descendants()
    return [node for node in reached if isinstance(node, TrackableResource)]


def _trackables(value: Any) -> Iterator[Any]:
    """Yield what TensorFlow can keep track of, out of nested lists and dicts.

    An optimizer is left out: it has no tables, and lists that TensorFlow refuses to save once its
    rate was replaced by a schedule.
    """
    if isinstance(value, list | tuple | set | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _trackables(part)
    elif isinstance(value, keras.optimizers.Optimizer):
        return
    elif isinstance(value, tf.__internal__.tracking.Trackable):
        yield value


def _complete(directory: pathlib.Path, offered: Mapping[str, Signature]) -> None:
    """Say what each signature is for, and by an input's first axis which column goes there."""
    path = directory / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for key, signature in offered.items():
        definition = content.meta_graphs[0].signature_def[key]
        definition.method_name = signature.method
        for column, name in signature.columns.items():
            info = definition.inputs[name]
            if len(info.tensor_shape.dim) == 1 or info.dtype == types_pb2.DT_STRING:
                info.tensor_shape.dim[0].name = column
    path.write_bytes(content.SerializeToString(deterministic=True))
