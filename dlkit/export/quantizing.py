"""A network with smaller weights, and how much worse it is.

Only the network is quantized: it is calibrated with what it was trained on, and scored on what it
is tested on, which both are network inputs. The preprocessing comes before it in floats.
"""

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import ExportError, InputError
from dlkit.export import checking, joining, litert_files, networks, scoring, signatures

# By how much the accuracy (R2 for a regression) may fall on the test rows, and how far an output
# may be off, in parts of the largest, where there are no test rows.
MAX_LOSS = {"float16": 0.005, "dynamic": 0.01, "int8": 0.02}
MAX_ERROR = {"float16": 0.005, "dynamic": 0.05, "int8": 0.1}
# The converter fuses and reorders more than others: a digit of float32 goes with that.
TOLERANCE = 1e-4
_CALIBRATION_ROWS = 256
_TEST_ROWS = 1024


def check_data(quantize: str, data: Any) -> None:
    """Refuse 8-bit integers without data to choose their scales by.

    Raises:
        InputError: when `data` has no `train`.
    """
    if quantize == "int8" and getattr(data, "train", None) is None:
        raise InputError(
            "quantize='int8' needs data with a train split, from which each layer's range is read."
            f" Received: data={data!r}."
        )


def quantized(
    model: keras.Model,
    served: signatures.Signature,
    data: Any,
    quantize: str,
    batches: list[dict[str, np.ndarray]],
    expected: list[dict[str, np.ndarray]],
) -> bytes:
    """Return a LiteRT file of `served` whose network is quantized, checked.

    Args:
        model: The network.
        served: The signature from raw input to predictions.
        data: What has `train`, `test`, `preprocessing` and `task`, as far as it has them.
        quantize: A key of `MAX_LOSS`.
        batches: Raw input to check with.
        expected: The model's answers to it.

    Raises:
        ExportError: when it cannot be converted, or is worse than allowed.
    """
    alone = types.SimpleNamespace(input_spec=getattr(data, "input_spec", None))
    network = signatures.serving_default(model, alone)

    def configure(converter: tf.lite.TFLiteConverter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantize == "int8":
            converter.representative_dataset = lambda: _calibration(network, data.train)

    content = litert_files.convert(model, network, configure=configure)
    if _has_test_rows(data):
        _check_score(content, network, data, quantize)
    if getattr(data, "preprocessing", None) is not None:
        content = _put_before(data.preprocessing, served, network, content, batches)
    if not _has_test_rows(data):
        answers = litert_files.answers(content, batches)
        checking.compare_answers(answers, expected, MAX_ERROR[quantize])
    return content


def _put_before(
    preprocessing: keras.Model,
    served: signatures.Signature,
    network: signatures.Signature,
    content: bytes,
    batches: list[dict[str, np.ndarray]],
) -> bytes:
    """Return the LiteRT file `content` of `network` with the preprocessing before it."""
    front = _front(preprocessing, served, network)
    first = litert_files.convert(preprocessing, front)
    prepared = litert_files.answers(first, batches)
    checking.compare_answers(prepared, [front.reference(batch) for batch in batches], TOLERANCE)
    joined = joining.join(first, content)
    checking.compare_answers(
        litert_files.answers(joined, batches), litert_files.answers(content, prepared), TOLERANCE
    )
    return joined


def _front(
    preprocessing: keras.Model, served: signatures.Signature, network: signatures.Signature
) -> signatures.Signature:
    """Return the signature from what is served to what the network takes, under those names."""
    own = signatures.serving_default(preprocessing)

    def renamed(function: Callable[[dict], dict]) -> Callable[[dict], dict]:
        def call(raw: dict[str, Any]) -> dict[str, Any]:
            given = {name: raw[told] for name, told in zip(own.inputs, served.inputs, strict=True)}
            outputs = function(given)
            if set(outputs) == set(network.inputs):
                return outputs
            return dict(zip(network.inputs, outputs.values(), strict=True))

        return call

    return signatures.Signature(served.inputs, renamed(own.compute), renamed(own.reference))


def _calibration(
    network: signatures.Signature, train: Iterable[Any]
) -> Iterator[dict[str, np.ndarray]]:
    for batch, _ in networks.rows(network, train, _CALIBRATION_ROWS, 32):
        yield batch


def _has_test_rows(data: Any) -> bool:
    return getattr(data, "test", None) is not None and getattr(data, "task", None) is not None


def _check_score(content: bytes, network: signatures.Signature, data: Any, quantize: str) -> None:
    rows = list(networks.rows(network, data.test, _TEST_ROWS, _TEST_ROWS))
    batch = {name: np.concatenate([batch[name] for batch, _ in rows]) for name in network.inputs}
    y = np.concatenate([y for _, y in rows])
    before, after = (
        scoring.score(data.task, y, next(iter(answer.values())))
        for answer in (network.reference(batch), *litert_files.answers(content, [batch]))
    )
    # A single row of a small split must not decide.
    limit = max(MAX_LOSS[quantize], 1 / len(y))
    if not after >= before - limit - 1e-9:
        measure = "R2" if data.task == "regression" else "accuracy"
        raise ExportError(
            f"quantize='{quantize}' lowers the {measure} on {len(y)} test rows from {before:.4f} to"
            f" {after:.4f}, by more than {limit:.3g}; use a gentler one, or none."
        )
