"""A classify or regress request in TensorFlow Serving's JSON.

    {"signature_name": "classify", "context": {...}, "examples": [{"age": 3.5}, ...]}

A number with a decimal point is a float feature, one without an int64 feature, text or base64 a
bytes feature; a list holds several of a kind.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlkit.serving.core import classify_regress, hints
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version
from dlkit.serving.wire.codec import Call, Codec
from dlkit.serving.wire.protobuf.examples import Example, Feature
from dlkit.serving.wire.rest_json.elements import is_named
from dlkit.serving.wire.rest_json.requests import read_request
from dlkit.serving.wire.rest_json.text import debug_text, type_name

_READ: dict[str, Callable] = {
    "classify": classify_regress.read_classes,
    "regress": classify_regress.read_values,
}
_INT64 = 2**63 - 1


class JsonExamples(Codec):
    """JSON text -> serialized tf.Examples -> labels and scores, or numbers, in JSON text.

    Args:
        verb: `classify` or `regress`.
    """

    def __init__(self, verb: str):
        self.method = verb.capitalize()
        self._verb = verb

    def read(self, body: bytes) -> tuple[str, list[bytes]]:
        """Return the signature's name and the examples."""
        request = read_request(body)
        return request.signature_name, read_examples(request.document, self._verb)

    def decode(self, request: tuple[str, list[bytes]], version: Version) -> Call:
        """Return the examples as a signature takes them."""
        name, examples = request
        signatures = version.runtime.signatures
        key, inputs = classify_regress.as_inputs(signatures, self._verb, name, examples)
        return Call(key, inputs, signatures[key], len(examples))

    def encode(self, call: Call, outputs: Mapping[str, np.ndarray]) -> bytes:
        """Return the answer's JSON text."""
        read = _READ[self._verb]
        results = _shortest(read(call.form, outputs, call.examples))
        text = json.dumps({"results": results}, ensure_ascii=False)
        return text.encode("utf-8", "surrogateescape")

    def explain(self, request: tuple[str, list[bytes]], error: StatusError) -> None:
        """Say how an example is written, where there is no other hint."""
        error.hint = error.hint or hints.for_examples(error.message)


def _shortest(value: Any) -> Any:
    """Return nested results whose floats print with as few digits as float32 needs."""
    if isinstance(value, (list, tuple)):
        return [_shortest(item) for item in value]
    return float(str(np.float32(value))) if isinstance(value, float) else value


def read_examples(document: dict[str, Any], verb: str) -> list[bytes]:
    """Return the serialized tf.Examples in a request.

    Raises:
        StatusError: INVALID_ARGUMENT with TensorFlow Serving's message.

    Example:
        >>> (text,) = read_examples({"examples": [{"age": 3.5}]}, "classify")
        >>> Example.FromString(text).features.feature["age"].float_list.value
        [3.5]
    """
    context = Example()
    if "context" in document:
        _fill(context, document["context"])
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {debug_text(document)} When method is {verb}, key 'examples' is expected"
            " and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        what = "Expecting 'examples' value to be an list/array"
        raise invalid(f"JSON Value: {debug_text(document)} {what}")
    if not examples:
        raise invalid(f"JSON Value: {debug_text(document)} 'examples' value is an empty array")
    classify_regress.check_context(context.ByteSize(), len(examples))
    return [_serialized(context, example) for example in examples]


def _serialized(context: Example, value: Any) -> bytes:
    example = Example()
    example.CopyFrom(context)
    _fill(example, value)
    return example.SerializeToString()


def _fill(example: Example, value: Any) -> None:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    for name, content in value.items():
        feature = Feature()
        for item in content if isinstance(content, list) else [content]:
            _add(feature, name, item)
        example.features.feature[name].CopyFrom(feature)


def _add(feature: Feature, name: str, value: Any) -> None:
    kind, element = _element(name, value)
    found = feature.WhichOneof("kind") or kind
    if found != kind:
        expected = found.removesuffix("_list")
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    getattr(feature, kind).value.append(element)


def _element(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, str):
        return "bytes_list", value.encode("utf-8", "surrogateescape")
    if isinstance(value, int):
        if value > _INT64:
            raise invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        return "int64_list", int(value)
    if isinstance(value, float):
        with np.errstate(over="ignore"):  # a protocol buffer refuses what is beyond float32
            return "float_list", float(np.float32(value))
    if isinstance(value, dict) and not is_named(value):
        try:
            return "bytes_list", base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise invalid("Unable to base64 decode") from None
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")
