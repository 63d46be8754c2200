"""Predict in TensorFlow Serving's JSON, with its checks and messages, and with our hints."""

from collections.abc import Mapping

import numpy as np

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version
from dlkit.serving.wire.codec import Call, Codec
from dlkit.serving.wire.rest_json.answers import encode_answer
from dlkit.serving.wire.rest_json.requests import (
    Request,
    decode_numbers,
    decode_request,
    read_at_once,
    read_request,
)


class JsonPredict(Codec):
    """JSON text -> named arrays -> JSON text, in rows or in columns as the request has them."""

    method = "Predict"

    def read(self, body: bytes) -> Request:
        """Return a request whose JSON may not have been read to its end."""
        return read_request(body)

    def decode(self, request: Request, version: Version) -> Call:
        """Return the request's arrays."""
        signatures = version.runtime.signatures
        key, signature = find_signature(signatures, request.signature_name)
        try:
            return Call(key, *decode_request(request, signature.inputs))
        except StatusError as error:
            error.hint = hints.for_request(error.message, signature, signatures)
            raise

    def decode_at_once(self, body: bytes, version: Version) -> Call | None:
        """Return the arrays of a request of numbers, or of a short one."""
        request = read_at_once(body)
        if request is None:
            return None
        key, signature = find_signature(version.runtime.signatures, request.signature_name)
        found = decode_numbers(request, signature.inputs)
        if found is not None:
            return Call(key, *found)
        return self.decode(request, version) if request.is_short else None

    def encode(self, call: Call, outputs: Mapping[str, np.ndarray]) -> bytes:
        """Return the answer's JSON text."""
        return encode_answer(outputs, rows=call.form)

    def explain(self, request: Request, error: StatusError) -> None:
        """Raise what is malformed in the text: a request that fails is told this first."""
        request.check()


PREDICT = JsonPredict()


def find_signature(signatures: Mapping[str, Signature], name: str) -> tuple[str, Signature]:
    """Return the signature `name` and its key; the default one for no name.

    Raises:
        StatusError: INVALID_ARGUMENT, with the known signatures as the hint.
    """
    key = name or DEFAULT_SIGNATURE
    if key not in signatures:
        error = invalid(f'Serving signature name: "{key}" not found in signature def')
        error.hint = hints.for_signature(key, signatures)
        raise error
    if not signatures[key].inputs:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    return key, signatures[key]
