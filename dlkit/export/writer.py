"""Export a Keras model as a SavedModel version for TensorFlow Serving."""

import datetime
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import dlkit
from dlkit.errors import InputError
from dlkit.export import checking, directories, offering, warmup
from dlkit.export import signatures as naming

_BATCH_SIZES = (1, 3)


def saved_model(
    model: keras.Model,
    base: str | os.PathLike,
    data: Any = None,
    *,
    signatures: Sequence[str] | None = None,
) -> pathlib.Path:
    """Write the next version of a model for TensorFlow Serving, and prove that it answers alike.

    When to use: to serve a trained model, dlkit's or any other Keras model, with dlkit's server,
    with TensorFlow Serving, or with whatever reads a SavedModel.

    The signature `serving_default` takes the raw input that a client has (`data.preprocessing` goes
    inside) and gives outputs named after the model's output layers, at inference. Where `data` has
    what it takes, there are more, which a client asks for by `signature_name`:

    - `image_bytes` or `audio_bytes`: the same from the bytes of files (`data.decoding`).
    - `labels`: from raw input to `classes`, the class names of each row from the likeliest to the
      least likely, and their `scores` (`data.class_names`). `image_bytes_labels` and
      `audio_bytes_labels` do so from the bytes of files.
    - `classify` (`classes` and `scores`, in the order of the classes) or `regress` (`outputs`):
      from serialized tf.Examples, whose features have the names of the raw input, for TensorFlow
      Serving's Classify and Regress (`data.task`). Raw input of open size has none; there, the
      examples hold files.

    Input names are written with a-z, 0-9 and _. Half-precision inputs and outputs are float32 to
    the client; the names of outputs of bytes that are no text end in `_bytes`. Beside the graph,
    `assets.extra` holds warm-up requests, the class names and a model card.

    The version is loaded by TensorFlow's C++ loader in a fresh process and each signature compared
    with `model.predict` on batches of 1 and 3 before it appears under its name: within 1e-5 of the
    value and of the output's largest value, 5e-3 for float16 and 4e-2 for bfloat16.

    Reference: https://www.tensorflow.org/tfx/serving/serving_basic

    Args:
        model: A built `keras.Model`: functional, sequential or subclassed.
        base: The model's directory; its name is the name that a server gives the model. It is made
            if it is missing.
        data: What the model was trained on: a `dlkit.data.Data`, or any object with
            `preprocessing`, `decoding`, `examples`, `class_names`, `input_spec`, `task` and `name`,
            as far as it has them. Defaults to `None`: the signature takes what the model takes.
        signatures: Which signatures to write beside `serving_default`, by name. Defaults to None:
            all that the model and `data` can have.

    Returns:
        The version directory, `<base>/<n>`.

    Raises:
        InputError: when `model`, `base`, `data` or `signatures` cannot be used.
        ExportError: when the export does not load or answers differently; nothing is left behind.

    Example:
        >>> import tempfile, keras
        >>> model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     saved_model(model, f"{folder}/tiny").name
        '1'
    """
    check_model(model)
    base = directories.check_base(base)
    name = base.absolute().name

    def write(directory: pathlib.Path) -> None:
        served, batches, expected = prepare(model, data)
        offered = offering.offered(served, data, expected[0], signatures)
        checks = _checks(model, data, offered, batches)
        write_graph(model, data, offered, directory)
        extra = directory / "assets.extra"
        extra.mkdir()
        warmup.write(extra / warmup.FILE, name, _requests(offered, checks))
        limit = checking.tolerance(model)
        difference = checking.compare(directory, checks, limit)
        found = {
            "batch_sizes": list(_BATCH_SIZES),
            "max_difference": difference,
            "tolerance": limit,
        }
        _write_card(extra, name, model, data, {"signatures": list(offered), "check": found})

    return directories.publish(base, write)


def _checks(
    model: keras.Model,
    data: Any,
    offered: Mapping[str, naming.Signature],
    batches: list[dict[str, np.ndarray]],
) -> list[checking.Check]:
    """Return what each signature is asked, and what the model answers."""
    checks = []
    for key, signature in offered.items():
        for batch in batches:
            inputs = signature.from_raw(batch)
            expected = reference(model, signature, inputs, data)
            checks.append(checking.Check(key, inputs, expected, signature.unordered))
    return checks


def _requests(
    offered: Mapping[str, naming.Signature], checks: list[checking.Check]
) -> list[warmup.Request]:
    """Return a warm-up request for each signature, and one of more rows for the default one."""
    return [
        (check.key, offered[check.key].method, check.inputs)
        for place, check in enumerate(checks)
        if place % len(_BATCH_SIZES) == 0 or check.key == offering.DEFAULT
    ]


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


def _batches(signature: naming.Signature, data: Any) -> list[dict[str, np.ndarray]]:
    """Return the raw input that the export is checked and warmed up with, for each batch size."""
    raw = getattr(data, "examples", None)
    raw = None if raw is None else raw[0]
    if isinstance(raw, Mapping):
        # In the order of the signature's own inputs, since alike names are numbered by it.
        paths, columns = zip(*keras.tree.flatten_with_path(dict(raw)), strict=True)
        raw = dict(zip(naming.plain_names(path[-1] for path in paths), columns, strict=True))
    return [warmup.samples(signature.inputs, raw, rows) for rows in _BATCH_SIZES]


def prepare(
    model: keras.Model, data: Any
) -> tuple[naming.Signature, list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]]:
    """Return what a file format needs: the signature, raw batches, and the model's answers.

    Raises:
        InputError: when `model` or `data` cannot be used, or an output is no dense tensor.
    """
    check_model(model)
    signature = naming.serving_default(model, data)
    batches = _batches(signature, data)
    expected = [reference(model, signature, batch, data) for batch in batches]
    _check_dense(model, expected[0])
    binary = naming.binary_outputs(expected)
    if binary:
        signature = naming.rename_outputs(signature, binary)
        expected = [reference(model, signature, batch, data) for batch in batches]
    return signature, batches, expected


def _check_dense(model: keras.Model, outputs: Mapping[str, Any]) -> None:
    for name, output in outputs.items():
        if not isinstance(output, np.ndarray):
            raise InputError(
                f"Output '{name}' of model '{model.name}' is a {type(output).__name__}, which a"
                " server cannot answer with; let the model give a dense tensor."
            )


def reference(
    model: keras.Model,
    signature: naming.Signature,
    batch: dict[str, np.ndarray],
    data: Any,
) -> dict[str, np.ndarray]:
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
            f"Model '{model.name}' cannot predict from {source} ({given}): {cause(error)}; give"
            " data with examples, and an input_spec, of what the model takes."
        ) from error


def cause(error: Exception) -> str:
    """Return the line of a long TensorFlow message that says what went wrong."""
    text, _, _ = str(error).partition("Arguments received by")
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("[[", "File "))]
    return said[-1].rstrip(".") if said else type(error).__name__


def write_graph(
    model: keras.Model,
    data: Any,
    offered: Mapping[str, naming.Signature],
    directory: pathlib.Path,
) -> None:
    """Write a SavedModel with the signatures `offered`, by key, unchecked."""
    archive = keras.export.ExportArchive()
    for part in (model, getattr(data, "preprocessing", None), getattr(data, "decoding", None)):
        if part is not None:
            archive.track(part)
    for key, signature in offered.items():
        function = tf.function(signature.compute, autograph=False)
        function.get_concrete_function(dict(signature.inputs))
        archive.add_endpoint(key, function)
    archive.write_out(directory, verbose=False)
    _name_methods(directory, offered)


def _name_methods(directory: pathlib.Path, offered: Mapping[str, naming.Signature]) -> None:
    """Say in the file what each signature is for: TensorFlow writes predict for all of them."""
    path = directory / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for key, signature in offered.items():
        content.meta_graphs[0].signature_def[key].method_name = signature.method
    path.write_bytes(content.SerializeToString(deterministic=True))


def _write_card(
    extra: pathlib.Path, name: str, model: keras.Model, data: Any, facts: Mapping[str, Any]
) -> None:
    class_names = getattr(data, "class_names", None)
    if class_names:
        names = json.dumps(list(class_names), ensure_ascii=False, indent=2)
        (extra / "class_names.json").write_text(names, encoding="utf-8")
    card = {
        "name": name,
        "keras_name": model.name,
        "task": getattr(data, "task", None),
        "data": getattr(data, "name", None),
        "class_names": list(class_names) if class_names else None,
        "parameters": model.count_params(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "dlkit": dlkit.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        **facts,
    }
    text = json.dumps(card, ensure_ascii=False, indent=2)
    (extra / "model_card.json").write_text(text, encoding="utf-8")
