"""The way of every request: find the version, decode, run, encode.

    body --read--> request --+--decode--> Call --run--> outputs --encode--> answer
             models --find--> version

How something is written is the codec's (`dlkit.serving.wire.codec`); REST and gRPC, predict,
classify and regress all come here. Neither HTTP nor gRPC in here: everything in it takes the
processor, so that it is called from a thread. `adaptive_batching` goes the same way in two parts,
and runs what comes at the same time together.
"""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.serving.core import hints
from dlkit.serving.core.status import StatusError, not_available
from dlkit.serving.core.version import Version, Wanted
from dlkit.serving.observability.metrics import RUNTIME_LATENCY, count_examples
from dlkit.serving.versions.served_model import ServedModel, unknown_label
from dlkit.serving.wire.codec import Call, Codec

Models = Mapping[str, ServedModel]


def answer_request(models: Models, name: str, wanted: Wanted, codec: Codec, body: Any) -> Any:
    """Answer a request.

    Args:
        models: The served models by name.
        name: Which of them is asked.
        wanted: Which version, by number or label; None for the highest one available.
        codec: How the request is written.
        body: The request.

    Returns:
        The answer, as the codec writes it.

    Raises:
        StatusError: with TensorFlow Serving's message, and a hint where one is known.
    """
    request = codec.read(body)  # before the model is looked up, as TensorFlow Serving does it
    try:
        with use_version(models, name, wanted) as version:
            return run_and_encode(version, codec, codec.decode(request, version))
    except StatusError as error:
        codec.explain(request, error)
        raise


def use_version(
    models: Models, name: str, wanted: Wanted
) -> contextlib.AbstractContextManager[Version]:
    """Hold a version of the model called `name` for the length of a request.

    Raises:
        StatusError: as `find_model` and `ServedModel.use` do.
    """
    return find_model(models, name, wanted).use(wanted)


def run_and_encode(version: Version, codec: Codec, call: Call) -> Any:
    """Run a signature, and return the answer as the codec writes it.

    Args:
        version: The version, held for the request.
        codec: How the request is written.
        call: What it decoded.
    """
    return codec.encode(call, run_call(version, codec.method, call))


def run_call(version: Version, method: str, call: Call) -> Mapping[str, np.ndarray]:
    """Run a signature; a failure carries a hint where the arrays do not suit it.

    Args:
        version: The version, held for the request.
        method: Which method of TensorFlow Serving's asks, for the metrics.
        call: What to run.
    """
    if call.examples:
        count_examples(version.model, call.examples)
    start = time.perf_counter()
    try:
        found = version.runtime.run(call.key, call.inputs)
        seconds = time.perf_counter() - start
        RUNTIME_LATENCY.observe(seconds * 1e6, version.model, method, "TF1")
        return found
    except StatusError as error:
        signature = version.runtime.signatures[call.key]
        error.hint = error.hint or hints.for_run(error.code, call.inputs, signature)
        raise


def find_model(models: Models, name: str, wanted: Wanted = None) -> ServedModel:
    """Return the model called `name`, of which version `wanted` is asked for.

    Raises:
        StatusError: NOT_FOUND, or INVALID_ARGUMENT where a label is asked for, with the known names
            as the hint.
    """
    model = models.get(name)
    if model is None:
        error = unknown_label(wanted) if isinstance(wanted, str) else not_available(name, wanted)
        error.hint = hints.for_model(name, models)
        raise error
    return model


def find_status(models: Models, name: str, wanted: Wanted) -> list[dict[str, Any]]:
    """Return what the status API says of a model's versions, or of the one that is wanted.

    Raises:
        StatusError: NOT_FOUND for what is not there, INVALID_ARGUMENT for an unknown label.
    """
    model = models.get(name)
    if model is None:
        text = f"Could not find any versions of model {name}"
        raise StatusError("NOT_FOUND", text, hints.for_model(name, models))
    return model.status_json(wanted)["model_version_status"]
