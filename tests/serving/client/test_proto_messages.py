"""Addresses, requests and refusals; test_grpc_client.py sends them."""

import grpc
import numpy as np
import pytest
from tenacity import Retrying

from dlkit.errors import InputError, ServerError
from dlkit.serving.client import proto_messages
from dlkit.serving.client.retries import retry_policy
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.wire.protobuf.tensors import to_array

PAIR = Signature({"a": TensorInfo("DT_FLOAT", (-1,)), "b": TensorInfo("DT_STRING", (-1,))}, {})


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("127.0.0.1:8500", "127.0.0.1:8500"),
        ("grpc://host:1", "host:1"),
        ("[::1]:8500", "[::1]:8500"),
        ("unix:/run/dlkit", "unix:/run/dlkit"),
    ],
)
def test_addresses(target, found):
    assert proto_messages.check_target(target) == found


@pytest.mark.parametrize("target", ["http://h:1", "host", "host:", "host:x", ""])
def test_what_is_no_address(target):
    with pytest.raises(InputError, match=f"target must be a server's address.*{target!r}"):
        proto_messages.check_target(target)


def test_a_request_names_its_inputs():
    model = proto_messages.model_spec("m", 3, None)
    request = proto_messages.predict_request(model, {"a": [1], "b": ["x"]}, "pair", {"pair": PAIR})
    assert (request.model_spec.name, request.model_spec.signature_name) == ("m", "pair")
    assert request.model_spec.version.value == 3
    np.testing.assert_array_equal(to_array(request.inputs["a"]), np.float32([1]))
    assert to_array(request.inputs["b"]).tolist() == [b"x"]
    with pytest.raises(InputError, match=r"takes 2 inputs: pass a dictionary with a, b.*list"):
        proto_messages.predict_request(model, [1.0], None, {"serving_default": PAIR})


def test_an_unknown_signature_is_named_with_the_known_ones():
    with pytest.raises(ServerError, match=r'"x" not found.*signatures: pair'):
        proto_messages.find_signature({"pair": PAIR}, "x")


class Trouble(grpc.RpcError):
    def __init__(self, code, trailing=()):
        self.code = lambda: code
        self.details = lambda: "what it says"
        self.trailing_metadata = lambda: trailing


def test_what_is_tried_again_and_what_is_told():
    code = grpc.StatusCode
    hinted = Trouble(code.NOT_FOUND, (("dlkit-hint-bin", b"so"), ("other", "x")))
    told = {
        Trouble(code.UNAVAILABLE): "No server answers at grpc://h:1 (what it says): is it running?",
        Trouble(code.DEADLINE_EXCEEDED): "grpc://h:1 did not answer within 2 seconds.",
        hinted: "what it says (so)",
    }
    for error, sentence in told.items():
        assert str(proto_messages.call_error(error, "h:1", 2.0)) == sentence
        asked = []
        retrying = Retrying(**retry_policy(1, proto_messages.TRANSIENT))
        with pytest.raises(Trouble):
            retrying(_fail, asked, error)
        assert len(asked) == (2 if error.code() is code.UNAVAILABLE else 1)


def _fail(asked, error):
    asked.append(error)
    raise error


def test_a_key_is_sent_as_metadata():
    assert proto_messages.key_metadata(None) == ()
    assert proto_messages.key_metadata("k") == (("authorization", "Bearer k"),)
