"""What the codec adds to reading and writing JSON; tests/serving/inference/ has the whole way."""

import json
import pathlib

import numpy as np
import pytest

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version
from dlkit.serving.wire.rest_json.predict import PREDICT, find_signature

X = {"x": TensorInfo("DT_FLOAT", (-1,))}
SIGNATURES = {
    "constant": Signature({}, X),
    "pair": Signature({"a": TensorInfo("DT_STRING"), **X}, X),
    "serving_default": Signature(X, X),
}


class Nothing(Runtime):
    signatures = SIGNATURES

    def run(self, signature_name, inputs):
        return {}

    def close(self):
        pass


@pytest.fixture
def version():
    return Version(1, pathlib.Path("1"), runtime=Nothing(), model="m")


def test_signatures_are_found_by_name():
    assert find_signature(SIGNATURES, "")[0] == "serving_default"
    assert find_signature(SIGNATURES, "pair")[0] == "pair"
    with pytest.raises(StatusError, match="Failed to get input map for signature: constant"):
        find_signature(SIGNATURES, "constant")
    with pytest.raises(StatusError, match='"serving_defaul" not found') as caught:
        find_signature(SIGNATURES, "serving_defaul")
    assert caught.value.hint.endswith("Did you mean 'serving_default'?")


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_an_answer_has_the_form_of_its_request(version, key):
    call = PREDICT.decode(PREDICT.read(b'{"%b": [1, 2]}' % key.encode()), version)
    assert call.key == "serving_default"
    np.testing.assert_array_equal(call.inputs["x"], np.float32([1, 2]))
    named = {"instances": b"predictions", "inputs": b"outputs"}[key]
    assert PREDICT.encode(call, call.inputs) == b'{"%b":[1.0,2.0]}' % named


def test_what_does_not_suit_the_signature_has_a_hint(version):
    with pytest.raises(StatusError) as caught:
        PREDICT.decode(PREDICT.read(b'{"instances": ["1"]}'), version)
    assert caught.value.hint == "Numbers are written without quotation marks."


@pytest.mark.parametrize(
    ("body", "at_once"),
    [
        (b'{"instances": [1, 2]}', True),
        (b'{"signature_name": "pair", "instances": [{"a": "b", "x": 1}]}', True),
        (b'{"instances": [%b]}' % b",".join([b"1.5"] * 10_000), True),
        (b'{"instances": [%b]}' % b",".join([b'"a"'] * 1_000), False),
        (b'{"instances": [%b]}' % b",".join([b"1.5"] * 100_000), False),
    ],
)
def test_at_once_is_what_is_numbers_or_short(version, body, at_once):
    found = PREDICT.decode_at_once(body, version)
    assert (found is not None) == at_once
    if found is not None:
        slow = PREDICT.decode(PREDICT.read(body), version)
        assert (found.key, found.form) == (slow.key, slow.form)
        for name, array in slow.inputs.items():
            np.testing.assert_array_equal(found.inputs[name], array)


def test_a_refused_request_is_told_first_what_is_malformed():
    request = PREDICT.read(b'{"instances": [1, 2..5]}')
    with pytest.raises(StatusError, match="JSON Parse error"):
        PREDICT.explain(request, StatusError("NOT_FOUND", "no such model"))


@pytest.mark.parametrize("values", [[0.5] * 1000, [10**30] * 1000])
def test_numbers_that_do_not_fit_are_left_to_a_thread(version, monkeypatch, values):
    whole = {"x": TensorInfo("DT_INT32", (-1,))}
    monkeypatch.setattr(version.runtime, "signatures", {"serving_default": Signature(whole, whole)})

    def at_once(numbers):
        return PREDICT.decode_at_once(json.dumps({"instances": numbers}).encode(), version)

    assert at_once([1] * 1000) is not None
    assert at_once(values) is None
    with pytest.raises(StatusError):
        at_once(values[:10])
