import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.serving.client.arrays import from_wire, to_wire
from dlkit.serving.core.signatures import TensorInfo
from dlkit.serving.wire.protobuf.tensors import to_array


def sent(value, dtype):
    return to_array(to_wire("x", value, dtype and TensorInfo(dtype)))


@pytest.mark.parametrize(
    ("value", "dtype", "wanted"),
    [
        ([1, 2.5], "DT_FLOAT", np.float32([1, 2.5])),
        ([1, 2], "DT_FLOAT", np.float32([1, 2])),
        (np.float64([0.1]), "DT_FLOAT", np.float32([0.1])),
        ([[1], [2]], "DT_INT32", np.int32([[1], [2]])),
        ([0, 255], "DT_UINT8", np.uint8([0, 255])),
        ([True], "DT_FLOAT", np.float32([1])),
        ([], "DT_INT32", np.zeros(0, np.int32)),
        (3, "DT_INT64", np.int64(3)),
        (np.float64([0, 255]), "DT_UINT8", np.uint8([0, 255])),
        ([3, 2.5], "DT_STRING", np.array([b"3", b"2.5"], object)),
        (np.int64([[3]]), "DT_STRING", np.array([[b"3"]], object)),
        # What does not fit goes as it is, for the server to refuse.
        ([1.5], "DT_INT32", np.float64([1.5])),
        ([256], "DT_UINT8", np.int64([256])),
        ([-1], "DT_UINT32", np.int64([-1])),
        ([1], "DT_BOOL", np.int64([1])),
        (["a"], "DT_FLOAT", np.array([b"a"], object)),
        # The server names an unknown input, or has a dtype that NumPy has not.
        ([1.5], None, np.float64([1.5])),
        (np.float16([0.5]), "DT_HALF", np.float16([0.5])),
    ],
)
def test_numbers_take_the_signatures_dtype_where_they_fit(value, dtype, wanted):
    found = sent(value, dtype)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype


def test_strings_keep_every_byte():
    image = b"\xff\xd8\x00\x00"
    assert sent([image, "é"], "DT_STRING").tolist() == [image, "é".encode()]
    assert sent(image, "DT_STRING").tolist() == image
    assert sent([["a", "b"]], "DT_STRING").tolist() == [[b"a", b"b"]]
    assert sent(np.array(["é"]), "DT_STRING").tolist() == ["é".encode()]


@pytest.mark.parametrize(
    ("value", "dtype", "said"),
    [
        ([[1.0], [1.0, 2.0]], "DT_FLOAT", "Received: list .*inhomogeneous"),
        ([None], "DT_FLOAT", "Received: list .*None of type NoneType is neither text nor bytes"),
        ({1}, "DT_STRING", "Received: set .*of type set"),
        (np.array(["2024"], "datetime64[s]"), "DT_INT64", "arrays of datetime64"),
    ],
)
def test_what_is_no_array_is_refused(value, dtype, said):
    with pytest.raises(InputError, match=f"Input 'x' takes numbers.*{said}"):
        sent(value, dtype)


def test_outputs_are_text_unless_their_name_says_bytes():
    proto = to_wire("x", [["é", b"\xff"]], TensorInfo("DT_STRING"))
    assert from_wire("label", proto).tolist() == [["é", "\udcff"]]
    assert from_wire("raw_bytes", proto).tolist() == [["é".encode(), b"\xff"]]
    assert from_wire("y", to_wire("y", [[1, 2]], TensorInfo("DT_INT8"))).dtype == np.int8
    assert from_wire("none", to_wire("x", np.zeros(0, object), None)).shape == (0,)
