"""Small SavedModels with known answers, and servers of them as processes of their own.

DLKIT_SINK_URL points the conformance tests at another server of `sink` (below; versions 1 and 2,
both served), such as TensorFlow Serving's container: http://host:8501/v1/models/sink. For gRPC
DLKIT_SINK_GRPC does the same: host:8500.
"""

import http.server
import os
import threading

import pytest

from dlkit.serving import Client, Server
from tests.serving import saved_models


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="session")
def half_plus_two(exports):
    """The base path of y = x / 2 + 2, version 1."""
    base = exports / "half_plus_two"
    saved_models.affine(base / "1")
    return base


@pytest.fixture(scope="session")
def sink(exports):
    """The base path of the model with a signature for each rule; version 1 is a plain one."""
    base = exports / "sink"
    saved_models.affine(base / "1", factor=10.0, offset=0.0)
    saved_models.sink(base / "00000002")
    return base


@pytest.fixture(scope="session")
def tf1(exports):
    base = exports / "tf1"
    saved_models.tf1(base / "1")
    return base


@pytest.fixture(scope="session")
def sink_server(sink):
    """A server of `sink` with both of its versions and all options at their defaults."""
    with Server(sink, rest_port=0, grpc_port=0, num_versions=2) as server:
        yield server


@pytest.fixture(scope="session")
def sink_url(request):
    return os.environ.get("DLKIT_SINK_URL") or request.getfixturevalue("sink_server").url


@pytest.fixture(scope="session")
def grpc_target(request):
    return os.environ.get("DLKIT_SINK_GRPC") or request.getfixturevalue("sink_server").grpc_target


@pytest.fixture(scope="session")
def tight_server(sink):
    """A server of `sink` with every option turned the other way."""
    options = {"cors": True, "timeout_seconds": 1.0, "max_body_bytes": 20_000, "threads": 2}
    with Server(sink / "00000002", name="sink", rest_port=0, grpc_port=0, **options) as server:
        yield server


@pytest.fixture(scope="session")
def tight_url(tight_server):
    return tight_server.url


@pytest.fixture
def client(sink_url):
    with Client(sink_url) as client:
        yield client


@pytest.fixture
def scripted():
    """A server that answers with what `answers` says: a status and a body, or None to hang up."""
    answers, seen = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.path, body))
            answer = answers.pop(0)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST  # noqa: N815 - as above

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/models/m", answers, seen
    server.shutdown()
    thread.join()
    server.server_close()
