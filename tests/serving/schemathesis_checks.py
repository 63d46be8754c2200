"""A check of Schemathesis's made fit for TensorFlow Serving's JSON; fuzzing.py names this file."""

import schemathesis
from schemathesis.specs.openapi.checks import response_schema_conformance


@schemathesis.check
def finite_response_schema_conformance(ctx, response, case):
    """Hold an answer against the document, unless JSON Schema has no word for a number in it."""
    if b"Infinity" in response.content or b"NaN" in response.content:
        return None
    return response_schema_conformance(ctx, response, case)
