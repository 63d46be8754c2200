import numpy as np
import pytest

from dlkit.serving.core.signatures import TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.rest_json.requests import decode_request, read_request

ONE = {"x": TensorInfo("DT_FLOAT", (-1,))}
TWO = {"a": TensorInfo("DT_INT32", (-1, 2)), "b": TensorInfo("DT_STRING", (-1,))}


def read(body, infos):
    return decode_request(read_request(body), infos)


def test_rows_of_one_input():
    tensors, rows = read(b'{"instances": [[1, 2], [3, 4]]}', ONE)
    assert rows
    np.testing.assert_array_equal(tensors["x"], np.float32([[1, 2], [3, 4]]), strict=True)


def test_rows_of_several_inputs():
    body = b'{"instances": [{"a": [1, 2], "b": "u"}, {"b": {"b64": "dg=="}, "a": [3, 4]}]}'
    tensors, rows = read(body, TWO)
    assert rows
    np.testing.assert_array_equal(tensors["a"], np.int32([[1, 2], [3, 4]]), strict=True)
    assert tensors["b"].tolist() == [b"u", b"v"]


def test_columns():
    tensors, rows = read(b'{"inputs": {"a": [[1, 2]], "b": ["u", "v"], "other": 1}}', TWO)
    assert not rows
    np.testing.assert_array_equal(tensors["a"], np.int32([[1, 2]]), strict=True)
    assert tensors["b"].tolist() == [b"u", b"v"]


def test_true_somewhere_else_does_not_change_the_answer():
    tensors, _ = read(b'{"verbose": true, "instances": [1, 2.5]}', ONE)
    np.testing.assert_array_equal(tensors["x"], np.float32([1, 2.5]), strict=True)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_fast_and_the_exact_way_name_the_same_row(index):
    values = ["1", "2.5", "3"]
    values[index] = "true"
    with pytest.raises(StatusError, match=f"Failed to process element: {index} of 'instances'"):
        read(f'{{"instances": [{", ".join(values)}]}}'.encode(), ONE)


def test_extra_and_missing_keys_of_rows():
    body = b'{"instances": [{"a": [1, 2], "b": "u"}, {"a": [1, 2], "b": "u", "c": 1}]}'
    with pytest.raises(StatusError, match=r"element: 1 key: c .* does not have named input: c"):
        read(body, TWO)
    with pytest.raises(StatusError, match=r"element: 0 of .* keys must be equal to: a,b"):
        read(b'{"instances": [{"b": "u"}]}', TWO)


def test_signature_names():
    assert read_request(b'{"signature_name": "s"}').signature_name == "s"
    assert read_request(b"{}").signature_name == ""
    with pytest.raises(StatusError, match="'signature_name' key must be a string value"):
        read_request(b'{"signature_name": null}')
