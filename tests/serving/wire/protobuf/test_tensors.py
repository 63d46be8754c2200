"""TensorFlow's own conversions, in Python and in C++ (`tf.io.parse_tensor`), are the oracle."""

import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from dlkit.serving.wire.protobuf.tensors import to_array, to_proto

BF16 = tf.bfloat16.as_numpy_dtype
ARRAYS = [
    np.float32([[1.5, -0.0, np.inf], [1 / 3, 3e38, 1e-45]]),
    np.float64([np.pi, -1e308]),
    np.float16([0.1, -65504.0]),
    np.array([0.1, -3e38], BF16),
    np.int8([-128, 127]),
    np.int16([-32768, 32767]),
    np.int32([-(2**31), 2**31 - 1]),
    np.int64([-(2**63), 2**63 - 1]),
    np.uint8([0, 255]),
    np.uint16([0, 65535]),
    np.uint32([0, 2**32 - 1]),
    np.uint64([0, 2**64 - 1]),
    np.array([[True], [False]]),
    np.complex64([1.5 - 2j, 3j]),
    np.complex128([1e300 - 2j]),
    np.array([[b"", b"\xff\x00"], [b"a" * 300, "é".encode()]], object),
    np.float32(7.5).reshape(()),
    np.array(b"one", object).reshape(()),
    np.zeros((0, 3), np.float32),
    np.zeros((2, 0), np.int64),
    np.zeros(0, object),
    np.arange(100_000, dtype=np.float32).reshape(10, 100, 100),
    np.arange(300)[::-3],
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(3, dtype=">i4"),
]
NAMES = [f"{array.dtype}{list(array.shape)}" for array in ARRAYS]


def parsed_by_tensorflow(proto):
    return tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype)).numpy()


@pytest.mark.parametrize("typed", [False, True], ids=["content", "typed"])
@pytest.mark.parametrize("array", ARRAYS, ids=NAMES)
def test_there_and_back(array, typed):
    proto = to_proto(array, typed=typed)
    for found in (to_array(proto), parsed_by_tensorflow(proto), tf.make_ndarray(proto)):
        np.testing.assert_array_equal(found, array)
        assert np.shape(found) == array.shape
    assert to_array(proto).dtype == array.dtype.newbyteorder("=")
    assert bool(proto.tensor_content) == (not typed and array.dtype != object and array.size > 0)


# The last is big-endian, which make_tensor_proto writes wrong.
@pytest.mark.parametrize("array", ARRAYS[:-1], ids=NAMES[:-1])
def test_what_tensorflow_writes_is_read(array):
    np.testing.assert_array_equal(to_array(tf.make_tensor_proto(array)), array)


def test_text_travels_as_utf8():
    assert to_array(to_proto(np.array(["é", "a"]))).tolist() == ["é".encode(), b"a"]
    assert to_array(to_proto(np.array([b"ab", b"c"]))).tolist() == [b"ab", b"c"]


def message(dtype, size, **values):
    return TensorProto(dtype=dtype, tensor_shape={"dim": [{"size": size}]}, **values)


@pytest.mark.parametrize(
    "proto",
    [
        message("DT_FLOAT", 4, float_val=[1.5, 2.5]),
        message("DT_FLOAT", 3),
        message("DT_INT64", 2, int64_val=[1, 2, 3, 4]),
        message("DT_BOOL", 3, bool_val=[True]),
        message("DT_HALF", 3, half_val=[15360]),
        message("DT_BFLOAT16", 2, half_val=[16256]),
        message("DT_COMPLEX64", 2, scomplex_val=[1.0, 2.0]),
        message("DT_STRING", 3, string_val=[b"a"]),
        message("DT_STRING", 2),
        message("DT_UINT8", 2, int_val=[300, -1]),
        TensorProto(dtype="DT_DOUBLE"),
    ],
    ids=lambda proto: " ".join(str(proto).split()),
)
def test_too_few_and_too_many_elements_are_read_as_tensorflow_does(proto):
    np.testing.assert_array_equal(to_array(proto), parsed_by_tensorflow(proto))


@pytest.mark.parametrize(
    "proto",
    [
        TensorProto(dtype="DT_FLOAT", tensor_shape={"unknown_rank": True}, float_val=[1]),
        message("DT_FLOAT", -1, float_val=[1]),
        message("DT_FLOAT", 2, tensor_content=b"1234"),
        message("DT_FLOAT", 1, tensor_content=b"12345"),
        message("DT_COMPLEX64", 1, scomplex_val=[1.0]),
        TensorProto(float_val=[1]),
        message("DT_RESOURCE", 1),
        message(4000, 1),
    ],
    ids=lambda proto: " ".join(str(proto).split()),
)
def test_malformed_messages_are_refused(proto):
    with pytest.raises(ValueError):
        to_array(proto)


def test_a_small_message_cannot_take_the_memory():
    start = time.thread_time()
    for kind in ("DT_FLOAT", "DT_STRING"):
        with pytest.raises(ValueError, match="so many elements have to be sent"):
            to_array(message(kind, 2**40))
    assert time.thread_time() - start < 1


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array(["2024"], "datetime64[s]"), "arrays of datetime64"),
        (np.array([1.5, None], object), "1.5 of type float is neither text nor bytes"),
    ],
)
def test_other_arrays_are_refused(array, said):
    with pytest.raises(ValueError, match=said):
        to_proto(array)
