"""A network with smaller weights, and how much worse it is.

Only the network is quantized: it is calibrated with what it was trained on, and scored on what it
is tested on, which both are network inputs. The preprocessing comes before it in floats.
"""

import dataclasses
import types
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from dlkit.errors import ExportError, InputError
from dlkit.export.graph import Prepared
from dlkit.export.networks import split_rows
from dlkit.export.parity import comparison, scoring
from dlkit.export.signatures.signature import Arrays, Signature, serving_default

# By how much the accuracy (R2 for a regression) may fall on the test rows, and how far an output
# may be off, in parts of the largest, where there are no test rows.
MAX_LOSS = {"float16": 0.005, "dynamic": 0.01, "int8": 0.02}
MAX_ERROR = {"float16": 0.005, "dynamic": 0.05, "int8": 0.1}
# The converter fuses and reorders more than others: a digit of float32 goes with that.
TOLERANCE = 1e-4
_TEST_ROWS = 1024


@dataclasses.dataclass(frozen=True)
class Format:
    """How files of a format are made and run.

    Attributes:
        convert: From a model and a signature of it to a file in floats.
        quantize: From a model, the signature of the network alone, the data and a key of `MAX_LOSS`
            to a quantized file.
        answers: From a file and batches of inputs to its outputs by name.
        join: From two files to one that feeds the outputs of the first to the second.
    """

    convert: Callable[[keras.Model, Signature], bytes]
    quantize: Callable[[keras.Model, Signature, Any, str], bytes]
    answers: Callable[[bytes, Sequence[Arrays]], list[Arrays]]
    join: Callable[[bytes, bytes], bytes]


def check_calibration_data(quantize: str, data: Any) -> None:
    """Refuse 8-bit integers without data to choose their scales by.

    Raises:
        InputError: when `data` has no `train`.
    """
    if quantize == "int8" and getattr(data, "train", None) is None:
        raise InputError(
            "quantize='int8' needs data with a train split, from which each layer's range is read."
            f" Received: data={data!r}."
        )


def quantized_file(
    model: keras.Model, prepared: Prepared, data: Any, quantize: str, form: Format
) -> bytes:
    """Return a file of what is served whose network is quantized, checked.

    Args:
        model: The network.
        prepared: What is served, and what to check it with.
        data: What has `train`, `test`, `preprocessing` and `task`, as far as it has them.
        quantize: A key of `MAX_LOSS`.
        form: The format of the file.

    Raises:
        ExportError: when it cannot be converted, or is worse than allowed.
    """
    alone = types.SimpleNamespace(input_spec=getattr(data, "input_spec", None))
    network = serving_default(model, alone)
    content = form.quantize(model, network, data, quantize)
    if _has_test_rows(data):
        _check_score(content, network, data, quantize, form)
    if getattr(data, "preprocessing", None) is not None:
        content = _put_before(data.preprocessing, prepared, network, content, form)
    if not _has_test_rows(data):
        answers = form.answers(content, prepared.batches)
        comparison.compare_answers(answers, prepared.expected, MAX_ERROR[quantize])
    return content


def _put_before(
    preprocessing: keras.Model,
    prepared: Prepared,
    network: Signature,
    content: bytes,
    form: Format,
) -> bytes:
    """Return the file `content` of `network` with the preprocessing before it."""
    front = _front(preprocessing, prepared.signature, network)
    first = form.convert(preprocessing, front)
    batches = prepared.batches
    given = form.answers(first, batches)
    comparison.compare_answers(given, [front.reference(batch) for batch in batches], TOLERANCE)
    joined = form.join(first, content)
    comparison.compare_answers(
        form.answers(joined, batches), form.answers(content, given), TOLERANCE
    )
    return joined


def _front(preprocessing: keras.Model, served: Signature, network: Signature) -> Signature:
    """Return the signature from what is served to what the network takes, under those names."""
    own = serving_default(preprocessing)

    def renamed(function: Callable[[dict], dict]) -> Callable[[dict], dict]:
        def call(raw: dict[str, Any]) -> dict[str, Any]:
            given = {name: raw[told] for name, told in zip(own.inputs, served.inputs, strict=True)}
            outputs = function(given)
            if set(outputs) == set(network.inputs):
                return outputs
            return dict(zip(network.inputs, outputs.values(), strict=True))

        return call

    return Signature(served.inputs, renamed(own.compute), renamed(own.reference))


def _has_test_rows(data: Any) -> bool:
    return getattr(data, "test", None) is not None and getattr(data, "task", None) is not None


def _check_score(
    content: bytes, network: Signature, data: Any, quantize: str, form: Format
) -> None:
    rows = list(split_rows(network, data.test, _TEST_ROWS, _TEST_ROWS))
    batch = {name: np.concatenate([batch[name] for batch, _ in rows]) for name in network.inputs}
    y = np.concatenate([y for _, y in rows])
    before, after = (
        scoring.score_predictions(data.task, y, next(iter(answer.values())))
        for answer in (network.reference(batch), *form.answers(content, [batch]))
    )
    # A single row of a small split must not decide.
    limit = max(MAX_LOSS[quantize], 1 / len(y))
    if not after >= before - limit - 1e-9:
        measure = "R2" if data.task == "regression" else "accuracy"
        raise ExportError(
            f"quantize='{quantize}' lowers the {measure} on {len(y)} test rows from {before:.4f} to"
            f" {after:.4f}, by more than {limit:.3g}; use a gentler one, or none."
        )
