"""Export a Keras model as a SavedModel version for TensorFlow Serving."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from dlkit.errors import InputError
from dlkit.export.graph import check_model, prepare_export, reference_answers, write_graph
from dlkit.export.parity import comparison, row_trials, scoring
from dlkit.export.parity.parity_run import BATCH_SIZES, ParityRun
from dlkit.export.signatures.selection import offered_signatures
from dlkit.export.signatures.signature import (
    DEFAULT_SIGNATURE,
    Arrays,
    Signature,
    check_export_data,
)
from dlkit.export.to_saved_model import training_profile, twins, warmup
from dlkit.export.to_saved_model.model_card import check_notes, write_model_card
from dlkit.export.versioning.directories import check_export_base, publish_version


def saved_model(
    model: keras.Model,
    base: str | os.PathLike,
    data: Any = None,
    *,
    signatures: Sequence[str] | None = None,
    runtimes: Sequence[str] = (),
    join_requests: bool | None = None,
    notes: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Write the next version of a model for TensorFlow Serving, and prove that it answers alike.

    When to use: to serve a trained model, dlkit's or any other Keras model, with dlkit's server,
    with TensorFlow Serving, or with whatever reads a SavedModel.

    The signature `serving_default` takes the raw input that a client has (`data.preprocessing` goes
    inside) and gives outputs named after the model's output layers, at inference. Where `data` has
    what it takes, there are more, which a client asks for by `signature_name`:

    - `image_bytes` or `audio_bytes`: the same from the bytes of files (`data.decoding`).
    - `cells`: the same from texts by column, as they stand in a CSV file: for JSON without NaN.
    - `labels`: from raw input to `classes`, the class names of each row from the likeliest to the
      least likely, and their `scores` (`data.class_names`); `image_bytes_labels` and so on.
    - `generate`: from texts, with `length`, `temperature` (0: the likeliest token always), `top_k`
      (0: all), `top_p` and `seed` a row, to the texts and what the model writes behind them
      (`data.postprocessing`, and a model with a `writer`).
    - `classify` (`classes` and `scores`, in the order of the classes) or `regress` (`outputs`):
      from serialized tf.Examples, whose features have the names of the raw input, for TensorFlow
      Serving's Classify and Regress (`data.task`). Raw input of open size has none; there, the
      examples hold files.

    Inputs keep their names, a table's columns above all, with _ for what is not in A-Z, a-z, 0-9;
    the model card tells each, and so does the signature, as the name of the input's first axis.
    Half-precision inputs and outputs are float32 to the client; the names of outputs of bytes that
    are no text end in `_bytes`. Beside the graph, `assets.extra` holds warm-up requests, the class
    names and a model card.

    The version is loaded by TensorFlow's C++ loader in a fresh process and each signature compared
    with `model.predict` on batches of 1 and 3 before it appears under its name: within 1e-5 of the
    value and of the output's largest value, 5e-3 for float16 and 4e-2 for bfloat16. On up to 1,024
    rows of the test split (`data.origin`; else `data.examples`) its accuracy (within 0.001, or one
    row) or R2 (within 0.001) must be that of `model.predict`; the model card tells both.

    `runtimes` puts twins of it beside: `dlkit serve` runs those on a CPU, several times faster and
    without TensorFlow. Each is compared with the SavedModel on all these rows, within 1e-4.
    TensorFlow Serving does not look at them.

    `dlkit serve` may run REST requests that come together as one, where each row has its own answer
    whatever rows stand beside it. Each signature, and each twin, is tried for that: rows of
    `data.examples` alone, and beside the other examples and much longer, larger, smaller and
    extreme ones.

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
        runtimes: What else the version is to run on: `"onnx"` (ONNX Runtime), `"litert"`, and
            `"onnx_dynamic"`, with weights of 8 bits and the check of `onnx(quantize="dynamic")`.
            Defaults to (), TensorFlow alone.
        join_requests: Whether requests may run together. Defaults to None: where the trial has
            found no row that depends on others, and nothing without `data.examples`. False: never.
            True: without examples too, after a trial with made-up rows.
        notes: What else the model card is to say: the seed, the metrics of an evaluation, what the
            model must not be used for. Defaults to None.

    Returns:
        The version directory, `<base>/<n>`.

    Raises:
        InputError: when `model`, `base`, `data`, `signatures`, `runtimes`, `join_requests` or
            `notes` cannot be used.
        MissingExtraError: when what makes a twin is not installed.
        ExportError: when the export, or a twin, does not load, answers differently or has another
            accuracy, or when rows depend on each other in spite of `join_requests=True`; nothing is
            left behind.

    Example:
        >>> import tempfile, keras
        >>> model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     saved_model(model, f"{folder}/tiny").name
        '1'
    """
    check_model(model)
    check_export_data(data)
    base = check_export_base(base)
    name = base.absolute().name
    notes = check_notes(notes)
    runtimes = twins.check_runtimes(runtimes)
    if not isinstance(join_requests, bool | None):
        raise InputError(
            f"join_requests must be True, False or None. Received: join_requests={join_requests!r}."
        )

    def write(directory: pathlib.Path) -> None:
        served, batches, expected = prepare_export(model, data)
        offered = offered_signatures(served, data, expected[0], signatures, model)
        checks = _checks(model, data, offered, batches)
        write_graph(model, data, offered, directory)
        extra = directory / "assets.extra"
        extra.mkdir()
        warmup.write_warmup_requests(extra / warmup.FILE, name, _requests(offered, checks))
        training_profile.write_training_profile(extra, served, data)
        trials = row_trials.plan_trials(offered, data, join_requests)
        parity = ParityRun(directory, checks, scoring.held_out_rows(served, data), trials)
        facts = parity.facts(comparison.model_tolerance(model))
        twins.Twins(model, data, offered, parity).write(directory, runtimes)
        facts = {"inputs": served.columns, "signatures": list(offered), **facts, "notes": notes}
        write_model_card(extra, name, model, data, facts)

    return publish_version(base, write)


def _checks(
    model: keras.Model,
    data: Any,
    offered: Mapping[str, Signature],
    batches: list[Arrays],
) -> list[comparison.Check]:
    """Return what each signature is asked, and what the model answers."""
    checks = []
    for key, signature in offered.items():
        for batch in batches:
            inputs = signature.from_raw(batch)
            expected = reference_answers(model, signature, inputs, data)
            checks.append(comparison.Check(key, inputs, expected, signature.unordered))
    return checks


def _requests(
    offered: Mapping[str, Signature], checks: list[comparison.Check]
) -> list[warmup.Request]:
    """Return a warm-up request for each signature, and one of more rows for the default one."""
    return [
        (check.key, offered[check.key].method, check.inputs)
        for place, check in enumerate(checks)
        if place % len(BATCH_SIZES) == 0 or check.key == DEFAULT_SIGNATURE
    ]
