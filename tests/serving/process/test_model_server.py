"""`dlkit-model-server` as a script starts it: TensorFlow Serving's flags and exit statuses."""

import signal
import socket
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from dlkit.serving.process import model_server
from dlkit.serving.runtimes.warmup import WARMUP_FILE
from dlkit.serving.wire.protobuf.tensors import to_proto
from tests.serving import saved_models
from tests.serving.http_asking import ask

SECONDS = 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until_open(port, process):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except ConnectionError:
            time.sleep(0.002)
    raise AssertionError("the server never opened its port")


@pytest.fixture(scope="module")
def ports():
    return free_port(), free_port()


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory):
    return tmp_path_factory.mktemp("s") / "grpc"


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """The base path of half_plus_two with warm-up requests that cannot be read."""
    base = tmp_path_factory.mktemp("cold")
    saved_models.affine(base / "1")
    (base / "1" / WARMUP_FILE).parent.mkdir()
    (base / "1" / WARMUP_FILE).write_bytes(b"this is no TFRecord file, and long enough to tell")
    return base


@pytest.fixture(scope="module")
def process(cold, ports, socket_path):
    flags = [
        f"--port={ports[0]}",
        *("--rest_api_port", str(ports[1])),
        f"--model_base_path={cold}",
        "--enable_model_warmup=false",
        f"--grpc_socket_path={socket_path}",
        "--grpc_channel_arguments=grpc.max_concurrent_streams=9,grpc.x=y",
        "--enable_serialization_as_tensor_content",
        "--tensorflow_session_parallelism=1",
        "--file_system_poll_wait_seconds=0",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "dlkit.serving.process.model_server", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0
    process.stdout.close()


def predict(target):
    request = predict_pb2.PredictRequest(model_spec={"name": "default"})
    request.inputs["x"].CopyFrom(to_proto(np.float32([1.0])))
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=SECONDS).outputs["y"]


def test_w8_no_warmup_where_none_is_wanted(process, ports):
    """With it, the version would not be served at all."""
    wait_until_open(ports[1], process)
    url = f"http://127.0.0.1:{ports[1]}/v1/models/default"
    assert ask(url).json["model_version_status"][0]["state"] == "AVAILABLE"
    answer = ask(url, "POST", ":predict", body={"instances": [1.0]})
    assert answer.json == {"predictions": [2.5]}


def test_r23_the_ports_open_when_the_model_is_loaded(process, ports):
    """The very first connection that is accepted gets its answer."""
    wait_until_open(ports[1], process)
    url = f"http://127.0.0.1:{ports[1]}/v1/models/default"
    answer = ask(url, "POST", ":predict", body={"instances": [1.0]})
    assert (answer.status, answer.json) == (200, {"predictions": [2.5]})
    assert predict(f"127.0.0.1:{ports[0]}").tensor_content


def test_q2_tensor_content_where_it_is_asked_for(process, ports):
    wait_until_open(ports[0], process)
    found = predict(f"127.0.0.1:{ports[0]}")
    assert found.tensor_content == np.float32([2.5]).tobytes()
    assert list(found.float_val) == []


def test_q25_a_unix_socket(process, ports, socket_path):
    wait_until_open(ports[0], process)
    assert predict(f"unix:{socket_path}").tensor_content == np.float32([2.5]).tobytes()


def test_r22_one_port_for_both_is_grpc_alone(capsys):
    assert model_server._ports(9000, 9000) == {"grpc_port": 9000, "rest_port": None}
    assert "--rest_api_port cannot be same as --port." in capsys.readouterr().err
    assert model_server._ports(9000, 9001) == {"grpc_port": 9000, "rest_port": 9001}
    assert model_server._ports(9000, 0) == {"grpc_port": 9000, "rest_port": None}
    assert model_server._ports(0, 9001) == {"grpc_port": None, "rest_port": 9001}


@pytest.mark.parametrize(
    ("flags", "status", "sentence"),
    [
        pytest.param(
            [],
            2,
            "Both server_options.model_base_path and server_options.model_config_file are empty!",
            id="L13",
        ),
        pytest.param(["--por=1"], 2, "Unknown flag: --por. Did you mean '--port'?", id="unknown"),
        pytest.param(["--model_base_path=/n"], 2, "Could not find base path /n", id="L9"),
        pytest.param(["--model_config_file=/n"], 2, "model_config_file /n cannot be", id="L15"),
        pytest.param(["--model_base_path=/n", "--port=0"], 2, "Could not find", id="ports"),
    ],
)
def test_what_ends_the_start(capsys, flags, status, sentence):
    assert model_server.main(flags) == status
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param(
            [], "batching_parameters_file is set without setting server_options.", id="B2"
        ),
        pytest.param(["--enable_batching"], "last entry was 8; expected 16", id="B4"),
    ],
)
def test_batching_that_ends_the_start(half_plus_two, tmp_path, capsys, flags, sentence):
    file = tmp_path / "batching"
    file.write_text("max_batch_size { value: 16 } allowed_batch_sizes: 8")
    flags = [*flags, f"--batching_parameters_file={file}", f"--port={free_port()}"]
    assert model_server.main([f"--model_base_path={half_plus_two}", *flags]) == 2
    assert sentence in capsys.readouterr().err


def test_r23_a_model_that_does_not_load_ends_the_start(tmp_path, capsys):
    saved_models.broken(tmp_path / "1")
    assert model_server.main([f"--model_base_path={tmp_path}", f"--port={free_port()}"]) == 255
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("Failed to start server. Error: Model 'default' under ")


def test_l13_the_file_wins(tmp_path):
    flags = [f"--model_config_file={tmp_path}/none", "--model_base_path=/n", "--model_name=m"]
    arguments = model_server._arguments(model_server.parse_flags(flags))
    assert arguments["model_config_file"] == f"{tmp_path}/none"
    assert "base" not in arguments and "name" not in arguments


def test_l14_the_default_name():
    arguments = model_server._arguments(model_server.parse_flags(["--model_base_path=/m"]))
    assert (arguments["base"], arguments["name"]) == ("/m", "default")
    assert (arguments["grpc_port"], arguments["rest_port"]) == (8500, None)


def test_the_version(capsys):
    assert model_server.main(["--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("dlkit ModelServer: 0.")
    assert second.startswith("TensorFlow Library: 2.")
