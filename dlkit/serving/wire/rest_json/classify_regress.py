"""A classify or regress request in TensorFlow Serving's JSON, from bytes to bytes.

    {"signature_name": "classify", "context": {...}, "examples": [{"age": 3.5}, ...]}

A number with a decimal point is a float feature, one without an int64 feature, text or base64 a
bytes feature; a list holds several of a kind.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.serving.core import classify_regress as inference
from dlkit.serving.core import hints
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Wanted
from dlkit.serving.inference.calls import find_model
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.protobuf.examples import Example, Feature
from dlkit.serving.wire.rest_json.elements import is_named
from dlkit.serving.wire.rest_json.requests import read_request
from dlkit.serving.wire.rest_json.text import debug_text, type_name

_INT64 = 2**63 - 1


def infer(
    models: Mapping[str, ServedModel], name: str, wanted: Wanted, body: bytes, verb: str
) -> bytes:
    """Answer a classify or regress request.

    Args:
        models: The served models by name.
        name: Which of them is asked.
        wanted: Which version, by number or label; None for the highest one available.
        body: The request's JSON text.
        verb: `classify` or `regress`.

    Returns:
        The answer's JSON text.

    Raises:
        StatusError: with TensorFlow Serving's message, and a hint where one is known.
    """
    request = read_request(body)  # before the model is looked up, as TensorFlow Serving does it
    examples = read_examples(request.document, verb)
    with find_model(models, name, wanted).use(wanted) as version:
        try:
            results = getattr(inference, verb)(version, request.signature_name, examples)
        except StatusError as error:
            error.hint = error.hint or hints.for_examples(error.message)
            raise
    text = json.dumps({"results": _shortest(results)}, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


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
    inference.check_context(context.ByteSize(), len(examples))
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
