import os
import re
import socket
import subprocess
import sys

import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving import Client, Server
from tests.serving import saved_models
from tests.serving.http_asking import ask
from tests.serving.process.test_serve import wait_until_refused


def test_a_server_for_the_length_of_a_block(half_plus_two):
    server = Server(half_plus_two, rest_port=0, name="half", num_versions=2, cors=True)
    with pytest.raises(ServerError, match="is not running: call start"):
        _ = server.url
    with pytest.raises(ServerError, match="is not running: call start"):
        _ = server.grpc_url
    assert server.pid is None
    assert server.stop() is None
    with server:
        url = server.url
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1/models/half", url)
        with Client(url) as client:
            assert client.predict([1.0]).tolist() == [2.5]
        assert ask(url).headers["access-control-allow-origin"] == "*"
        with pytest.raises(ServerError, match=f"already running at {url}"):
            server.start()
        with pytest.raises(ServerError, match="no gRPC: start it with grpc_port=0"):
            _ = server.grpc_target
        assert server.stop() == 0
    with Client(url, retries=0) as client, pytest.raises(ServerError, match="is it running"):
        client.predict([1.0])


def test_one_cell_starts_a_server_and_another_stops_it(half_plus_two):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(half_plus_two, rest_port=port)
    for _ in range(2):  # as a notebook that is run twice does
        assert server.start() is server
        assert f":{port}/" in server.url and repr(server).endswith(f", at {server.url}>")
        assert Client(server.url).predict([1.0]).tolist() == [2.5]
        with pytest.raises(ServerError, match=rf"already running at {server.url}; stop\(\) it"):
            server.start()
        assert server.stop() == 0
        assert server.stop() is None and repr(server).endswith(", not running>")
        with pytest.raises(ServerError, match=r"server for .* is not running: call start\(\)"):
            _ = server.url
        socket.create_server(("127.0.0.1", port)).close()  # it is free at once


def test_a_server_that_was_killed_can_be_started_again(half_plus_two):
    server = Server(half_plus_two, rest_port=0).start()
    try:
        first = server.pid
        os.kill(first, 9)
        server._process.wait()
        assert server.start().pid != first
        assert Client(server.url).predict([1.0]).tolist() == [2.5]
    finally:
        assert server.stop() == 0


def test_a_port_in_use_is_named(half_plus_two):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"Cannot listen on 127.0.0.1 port {port}: Address"):
            Server(half_plus_two, rest_port=port).start()


def test_the_childs_last_words_are_the_error(tmp_path):
    saved_models.broken(tmp_path / "m" / "1")
    server = Server(tmp_path / "m", rest_port=0)
    with pytest.raises(
        ServerError, match=r"Model 'm' under .* cannot be served: Cannot parse file"
    ):
        server.start()
    assert server.pid is None


def test_what_can_be_told_at_once_is(tmp_path):
    with pytest.raises(InputError, match=r"Could not find base path .*/none"):
        Server(tmp_path / "none")
    with pytest.raises(InputError, match=r"No versions of servable .*leaf directory as a number"):
        Server(tmp_path)
    saved_models.broken(tmp_path / "1")
    with pytest.raises(InputError, match="Server has no option 'port'"):
        Server(tmp_path, port=1)
    with pytest.raises(InputError, match="name='a:b'"):
        Server(tmp_path, name="a:b")


def test_too_slow_a_start(half_plus_two):
    with pytest.raises(ServerError, match=r"did not answer within 0.01 seconds \(start_seconds\)"):
        Server(half_plus_two, rest_port=0, start_seconds=0.01).start()


def test_the_server_does_not_outlive_a_killed_program(half_plus_two):
    code = (
        "import os, sys; from dlkit.serving import Server;"
        f"server = Server({str(half_plus_two)!r}, rest_port=0); server.start();"
        "print(server.url, server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -9
    url, pid = done.stdout.split()
    port = int(re.search(r":(\d+)/", url)[1])
    try:
        wait_until_refused(port)
    except AssertionError:
        os.kill(int(pid), 9)
        raise


def test_a_server_that_is_no_http_server_is_not_for_a_block(half_plus_two):
    with pytest.raises(InputError, match=r"Server needs a rest_port.*rest_port=None"):
        Server(half_plus_two, rest_port=None, grpc_port=0)
