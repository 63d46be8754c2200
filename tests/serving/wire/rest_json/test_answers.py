import base64
import json

import numpy as np
import pytest

from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.rest_json.answers import encode_answer


def strings(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_o10_floats_survive_the_way_exactly(dtype):
    random = np.random.default_rng(0)
    values = random.standard_normal((50, 4)) * 10.0 ** random.integers(-30, 30, (50, 4))
    values = values.astype(dtype)
    values[0, 0] = 3.0
    body = encode_answer({"y": values}, rows=True)
    np.testing.assert_array_equal(np.array(json.loads(body)["predictions"], dtype), values)
    assert b"[3.0," in body


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_o11_non_finite_floats_are_bare_and_leave_the_others_short(dtype):
    body = encode_answer({"y": np.array([np.nan, np.inf, -np.inf, 0.1, 2.0], dtype)}, rows=True)
    assert body == b'{"predictions":[NaN,Infinity,-Infinity,0.1,2.0]}'
    scalar = encode_answer({"y": np.array(np.inf, dtype)}, rows=False)
    assert scalar == b'{"outputs":Infinity}'


def test_o11_in_one_of_several_outputs():
    outputs = {"a": np.array([np.nan, 1.5], np.float32), "b": np.array([0.1, 2], np.float32)}
    assert (
        encode_answer(outputs, rows=True)
        == b'{"predictions":[{"a":NaN,"b":0.1},{"a":1.5,"b":2.0}]}'
    )
    assert encode_answer(outputs, rows=False) == b'{"outputs":{"a":[NaN,1.5],"b":[0.1,2.0]}}'


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"])
def test_o12_integers_at_their_limits(dtype):
    bounds = np.iinfo(dtype)
    body = encode_answer({"y": np.array([bounds.min, bounds.max], dtype)}, rows=False)
    assert json.loads(body) == {"outputs": [bounds.min, bounds.max]}
    assert b"." not in body


def test_o12_booleans():
    assert (
        encode_answer({"y": np.array([[True], [False]])}, rows=True)
        == b'{"predictions":[[true],[false]]}'
    )


def test_o9_scalars():
    assert encode_answer({"y": np.array(3, np.float32)}, rows=False) == b'{"outputs":3.0}'
    assert encode_answer({"y": np.array(b"a", object)}, rows=False) == b'{"outputs":"a"}'


def test_o13_o14_strings():
    values = strings(b"\xc3\xa9", b"b")
    assert json.loads(encode_answer({"y": values}, rows=True)) == {"predictions": ["\u00e9", "b"]}
    found = json.loads(encode_answer({"y_bytes": values}, rows=True))["predictions"]
    assert [base64.b64decode(entry["b64"]) for entry in found] == [b"\xc3\xa9", b"b"]
    assert encode_answer({"y": strings(b"\xff")}, rows=True) == b'{"predictions":["\xff"]}'


def test_text_that_says_null_beside_numbers_that_are_none():
    outputs = {"word": strings(b"null", b"\xc3\xa9"), "y": np.array([np.nan, 0.1], np.float32)}
    expected = '{"predictions":[{"word":"null","y":NaN},{"word":"é","y":0.1}]}'
    assert encode_answer(outputs, rows=True) == expected.encode()
    finite = {**outputs, "y": np.array([1, 0.1], np.float32)}
    assert encode_answer(finite, rows=True) == expected.replace("NaN", "1.0").encode()


def test_odd_bytes_beside_numbers():
    outputs = {"word": strings(b"\xff"), "y": np.array([0.1], np.float32), "n": np.array([2])}
    assert encode_answer(outputs, rows=True) == b'{"predictions":[{"word":"\xff","y":0.1,"n":2}]}'


def test_views_in_any_order_of_memory():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = json.loads(encode_answer({"y": values.T[::2]}, rows=False))["outputs"]
    assert found == values.T[::2].tolist()


@pytest.mark.parametrize(
    ("outputs", "error"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.array(1.0)}, "Tensor name: y has no shape information "),
        (
            {"x": np.zeros(2), "y": np.zeros(1)},
            "Tensor name: y has inconsistent batch size: 1 expecting: 2",
        ),
        ({"y": np.zeros(1, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
        ({"y": np.zeros(1, np.float16)}, "Failed to write JSON value for tensor type: half"),
        ({"y": np.zeros(1, np.uint16)}, "Failed to write JSON value for tensor type: uint16"),
    ],
)
def test_what_has_no_json(outputs, error):
    with pytest.raises(StatusError) as caught:
        encode_answer(outputs, rows=True)
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", error)
