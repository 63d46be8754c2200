"""The servers that benchmarks/serving.py measures: how each is started and what it speaks."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from dlkit.serving import Server

PEERS = pathlib.Path(__file__).parent / "serving_peers"
START_SECONDS = 120
KEEP_ALIVE = 60  # seconds; by default busy servers hang up on those who wait


def rows(images):
    """Return a request as a client of most servers writes it."""
    return json.dumps({"instances": images.tolist()}, separators=(",", ":")).encode()


def v2(images):
    """Return a request of the Open Inference Protocol, which MLServer speaks."""
    one = {"name": "image", "shape": images.shape, "datatype": "FP32"}
    data = images.reshape(-1).tolist()
    return json.dumps({"inputs": [{**one, "data": data}]}, separators=(",", ":")).encode()


def predict_request(images):
    """Return a serialized request of TensorFlow Serving's gRPC API."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "clothes"
    request.inputs["image"].CopyFrom(tf.make_tensor_proto(images))  # as bytes, not as numbers
    return request.SerializeToString()


def predictions(body):
    return json.loads(body)["predictions"]


def predict_response(body):
    found = predict_pb2.PredictResponse.FromString(body).outputs["predictions"]
    return tf.make_ndarray(found)


@dataclass(frozen=True)
class Side:
    """What one row of the table is about.

    Args:
        name: What it is called.
        server: The name of the server that it asks; several may ask the same.
        path: The URL's path.
        pack: Makes a request's body of images.
        unpack: Makes a list of probabilities of an answer's body.
        protocol: http or grpc.
    """

    name: str
    server: str
    path: str = "/predict"
    pack: Callable = rows
    unpack: Callable = predictions
    protocol: str = "http"


_OURS = "/v1/models/clothes:predict"
_V2 = {
    "path": "/v2/models/clothes/infer",
    "pack": v2,
    "unpack": lambda body: np.reshape(json.loads(body)["outputs"][0]["data"], (-1, 10)),
}
_GRPC = {"pack": predict_request, "unpack": predict_response, "protocol": "grpc"}

SIDES = (
    Side("dlkit", "dlkit", _OURS),
    # A server of its own: gRPC's messages are TensorFlow's, and bring it in.
    Side("dlkit gRPC", "dlkit gRPC", **_GRPC),
    Side("dlkit onnx", "dlkit onnx", _OURS),
    Side("dlkit onnx gRPC", "dlkit onnx gRPC", **_GRPC),
    Side("fastapi", "fastapi"),
    Side("bentoml", "bentoml", unpack=json.loads),
    Side("bentoml joined", "bentoml joined", unpack=json.loads),
    Side("litserve", "litserve"),
    Side("litserve joined", "litserve joined"),
    Side("mlserver", "mlserver", **_V2),
    Side("mlserver joined", "mlserver joined", **_V2),
    Side("former", "former", _OURS),
    Side("former onnx", "former onnx", _OURS),
)


@dataclass
class Running:
    """A server that runs.

    Args:
        ports: Its port by protocol.
        process: Its first process.
        ready_seconds: How long it took from start to answer.
    """

    ports: dict[str, int]
    process: psutil.Process
    ready_seconds: float = 0.0

    def tree(self):
        return [self.process, *self.process.children(recursive=True)]

    def pause(self):
        """Stop it while others are measured: what it does when nobody asks costs them nothing."""
        for process in self.tree():
            process.suspend()

    def go_on(self):
        for process in self.tree():
            process.resume()

    def megabytes(self):
        """Return the resident memory of all its processes."""
        return sum(process.memory_info().rss for process in self.tree()) / 2**20


def start(name: str, base: pathlib.Path, peers: pathlib.Path, stack: Any) -> Running:
    """Start the server `name`.

    Args:
        name: As in a side's `server`.
        base: The exported model's base path.
        peers: The folder of the peers' environments, each under its peer's name.
        stack: What stops it.

    Raises:
        RuntimeError: saying why it does not run.
    """
    begin = time.perf_counter()
    if name.startswith("dlkit"):
        running = _start_dlkit(name, base, stack)
    else:
        running = _start_peer(name, base, peers, stack)
    running.ready_seconds = time.perf_counter() - begin
    return running


def _start_dlkit(name, base, stack):
    options = {"runtime": "onnx" if "onnx" in name else "tensorflow"}
    if name.endswith("gRPC"):  # REST joins requests without being told
        options |= {"grpc_port": 0, "batching": True}
    try:
        server = Server(base, rest_port=0, **options)
        stack.enter_context(server)
    except Exception as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
    rest = int(server.url.split(":")[2].split("/")[0])
    ports = {"http": rest}
    if "grpc_port" in options:
        ports["grpc"] = int(server.grpc_target.split(":")[1])
    running = Running(ports, psutil.Process(server.pid))
    stack.callback(running.go_on)  # a process that is stopped does not end
    return running


def _start_peer(name, base, peers, stack):
    peer, _, joined = name.partition(" ")
    programs = peers / peer / "bin"
    scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    scratch = pathlib.Path(stack.enter_context(scratch))
    port = free_port()
    if peer == "mlserver":
        write_settings(scratch, port, joined)
    at = ["--port", str(port), "--timeout-keep-alive", str(KEEP_ALIVE)]
    program, *options = {
        "fastapi": ["uvicorn", "fastapi_app:app", "--log-level", "warning", *at],
        "bentoml": ["bentoml", "serve", "bento_service:Model", *at],
        "litserve": ["python", "lit_server.py", str(port), str(KEEP_ALIVE)],
        "mlserver": ["mlserver", "start", str(scratch)],
        "former": ["python", "former_dlkit.py", str(port), joined or "tensorflow"],
    }[peer]
    if not (programs / program).exists():
        raise RuntimeError(f"there is no {os.path.relpath(programs / program)}")
    environment = {
        **os.environ,
        "MODEL": str(base / "1"),
        "BATCH": "32" if joined else "0",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PEERS),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(scratch),
    }
    log = (scratch / "log").open("wb")
    process = subprocess.Popen(
        [programs / program, *options],
        cwd=PEERS,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    running = Running({"http": port}, psutil.Process(process.pid))
    stack.callback(stop, process, running)
    side = next(side for side in SIDES if side.server == name)
    wait_for_answer(process, port, side, scratch / "log")
    return running


def write_settings(folder, port, joined):
    """Write what MLServer reads."""
    settings = {"host": "127.0.0.1", "http_port": port}
    settings |= {"grpc_port": free_port(), "metrics_port": free_port()}
    # Its default, a process that predicts beside the one that answers, never ends loading here.
    settings["parallel_workers"] = 0
    folder.joinpath("settings.json").write_text(json.dumps(settings))
    model = {"name": "clothes", "implementation": "ml_server.Model", "parameters": {"uri": "."}}
    if joined:
        model |= {"max_batch_size": 32, "max_batch_time": 0.002}
    folder.joinpath("model-settings.json").write_text(json.dumps(model))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for_answer(process, port, side, log):
    """Wait until the server answers a request as it should."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it ended: {last_line(log)}")
        if answers(port, side):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no answer within {START_SECONDS} seconds: {last_line(log)}")


def answers(port, side):
    """Say if the server answers a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = side.pack(np.zeros((1, 28, 28, 1), np.float32))
    try:
        connection.request("POST", side.path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def last_line(log):
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "without a word"


def stop(process, running):
    """Stop a server and what it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        tree = running.tree()
        for one in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()
                one.terminate()
        _, alive = psutil.wait_procs(tree, timeout=10)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()
