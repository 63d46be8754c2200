import numpy as np
import pytest

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import Signature, TensorInfo

FILES = Signature({"image_bytes": TensorInfo("DT_STRING", (-1,))}, {})
SIGNATURE = Signature({"a": TensorInfo("DT_FLOAT", (-1,)), "b": TensorInfo("DT_STRING", (-1,))}, {})


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Missing 'inputs' or 'instances' key", '{"instances": [...]}'),
        ("JSON Value: {} Type: Object is not of expected type: float", "'a' (float), 'b' (string)"),
        ("JSON Value: 1 Type: Number is not of expected type: string", '{"b64": "<base64>"}'),
        ("JSON Value: 1.0 Type: Number is not of expected type: int32", "without a decimal point"),
        ("JSON Value: null Type: Null is not of expected type: float", "a missing float."),
        ("Missing named input: a in 'inputs' object.", "The signature takes 'a' (float)"),
        ("Expecting tensor size: 2 but got: 3", "same shape"),
        ('JSON Value: "1" Type: String is not of expected type: float', "without quotation marks"),
        ("Unable to base64 decode", '{"b64": "<base64>"}'),
        ("JSON Value: {} not formatted correctly for base64 data", '{"b64": "<base64>"}'),
    ],
)
def test_a_hint_for_each_common_mistake(message, hint):
    assert hint in hints.for_request(message, SIGNATURE)


@pytest.mark.parametrize(
    "message",
    [
        "Failed to get input map for signature: x",
        "JSON Value: [1] Type: Array is not of expected type: float",
    ],
)
def test_no_hint_where_the_message_says_it_all(message):
    alone = Signature({"a": TensorInfo("DT_FLOAT", (-1,))}, {})
    assert hints.for_request(message, alone) is None


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            "JSON Value: true Type: True is not of expected type: float",
            "1 stands for true, and 0 for false. Input of type float: 'a'.",
        ),
        (
            'JSON Value: "true" Type: String is not of expected type: bool',
            "A boolean is written true or false, without quotation marks.",
        ),
        (
            "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: JSON"
            ' Value: "x" Type: String is not of expected type: int64',
            "Numbers are written without quotation marks. Input of type int64: 'c'.",
        ),
        (
            "JSON Value: 1 Type: Number is not of expected type: int64",
            "Inputs of type int64: 'c' and 'd'.",
        ),
    ],
)
def test_a_type_error_names_the_input(message, hint):
    more = {name: TensorInfo("DT_INT64", (-1,)) for name in "cd"}
    assert hint in hints.for_request(message, Signature({**SIGNATURE.inputs, **more}, {}))


def test_files_are_sent_to_the_signature_that_takes_them():
    message = "JSON Value: {} Type: Object is not of expected type: float"
    found = hints.for_request(message, SIGNATURE, {"serving_default": SIGNATURE, "files": FILES})
    assert found.endswith(' The bytes of files go to "signature_name": "files".')
    assert "signature_name" not in hints.for_request(message, SIGNATURE)


@pytest.mark.parametrize("dtype", ["float", "string"])
def test_what_is_missing_has_a_signature_where_json_has_no_nan(dtype):
    message = f"JSON Value: null Type: Null is not of expected type: {dtype}"
    found = hints.for_request(message, SIGNATURE, {"serving_default": SIGNATURE, "cells": FILES})
    assert '"signature_name": "cells" takes every column as a text' in found
    assert "cells" not in hints.for_request(message, SIGNATURE, {"serving_default": SIGNATURE})


def test_bytes_that_are_no_file():
    arrays = {"image_bytes": np.array([b"abc"], object)}
    found = hints.for_run("INVALID_ARGUMENT", arrays, FILES)
    assert found.startswith("'image_bytes' takes the bytes of whole files")
    assert hints.for_run("DEADLINE_EXCEEDED", arrays, FILES) is None
    assert "shape [-1]" in hints.for_run("INVALID_ARGUMENT", {"image_bytes": np.zeros(())}, FILES)
    floats = Signature({"x": TensorInfo("DT_FLOAT", (-1,))}, {})
    assert hints.for_run("INVALID_ARGUMENT", {"x": np.zeros(3)}, floats) is None


def test_examples():
    missing = "Name: <unknown>, Feature: a b (data type: float) is required but could not be found."
    assert hints.for_examples(missing) == "Each example has to have the feature 'a b': float."
    mixed = "Key: a.  Data types don't match. Data type: int64 but expected type: float"
    assert hints.for_examples(mixed).startswith("In JSON, 1.0 is a float feature")
    assert hints.for_examples("assertion failed") is None


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3, 2, 2), None),
        ((2, 2), "[-1,2,2] but got: [2,2]: is the batch axis missing?"),
        ((3, 2, 5), "[-1,2,2] but got: [3,2,5]."),
        ((2,), "[-1,2,2] but got: [2]."),
    ],
)
def test_shapes(shape, hint):
    found = hints.for_shapes({"x": np.zeros(shape)}, {"x": TensorInfo("DT_FLOAT", (-1, 2, 2))})
    assert found == (hint and f"Input 'x' takes shape {hint}")


def test_an_unknown_rank_fits_everything():
    assert hints.for_shapes({"x": np.zeros(3)}, {"x": TensorInfo("DT_FLOAT", None)}) is None


def test_names():
    assert hints.for_model("x", ["b", "a"]) == "This server has: a, b."
    assert "Did you mean 'serving_default'?" in hints.for_signature("default", ["serving_default"])
    assert "Send classify requests with POST" in hints.for_path("GET", "/v1/models/m:classify", [])
    assert hints.for_path("GET", "/v1/x", ["m"]).startswith("POST /v1/models/m:predict, ")
