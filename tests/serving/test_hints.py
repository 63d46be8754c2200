import numpy as np
import pytest

from dlkit.serving import hints
from dlkit.serving.signatures import Signature, TensorInfo

SIGNATURE = Signature({"a": TensorInfo("DT_FLOAT", (-1,)), "b": TensorInfo("DT_STRING", (-1,))}, {})


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Missing 'inputs' or 'instances' key", '{"instances": [...]}'),
        ("JSON Value: {} Type: Object is not of expected type: float", "'a' (float), 'b' (string)"),
        ("JSON Value: 1 Type: Number is not of expected type: string", '{"b64": "<base64>"}'),
        ("JSON Value: 1.0 Type: Number is not of expected type: int32", "without a decimal point"),
        ("JSON Value: null Type: Null is not of expected type: float", "NaN"),
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
        "JSON Value: true Type: True is not of expected type: float",
    ],
)
def test_no_hint_where_the_message_says_it_all(message):
    assert hints.for_request(message, SIGNATURE) is None


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
