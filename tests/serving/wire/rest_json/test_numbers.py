"""The way of numbers and the way of `text` say the same of any request."""

import json

import numpy as np
import pytest

from dlkit.serving.core.signatures import DTYPES, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.rest_json import numbers as json_numbers
from dlkit.serving.wire.rest_json import requests
from dlkit.serving.wire.rest_json.numbers import split_numbers

NUMERIC = [name for name, (_, d) in DTYPES.items() if d is not None and d.kind in "fiub"]


def outcome(body, info):
    """Return the array and whether rows are wanted, or the error's text."""
    try:
        request = requests.read_request(body)
        tensors, rows = requests.decode_request(request, {"x": info})
    except StatusError as error:
        return str(error)
    return tensors["x"].dtype, tensors["x"].shape, tensors["x"].tobytes(), rows


def slow_outcome(body, info, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(requests, "split_numbers", lambda body: None)
        return outcome(body, info)


@pytest.mark.parametrize("shape", [(1,), (7,), (1, 1), (2, 3), (3, 1, 2), (2, 2, 2, 2)])
@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_arrays_of_numbers_take_it(shape, key):
    x = np.random.default_rng(0).normal(size=shape)
    for text in (json.dumps(x.tolist()), json.dumps(x.tolist(), indent=1)):
        for form in (
            '{"%s":%s}',
            ' {\n"%s" : %s }\n',
            '{"signature_name": "a/b-c.d", "%s": %s}',
            '{"%s": %s, "signature_name": "a/b-c.d"}',
        ):
            body = (form % (key, text)).encode()
            numbers = split_numbers(body)
            assert (numbers.shape, numbers.rows) == (shape, key == "instances")
            assert numbers.signature_name == ("a/b-c.d" if "a/b" in form else "")
            found = numbers.array(TensorInfo("DT_DOUBLE"))
            np.testing.assert_array_equal(found, x)
            found = numbers.array(TensorInfo("DT_FLOAT"))
            np.testing.assert_array_equal(found, x.astype("float32"))


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\xa0", "\x1f"])
def test_white_space_is_that_of_json(space):
    text = '{"signature_name":"a","instances":[1]}'
    for place in (0, 1, 18, 22, 35, len(text) - 1):
        body = (text[:place] + space + text[place:]).encode("latin-1")
        assert split_numbers(body) is None
        assert split_numbers(body.replace(space.encode("latin-1"), b" \t\r\n")) is not None


VALUES = [
    *("[]", "[[]]", "[[], []]", "[[1], []]", "[[], [1, 2]]", "[[1, 2], [3]]", "[1, [2]]"),
    *("[[1, 2], [3, 4, 5], [6]]", "[[[1], [2]], [[3, 4]]]", "[[1, 2], 3]", "[[1], 2, [3]]"),
    *("[1, 2", "[1, 2]]", "[[1, 2]", "[1,, 2]", "[1, 2,]", "[1 2]", "[[1]2, [3]]", "[1[2]]"),
    *("[01]", "[+1]", "[1.]", "[.5]", "[1e]", "[--1]", "[1.2.3]", "[-]", "[1-2]", "[1e5]"),
    *("[NaN]", "[-Infinity, 1]", "[true]", "[null]", '["1"]', '[{"b64": "AA=="}]', "[{}]"),
    *("[1e400]", "[1e300]", "[-1e300]", "[-0.0]", "[-0]", "[1.0]", "[1E2]", "[127]", "[128]"),
    *("[-129]", "[255]", "[256]", "[-1]", "[2147483647]", "[2147483648]", "[4294967296]"),
    *("[9007199254740993]", "[9223372036854775807]", "[9223372036854775808]"),
    *("[18446744073709551615]", "[18446744073709551616]", f"[{'9' * 400}]", f"[0.{'1' * 400}]"),
    *("3", "-3.5", '"text"', "{}", "null", f"{'[' * 40}1{']' * 40}", f"{'[' * 300}1{']' * 300}"),
]


@pytest.mark.parametrize("dtype", NUMERIC)
def test_what_is_odd_is_answered_as_by_the_other_way(dtype, monkeypatch):
    info = TensorInfo(dtype)
    for value in VALUES:
        for form in ('{"instances": %s}', '{"inputs": %s}', '{"instances": %s, "x": "]"}'):
            body = (form % value).encode()
            assert outcome(body, info) == slow_outcome(body, info, monkeypatch), body


BODIES = [
    *(b"", b"  ", b"{", b"[1]", b'{"instances"', b'{"instances": [1]', b'{"instances": [1]} x'),
    b'{"instances": [1], "inputs": [2]}',
    b'{"instances": [1], "instances": [2]}',
    b'{"signature_name": "a", "instances": [1], "signature_name": "b"}',
    b'{"signature_name": 3, "instances": [1]}',
    b'{"signature_name": "\xff", "instances": [1]}',
    b'{"signature_name": "a\\nb", "instances": [1]}',
    b'{"instances": [1], "signature_name": "]}"}',
    b'{"other": [1]}',
    b'{"Instances": [1]}',
    b'{"instances": [1]\xff}',
    b'\xef\xbb\xbf{"instances": [1]}',
    b'{"instances": [[1, 2], [3, 4]], "signature_name": ""}',
]


@pytest.mark.parametrize("body", BODIES)
def test_other_bodies_are_answered_as_by_the_other_way(body, monkeypatch):
    info = TensorInfo("DT_FLOAT")
    assert outcome(body, info) == slow_outcome(body, info, monkeypatch)


def test_random_texts_are_answered_as_by_the_other_way(monkeypatch):
    """Cut and joined at random, so that most are malformed by a bracket or a comma."""
    random = np.random.default_rng(0)
    pieces = ["[", "]", ",", "1", "-2.5", " ", "[1,2]", "[[1],[2]]", "3e1", "]]", "[["]
    info = TensorInfo("DT_FLOAT")
    taken = 0
    for _ in range(3000):
        middle = "".join(random.choice(pieces, random.integers(1, 8)))
        body = f'{{"instances": [{middle}]}}'.encode()
        taken += split_numbers(body) is not None
        assert outcome(body, info) == slow_outcome(body, info, monkeypatch), body
    assert taken > 100


def test_without_simdjson_the_other_way_is_taken(monkeypatch):
    body = b'{"instances": [1.5]}'
    assert split_numbers(body) is not None
    monkeypatch.setattr(json_numbers, "simdjson", None)
    assert split_numbers(body) is None
    assert outcome(body, TensorInfo("DT_FLOAT"))[1:] == ((1,), np.float32(1.5).tobytes(), True)


def test_brackets_without_end_cost_nothing():
    assert split_numbers(b'{"instances": ' + b"[" * 10**6 + b"1" + b"]" * 10**6 + b"}") is None


def test_shapes_are_kept_for_short_texts_alone():
    json_numbers._shape_again.cache_clear()
    for _ in range(3):
        assert json_numbers.split_numbers(b'{"instances": [[1, 2], [3, 4]]}').shape == (2, 2)
        assert json_numbers.split_numbers(b'{"instances": [[1, 2], [3]]}') is None
    found = json_numbers._shape_again.cache_info()
    assert (found.hits, found.misses) == (4, 2)
    many = b'{"instances": [' + b"1," * json_numbers._FRAME_BYTES + b"1]}"
    assert json_numbers.split_numbers(many).shape == (json_numbers._FRAME_BYTES + 1,)
    assert json_numbers._shape_again.cache_info().misses == 2
