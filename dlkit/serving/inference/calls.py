"""One predict request from bytes to bytes: parse, find the model, run it, write the answer.

No HTTP in here: `rest_api` calls it from a thread, since everything in it takes the processor.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature
from dlkit.serving.core.status import StatusError, invalid, not_available
from dlkit.serving.core.version import Version, Wanted
from dlkit.serving.observability.metrics import RUNTIME_LATENCY
from dlkit.serving.versions.served_model import ServedModel, unknown_label
from dlkit.serving.wire.rest_json.answers import encode
from dlkit.serving.wire.rest_json.requests import Request, decode, read_request


def predict(models: Mapping[str, ServedModel], name: str, wanted: Wanted, body: bytes) -> bytes:
    """Answer a predict request.

    Args:
        models: The served models by name.
        name: Which of them is asked.
        wanted: Which version, by number or label; None for the highest one available.
        body: The request's JSON text.

    Returns:
        The answer's JSON text.

    Raises:
        StatusError: with TensorFlow Serving's message, and a hint where one is known.
    """
    request = read_request(body)  # before the model is looked up, as TensorFlow Serving does it
    try:
        return _answer(models, name, wanted, request)
    except StatusError:
        request.check()
        raise


def _answer(
    models: Mapping[str, ServedModel], name: str, wanted: Wanted, request: Request
) -> bytes:
    with find_model(models, name, wanted).use(wanted) as version:
        key, signature = find_signature(version, request.signature_name)
        inputs, rows = read_inputs(request, signature, version.runtime.signatures)
        return respond(version, key, inputs, rows)


def read_inputs(
    request: Request, signature: Signature, signatures: Mapping[str, Signature]
) -> tuple[dict[str, np.ndarray], bool]:
    """Return a request's arrays by input name, and whether the answer is wanted in rows.

    Args:
        request: What `read_request` returned.
        signature: The one that is asked.
        signatures: All of the model's, of which a hint may name another.

    Raises:
        StatusError: for what does not suit the signature, with a hint.
    """
    try:
        return decode(request, signature.inputs)
    except StatusError as error:
        error.hint = hints.for_request(error.message, signature, signatures)
        raise


def respond(version: Version, key: str, inputs: Mapping[str, np.ndarray], rows: bool) -> bytes:
    """Run a signature, and return the answer's JSON text.

    Args:
        version: The version, held for the request.
        key: The signature's key.
        inputs: An array for each input.
        rows: Whether the answer is wanted in rows.
    """
    return encode(run(version, key, inputs), rows=rows)


def find_model(models: Mapping[str, ServedModel], name: str, wanted: Wanted = None) -> ServedModel:
    """Return the model called `name`, of which version `wanted` is asked for.

    Raises:
        StatusError: NOT_FOUND, or INVALID_ARGUMENT where a label is asked for, with the known names
            as the hint.
    """
    model = models.get(name)
    if model is None:
        labelled = isinstance(wanted, str)
        error = unknown_label(wanted) if labelled else not_available(name, wanted)
        error.hint = hints.for_model(name, models)
        raise error
    return model


def find_status(
    models: Mapping[str, ServedModel], name: str, wanted: Wanted
) -> list[dict[str, Any]]:
    """Return what the status API says of a model's versions, or of the one that is wanted.

    Raises:
        StatusError: NOT_FOUND for what is not there, INVALID_ARGUMENT for an unknown label.
    """
    model = models.get(name)
    if model is None:
        text = f"Could not find any versions of model {name}"
        raise StatusError("NOT_FOUND", text, hints.for_model(name, models))
    return model.status_json(wanted)["model_version_status"]


def find_signature(version: Version, name: str) -> tuple[str, Signature]:
    """Return the signature `name` of a loaded version and its key; the default one for no name.

    Raises:
        StatusError: INVALID_ARGUMENT, with the known signatures as the hint.
    """
    key = name or DEFAULT_SIGNATURE
    signatures = version.runtime.signatures
    if key not in signatures:
        error = invalid(f'Serving signature name: "{key}" not found in signature def')
        error.hint = hints.for_signature(key, signatures)
        raise error
    if not signatures[key].inputs:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    return key, signatures[key]


def run(
    version: Version, key: str, inputs: Mapping[str, np.ndarray], api: str = "Predict"
) -> dict[str, np.ndarray]:
    """Run a signature; a failure carries a hint where the arrays do not suit it.

    Args:
        version: The version, held for the request.
        key: The signature's key.
        inputs: An array for each input.
        api: Which method of TensorFlow Serving's asks, for the metrics. Defaults to "Predict".
    """
    start = time.perf_counter()
    try:
        found = version.runtime.run(key, inputs)
        seconds = time.perf_counter() - start
        RUNTIME_LATENCY.observe(seconds * 1e6, version.model, api, "TF1")
        return found
    except StatusError as error:
        signature = version.runtime.signatures[key]
        error.hint = error.hint or hints.for_run(error.code, inputs, signature)
        raise
