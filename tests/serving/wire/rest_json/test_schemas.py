"""Schemas by hand for single signatures; test_openapi.py holds a server's traffic against them."""

import jsonschema
import pytest

from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.wire.rest_json.schemas import answer_schema, examples_schema, request_schema

FLOAT = TensorInfo("DT_FLOAT", (-1, 2))
BYTE = TensorInfo("DT_UINT8", (-1,))
TEXT = TensorInfo("DT_STRING", (-1,))
SCALAR = TensorInfo("DT_BOOL", ())
HALF = TensorInfo("DT_HALF", (-1,))
PAIR = {"a": FLOAT, "b": BYTE}
BASE64 = {
    "type": "object",
    "properties": {"b64": {"type": "string"}},
    "required": ["b64"],
    "additionalProperties": False,
}


def fits(schema, value):
    whole = schema | {"components": {"schemas": {"Base64": BASE64}}}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


def request(inputs, value, key="serving_default"):
    return fits(request_schema({key: Signature(inputs, {"y": FLOAT})}), value)


@pytest.mark.parametrize(
    ("inputs", "value", "fit"),
    [
        ({"x": FLOAT}, {"instances": [[1.0, 2], [3, 4]]}, True),
        ({"x": FLOAT}, {"inputs": [[1.0, 2]]}, True),
        ({"x": FLOAT}, {"instances": []}, False),
        ({"x": FLOAT}, {"instances": [[1.0]]}, False),
        ({"x": FLOAT}, {"instances": [["1", "2"]]}, False),
        ({"x": FLOAT}, {}, False),
        ({"x": FLOAT}, [1.0], False),
        (PAIR, {"instances": [{"a": [1, 2], "b": 255}]}, True),
        (PAIR, {"instances": [{"a": [1, 2], "b": 256}]}, False),
        (PAIR, {"instances": [{"a": [1, 2], "b": 1.5}]}, False),
        (PAIR, {"instances": [{"a": [1, 2]}]}, False),
        (PAIR, {"inputs": {"a": [[1, 2]], "b": [0]}}, True),
        (PAIR, {"inputs": [[1, 2]]}, False),
        ({"x": TEXT}, {"inputs": ["a", {"b64": "YQ=="}]}, True),
        ({"x": TEXT}, {"inputs": [{"b": "YQ=="}]}, False),
        ({"x": TEXT}, {"inputs": [1]}, False),
        ({"x": SCALAR}, {"inputs": True}, True),
        ({"x": SCALAR}, {"instances": [True]}, False),
        ({"x": TensorInfo("DT_FLOAT", None)}, {"inputs": [[[1.0]]]}, True),
        ({"x": TensorInfo("DT_FLOAT", None)}, {"inputs": {}}, False),
    ],
)
def test_requests(inputs, value, fit):
    assert request(inputs, value) is fit


def test_other_signatures_are_named():
    assert not request({"x": BYTE}, {"inputs": [1]}, "other")
    assert request({"x": BYTE}, {"inputs": [1], "signature_name": "other"}, "other")
    assert not request({"x": BYTE}, {"inputs": [1], "signature_name": "more"}, "other")


def test_what_json_cannot_carry_is_not_offered():
    assert request_schema({"half": Signature({"x": HALF}, {})}) == {"type": "object"}
    both = {"half": Signature({"x": HALF}, {}), "byte": Signature({"x": BYTE}, {})}
    assert request_schema(both) == request_schema({"byte": both["byte"]})


@pytest.mark.parametrize(
    ("outputs", "value", "fit"),
    [
        ({"y": FLOAT}, {"predictions": [[1.0, 2.0]]}, True),
        ({"y": FLOAT}, {"outputs": [[1.0, 2.0]]}, True),
        ({"y": FLOAT}, {"predictions": [1.0]}, False),
        (PAIR, {"predictions": [{"a": [1.0, 2.0], "b": 1}]}, True),
        (PAIR, {"outputs": {"a": [[1.0, 2.0]], "b": [1]}}, True),
        (PAIR, {"outputs": {"a": [[1.0, 2.0]]}}, False),
        ({"y_bytes": TEXT}, {"outputs": [{"b64": "YQ=="}]}, True),
        ({"y_bytes": TEXT}, {"outputs": ["YQ=="]}, False),
        ({"y": TEXT}, {"outputs": ["a"]}, True),
        ({"y": TEXT}, {"outputs": [{"b64": "YQ=="}]}, False),
        ({"y": SCALAR}, {"outputs": False}, True),
        ({"y": SCALAR}, {"predictions": [False]}, False),
    ],
)
def test_answers(outputs, value, fit):
    assert fits(answer_schema({"s": Signature({"x": FLOAT}, outputs)}), value) is fit


def test_examples():
    schema = examples_schema()
    assert fits(schema, {"examples": [{"x": 1.0, "y": [1, 2], "z": {"b64": "YQ=="}}]})
    assert fits(schema, {"examples": [{"x": "a"}], "context": {"y": 1}, "signature_name": "s"})
    for value in ({"examples": []}, {"examples": [1]}, {}, {"examples": [{"x": None}]}):
        assert not fits(schema, value)
