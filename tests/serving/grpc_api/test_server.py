"""gRPC as a part of the server's process: where it listens, health, reflection, how it ends."""

import re
import signal
import socket
import subprocess
import sys

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from dlkit.errors import InputError, ServerError
from dlkit.serving import GrpcClient, Server
from dlkit.serving.core.settings import Settings
from dlkit.serving.grpc_api.server import GrpcServer
from dlkit.serving.process import serve
from dlkit.serving.wire.protobuf.tensors import to_proto
from tests.serving.http_asking import ask
from tests.serving.process.test_serve import run, wait_until_refused

SECONDS = 60
DURATION = np.int32([60_000])  # of the signature "repeat": some seconds, less than its time limit
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def channel(grpc_target):
    with grpc.insecure_channel(grpc_target) as channel:
        yield channel


@pytest.mark.parametrize(
    "service",
    ["", "ModelService", "PredictionService", "tensorflow.serving.PredictionService"],
)
def test_q27_health(channel, service):
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
    assert answer.status == SERVING


def test_q27_unknown_services_have_no_health(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=SECONDS)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def reflect(channel, **request):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(**request)])
    return next(iter(stub.ServerReflectionInfo(requests, timeout=SECONDS)))


def test_q28_reflection_lists_the_services(channel):
    listed = reflect(channel, list_services="").list_services_response.service
    assert {service.name for service in listed} == {
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def test_q28_reflection_describes_them(channel):
    answer = reflect(channel, file_containing_symbol="tensorflow.serving.PredictionService")
    files = answer.file_descriptor_response.file_descriptor_proto  # and what they import
    assert any(b"prediction_service.proto" in file and b"Predict" in file for file in files)


def test_a_server_knows_where_grpc_is(sink_server):
    assert re.fullmatch(r"grpc://127\.0\.0\.1:\d+", sink_server.grpc_url)
    assert sink_server.grpc_target == sink_server.grpc_url.removeprefix("grpc://")
    assert sink_server.grpc_target not in sink_server.url


def test_a_taken_port_is_told_before_the_model_is_loaded(half_plus_two):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(half_plus_two, "--rest-port=0", f"--grpc-port={port}")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Stop what uses it, or"
        " choose another port (grpc_port=0 takes a free one)."
    )


def test_a_port_is_not_shared():
    first = GrpcServer({}, "127.0.0.1:0", threads=1)
    with pytest.raises(RuntimeError):
        GrpcServer({}, f"127.0.0.1:{first.port}", threads=1)
    first.close()


def test_q25_a_socket_that_cannot_be_made(tmp_path):
    path = tmp_path / "missing" / "socket"
    with pytest.raises(ServerError, match=r"Cannot listen on the Unix socket .*/missing/socket"):
        GrpcServer({}, "127.0.0.1:0", 1, Settings(grpc_socket_path=str(path)))


def test_one_port_for_both_is_refused(half_plus_two):
    for start in (Server, serve.serve):
        with pytest.raises(InputError, match=r"must differ.*rest_port=8500, grpc_port=8500"):
            start(half_plus_two, rest_port=8500, grpc_port=8500)


@pytest.fixture
def process(sink):
    """A server as a user starts it, and what it prints."""
    command = [sys.executable, "-m", "dlkit.serving", str(sink), "--rest-port=0", "--grpc-port=0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield process, [process.stdout.readline() for _ in range(2)]
    process.kill()
    process.wait()
    process.stdout.close()


def test_sigterm_lets_the_running_request_finish(process):
    process, (first, second) = process
    grpc_port = int(re.fullmatch(r"Serving sink at grpc://127\.0\.0\.1:(\d+)\n", first)[1])
    url = re.fullmatch(r"Serving sink at (http://\S+)\n", second)[1]
    assert ask(url).status == 200
    request = predict_pb2.PredictRequest(model_spec={"name": "sink", "signature_name": "repeat"})
    request.inputs["n"].CopyFrom(to_proto(DURATION))
    with (
        grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel,
        GrpcClient(f"127.0.0.1:{grpc_port}", "sink", retries=0) as client,
    ):
        assert client.status()[0]["state"] == "AVAILABLE"
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        running = stub.Predict.future(request, timeout=SECONDS)
        while client.predict([1.0]).tolist() != [2.5]:  # which came after it: it is under way
            pass
        process.send_signal(signal.SIGTERM)
        wait_until_refused(grpc_port)
        assert not running.done()
        assert list(running.result().outputs["trace"].float_val) == [64.0]
    assert process.wait(timeout=SECONDS) == 0
