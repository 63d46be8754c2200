"""The fast way against the exact one, which test_conformance.py holds against the table."""

import itertools
import math

import numpy as np
import pytest

from dlkit.serving.core.signatures import DTYPES, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.rest_json.elements import Rows, exact_array, fast_array, is_named

NUMERIC = [name for name, (_, dtype) in DTYPES.items() if dtype is not None and dtype.kind != "O"]
VALUES = [
    *(0, 1, -1, 127, 128, 255, 256, -128, -129, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64),
    *(1e29, -1e29, 0.0, 1.0, -1.5, 1e300, -1e300, math.nan, math.inf, True, False, None),
    *("a", "1", {}, {"b64": "YQ=="}, [], [[]], [1], [1, 2], [1, 2.5], [True, 1], [True, False]),
    *([[1, 2], [3, 4]], [[1, 2], [3]], [1, [2]], [[1], 2], [[], []], [2**63, 1], [2**63, -1]),
    *([1, None], [1, "a"], [[[1]]], [[1.0], [True]], [-1, 2**64]),
]


def outcome(read, value, info):
    try:
        return read(value, info)
    except StatusError as error:
        return error.message


@pytest.mark.parametrize("dtype", NUMERIC)
def test_the_fast_way_agrees_with_the_exact_one_or_passes(dtype):
    info = TensorInfo(dtype)
    taken = 0
    for value in VALUES:
        literals = "True" in str(value) or "False" in str(value)
        fast = fast_array(value, info, literals)
        if fast is None:
            continue
        taken += 1
        exact = outcome(exact_array, value, info)
        assert isinstance(exact, np.ndarray), (value, exact)
        assert fast.dtype == exact.dtype == info.numpy_dtype
        np.testing.assert_array_equal(fast, exact, strict=True)
    assert taken >= (2 if dtype == "DT_BOOL" else 8)


@pytest.mark.parametrize("dtype", NUMERIC)
def test_random_arrays_come_back(dtype):
    random = np.random.default_rng(0)
    info = TensorInfo(dtype)
    for shape in itertools.chain([(), (1,), (0,), (2, 0)], [(3, 4), (2, 3, 4)]):
        array = (random.random(shape) * 100).astype(info.numpy_dtype)
        np.testing.assert_array_equal(exact_array(array.tolist(), info), array, strict=True)
        fast = fast_array(array.tolist(), info, literals=False)
        if array.size:
            np.testing.assert_array_equal(fast, array, strict=True)
        else:
            assert fast is None


def test_texts_where_numbers_belong_take_no_room():
    """NumPy gives each text of a list the room of the longest: 64 GB here."""
    texts = ["x" * 2**18, *[""] * 2**16]
    for value in (texts, [texts], [[1.0], "a"], [[1.0], {"a": 1}], [[], ""]):
        assert fast_array(value, TensorInfo("DT_FLOAT"), literals=False) is None
    assert "Type: String is not of expected type: float" in outcome(
        exact_array, texts, TensorInfo("DT_FLOAT")
    )


def test_p27_floats_beyond_float32_are_infinite():
    found = exact_array([1e300, -1e300, 1e-300, 2**64 - 1], TensorInfo("DT_FLOAT"))
    np.testing.assert_array_equal(found, np.array([np.inf, -np.inf, 0, 2**64], np.float32))


@pytest.mark.parametrize("text", ["aGVsbG8=", "aGVsbG8", "aGVs\nbG8=\n"])
def test_p29_base64_with_and_without_padding_and_line_breaks(text):
    found = exact_array([{"b64": text}], TensorInfo("DT_STRING"))
    assert found.tolist() == [b"hello"]


def test_strings_keep_their_shape_and_bytes():
    found = exact_array([["a", "b\0"], ["\u00e9", ""]], TensorInfo("DT_STRING"))
    assert found.dtype == object
    assert found.tolist() == [[b"a", b"b\0"], ["\u00e9".encode(), b""]]


def test_more_axes_than_a_tensor_may_have():
    value = 1.0
    for _ in range(255):
        value = [value]
    with pytest.raises(StatusError, match="at most 63 dimensions but got: 255"):
        exact_array(value, TensorInfo("DT_FLOAT"))


def test_rows_are_stacked():
    rows = Rows(TensorInfo("DT_INT32"))
    rows.add([1, 2])
    rows.add([3, 4])
    np.testing.assert_array_equal(rows.tensor(), np.array([[1, 2], [3, 4]], np.int32), strict=True)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({}, True),
        ({"b64": "a"}, False),
        ({"b64": 1}, True),
        ({"b64": "a", "c": 1}, True),
        ([], False),
    ],
)
def test_base64_is_no_object_of_tensors(value, named):
    assert is_named(value) == named
