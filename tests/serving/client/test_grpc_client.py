import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from dlkit.errors import InputError, ServerError
from dlkit.serving import Client, GrpcClient
from dlkit.serving.grpc_api.services import HINT
from dlkit.serving.wire.protobuf.tensors import to_proto

PREDICT = "/tensorflow.serving.PredictionService/Predict"


@pytest.fixture(scope="module")
def client(grpc_target):
    with GrpcClient(grpc_target, "sink") as client:
        yield client


def test_an_array_comes_in_the_models_dtype(client):
    found = client.predict(np.float32([1, 2]))
    assert found.dtype == np.float32
    assert found.tolist() == [2.5, 3.0]
    assert client.predict([1, 2]).tolist() == [2.5, 3.0]
    assert client.predict({"x": [1, 2]}).tolist() == [2.5, 3.0]
    assert client.predict([], signature_name="echo").shape == (0,)


def test_several_inputs_and_outputs(client):
    found = client.predict({"a": [[1, 2]], "b": [3]}, signature_name="pair")
    assert {name: value.tolist() for name, value in found.items()} == {
        "sum": [4.0],
        "scaled": [[2.0, 4.0]],
    }


def test_strings_and_bytes(client):
    image = b"\xff\xd8\x00"
    found = client.predict([image, "é"], signature_name="text")
    assert found["raw_bytes"].tolist() == [image, "é".encode()]
    assert client.predict(["yes", "?"], signature_name="words").tolist() == [1, -1]
    assert client.predict(np.array("abc"), signature_name="length").tolist() == 3


def test_it_answers_as_the_rest_client_does(client, sink_url):
    with Client(sink_url) as rest:
        assert client.status() == rest.status()
        assert client.metadata() == rest.metadata()
        x = np.random.default_rng(0).normal(size=(16, 2, 2)).astype(np.float32)
        over_rest = rest.predict(x, signature_name="image").astype(np.float32)
        assert client.predict(x, signature_name="image").tobytes() == over_rest.tobytes()
        words = ["a", "é"]
        assert (
            client.predict(words, signature_name="upper").tolist()
            == rest.predict(words, signature_name="upper").tolist()
        )


@pytest.mark.parametrize(
    ("inputs", "signature", "said"),
    [
        (
            ["a"],
            None,
            "^Expects arg.0. to be float.* Input 'x' takes float, and was sent string.$",
        ),
        ({"z": [1.0]}, None, "^Signature input alias: x.*in the request {z}"),
        (
            [1.5],
            "repeat",
            "^Expects arg.0. to be int32.* Input 'n' takes int32, and was sent double.$",
        ),
        (
            [1.0],
            "pear",
            r'^Serving signature key "pear" not found. \(The model\'s signatures: .*, image, join,',
        ),
        (np.ones((2, 3)), "table", r"\(Input 'rows' takes shape \[-1,2\] but got: \[2,3\]\.\)$"),
    ],
)
def test_the_servers_own_sentence(client, inputs, signature, said):
    with pytest.raises(ServerError, match=said):
        client.predict(inputs, signature_name=signature)


def test_inputs_that_are_no_arrays(client):
    with pytest.raises(InputError, match=r"takes 2 inputs: pass a dictionary with a, b. .*: list"):
        client.predict([1.0], signature_name="pair")
    with pytest.raises(InputError, match=r"Input 'x' takes numbers.*Received: list"):
        client.predict([[1.0], [1.0, 2.0]])


def test_an_unknown_model(grpc_target):
    with GrpcClient(f"grpc://{grpc_target}", "sing") as client:
        with pytest.raises(ServerError, match=r"Latest\(sing\) \(.*Did you mean 'sink'\?\)$"):
            client.predict([1.0])
        with pytest.raises(ServerError, match="any versions of model sing"):
            client.status()
        with pytest.raises(ServerError, match=r"Latest\(sing\)"):
            client.metadata()


def test_a_deadline(grpc_target):
    with GrpcClient(grpc_target, "sink", timeout=5) as client:
        client.predict([1], signature_name="repeat")  # it knows the signatures now
        client._timeout = 0.01
        with pytest.raises(ServerError, match=r"^grpc://\S+ did not answer within 0.01 seconds.$"):
            client.predict([3000], signature_name="repeat")


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("http://127.0.0.1:8500", {}, "target must be a server's address.*'http://127"),
        ("127.0.0.1", {}, "target must be a server's address.*'127.0.0.1'"),
        ("127.0.0.1:8500", {"retries": -1}, "retries=-1"),
        ("127.0.0.1:8500", {"version": 2, "label": "new"}, "Received: version=2 and label='new'"),
        ("127.0.0.1:8500", {"version": "2"}, "version='2'"),
        ("127.0.0.1:8500", {"label": 2}, "label must be a text.*label=2"),
    ],
)
def test_wrong_arguments(target, options, said):
    with pytest.raises(InputError, match=said):
        GrpcClient(target, "m", **options)


def test_nobody_answers():
    with GrpcClient("127.0.0.1:9", "m", retries=1) as client:
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"^No server answers at grpc://127.0.0.1:9 .*runn"):
            client.status()
        assert time.monotonic() - start >= 0.1


class Flaky(grpc.GenericRpcHandler):
    """Unavailable a few times, then as half_plus_two would answer."""

    def __init__(self, failures):
        self.left = failures
        self.lock = threading.Lock()

    def service(self, details):
        if details.method == PREDICT:
            return grpc.unary_unary_rpc_method_handler(
                self.answer, predict_pb2.PredictRequest.FromString, lambda m: m.SerializeToString()
            )
        return None

    def answer(self, request, context):
        with self.lock:
            self.left -= 1
            if self.left >= 0:
                context.abort(grpc.StatusCode.UNAVAILABLE, "loading")
        context.set_trailing_metadata(((HINT, b"unused"),))
        return predict_pb2.PredictResponse(outputs={"y": to_proto(np.float32([2.5]))})


@pytest.mark.parametrize("failures", [2, 3])
def test_unavailable_is_asked_again(client, failures):
    handler = Flaky(failures)
    pool = ThreadPoolExecutor(1)
    server = grpc.server(pool, [handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with GrpcClient(f"127.0.0.1:{port}", "m", retries=2) as other:
        client.predict([1.0])
        other._signatures = client._signatures  # this server has no metadata
        if failures == 2:
            assert other.predict([1.0]).tolist() == [2.5]
        else:
            with pytest.raises(ServerError, match=r"No server answers at .* \(loading\)"):
                other.predict([1.0])
    server.stop(0).wait()
    pool.shutdown()
