"""The warm-up requests that an export carries, run before a version takes traffic.

The file is `assets.extra/tf_serving_warmup_requests` in the version directory: a TFRecord file of
`PredictionLog` messages, as TensorFlow Serving reads it.
"""

import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.observability.metrics import WARMUP_LATENCY, WARMUP_RECORDS
from dlkit.serving.wire.protobuf.predict import check_inputs, find_signature

WARMUP_FILE = pathlib.PurePath("assets.extra", "tf_serving_warmup_requests")
_MAX_RECORDS = 1000


def run_warmup(model: Runtime, path: pathlib.Path, iterations: int = 1) -> int:
    """Run each request of the version's warm-up file on `model`.

    Args:
        model: What `run`s a signature.
        path: The version directory.
        iterations: How often each request is run. Defaults to 1.

    Returns:
        How many requests the file holds; 0 when there is no file.

    Raises:
        StatusError: for the first request that fails, for a file that is no TFRecord, and for more
            than 1000 requests. The version must not be served then.
    """
    file = path / WARMUP_FILE
    if not file.is_file():
        return 0
    start, status = time.perf_counter(), "OK"
    try:
        return _run_file(model, path, iterations)
    except StatusError as error:
        status = error.code
        raise
    finally:
        WARMUP_LATENCY.observe((time.perf_counter() - start) * 1e6, str(path), status)


def _run_file(model: Runtime, path: pathlib.Path, iterations: int) -> int:
    file = path / WARMUP_FILE
    count = 0
    for count, record in enumerate(_records(file), 1):
        if count > _MAX_RECORDS:
            raise invalid(
                f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {file}"
            )
        WARMUP_RECORDS.add(str(path))
        for _ in range(iterations):
            _run_record(model, record)
    return count


def _records(file: pathlib.Path) -> Iterator[bytes]:
    try:
        yield from tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    except tf.errors.DataLossError as error:
        raise StatusError(
            "DATA_LOSS",
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from None


def _run_record(model: Runtime, record: bytes) -> None:
    try:
        log = PredictionLog.FromString(record)
    except DecodeError:
        raise invalid("Failed to parse warmup record as PredictionLog") from None
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        tensors = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        _run(model, request.model_spec, tensors)
    elif kind in ("classify_log", "regress_log"):
        request = getattr(log, kind).request
        _run_examples(model, request.model_spec, request.input)
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for task in request.tasks:
            _run_examples(model, task.model_spec, request.input)
    else:
        raise StatusError("UNIMPLEMENTED", f"Unsupported log_type for warmup: {kind}")


def _run_examples(model: Runtime, spec: ModelSpec, examples: Any) -> None:
    """Run a signature that takes serialized tf.Examples in its only input."""
    protos = list(examples.example_list.examples)
    if examples.WhichOneof("kind") == "example_list_with_context":
        for example in examples.example_list_with_context.examples:
            merged = tf.train.Example()
            merged.CopyFrom(examples.example_list_with_context.context)
            merged.MergeFrom(example)
            protos.append(merged)
    serialized = np.empty(len(protos), object)
    serialized[:] = [proto.SerializeToString() for proto in protos]
    key = spec.signature_name or DEFAULT_SIGNATURE
    names = list(model.signatures[key].inputs) if key in model.signatures else ["inputs"]
    _run(model, spec, {names[0]: serialized})


def _run(model: Runtime, spec: ModelSpec, tensors: Mapping[str, np.ndarray]) -> None:
    key, signature = find_signature(model.signatures, spec)
    check_inputs(tensors, signature)
    model.run(key, {**signature.defaults, **tensors})
