"""`serve` as its own process: what it says, how it ends."""

import http.client
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving.process import serve
from tests.serving import saved_models
from tests.serving.http_asking import ask


def run(*arguments):
    """Run `python -m dlkit.serving` to its end."""
    command = [sys.executable, "-m", "dlkit.serving", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_port_in_use(half_plus_two):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(half_plus_two, f"--rest-port={port}")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Stop what uses it, or"
        " choose another port (rest_port=0 takes a free one)."
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda base: None, "Could not find base path .*/m: serve takes a directory that holds"),
        (pathlib.Path.touch, r"Could not read base path .*/m \(Not a directory\): serve takes"),
        (pathlib.Path.mkdir, r"No versions of servable m found under base path .*\(eg. '/1/'\)\?"),
    ],
    ids=["missing", "unreadable", "L10"],
)
def test_nothing_to_serve(tmp_path, make, sentence):
    make(tmp_path / "m")
    done = run(tmp_path / "m", "--rest-port=0")
    assert done.returncode == 2
    assert re.search(sentence, done.stderr.strip().splitlines()[-1])
    assert "Traceback" not in done.stderr


def test_bad_arguments_are_sentences(half_plus_two, monkeypatch):
    with pytest.raises(InputError, match="no option 'por'"):
        serve.serve(half_plus_two, por=1)
    with pytest.raises(InputError, match=r"name must be a word without '/' and ':'.*name='a/b'"):
        serve.serve(half_plus_two, name="a/b")
    for host, port in (("127.0.0.1", 70000), ("300.1.1.1", 0)):
        with pytest.raises(ServerError, match=f"Cannot listen on {host} port {port}: "):
            serve.serve(half_plus_two, host=host, rest_port=port)


@pytest.fixture
def process(sink):
    """A server as a user starts it, and the URL that it prints."""
    command = [sys.executable, "-m", "dlkit.serving", str(sink), "--rest-port=0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    line = process.stdout.readline()
    assert line.startswith("Serving sink at http://127.0.0.1:")
    yield process, line.split()[-1]
    process.kill()
    process.wait()
    process.stdout.close()


def wait_until_refused(port):
    """Poll until nobody listens on `port`."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionError:
            return
        time.sleep(0.01)
    raise AssertionError(f"port {port} is still open")


def test_sigterm_lets_the_running_request_finish(process):
    """The request is under way (the server has said 100 Continue) when the signal comes."""
    process, url = process
    port = int(re.search(r":(\d+)/", url)[1])
    assert ask(url).status == 200
    body = b'{"signature_name": "repeat", "inputs": [3000]}'
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(
            b"POST /v1/models/sink:predict HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        answer = connection.makefile("rb")
        assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
        process.terminate()
        wait_until_refused(port)
        connection.sendall(body)
        text = answer.read()
    assert b"HTTP/1.1 200 OK" in text
    assert text.endswith(b'{"outputs":[64.0]}')
    assert process.wait(timeout=60) == 0


def test_idle_connections_do_not_hold_the_server(process):
    process, url = process
    port = int(re.search(r":(\d+)/", url)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200 OK")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_r21_the_port_is_this_machines_only(sink_url):
    port = int(re.search(r":(\d+)/", sink_url)[1])
    rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {row.split()[1] for row in rows if row.split()[3] == "0A"}
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening


def test_answers_leave_at_once(sink_url):
    """Nagle's algorithm would hold each answer back for 40 ms, 100 of them for 4 s."""
    connection = http.client.HTTPConnection(urlsplit(sink_url).netloc)
    took = []
    for _ in range(100):
        start = time.perf_counter()
        connection.request("POST", "/v1/models/sink:predict", b'{"instances": [1.0]}')
        assert connection.getresponse().read() == b'{"predictions":[2.5]}'
        took.append(time.perf_counter() - start)
    connection.close()
    assert statistics.quantiles(took, n=4)[0] < 0.03  # more can have waited for the processor


def test_the_default_name(tmp_path):
    assert serve.default_name(tmp_path / "digits") == "digits"
    saved_models.broken(tmp_path / "digits" / "3")
    assert serve.default_name(tmp_path / "digits" / "3") == "digits"
    assert os.path.basename(tmp_path) == serve.default_name(tmp_path)
