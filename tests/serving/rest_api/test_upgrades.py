"""Offers of another protocol, to a server in a thread: raw sockets, and curl."""

import json
import re
import shutil
import subprocess

import pytest
from uvicorn.protocols.http import auto
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dlkit.serving.rest_api.upgrades import without_upgrades
from tests.serving.rest_api.test_fast_path import Running, post

OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
CHUNKED = (
    b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n%b\r\n"
    b"8\r\n" + b'{"instan' + b'\r\nf\r\nces": [[1, 2]]}\r\n0\r\n\r\n'
) % OFFER


@pytest.fixture(scope="module", params=[HttpToolsProtocol, H11Protocol])
def server(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "AutoHTTPProtocol", request.param)
        server = Running(tmp_path_factory.mktemp("upgrades"))
    yield server
    server.stop()


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("offer", [OFFER, b"Connection: upgrade\r\nUpgrade: websocket\r\n"])
def test_the_body_is_read(server, offer):
    with server.connect() as connection:
        for n in range(3):
            answer = connection.ask(post([[n, 2]], headers=offer))
            assert body_of(answer) == b'{"predictions":[%d.0]}' % (n + 2)
        assert body_of(connection.ask(CHUNKED)) == b'{"predictions":[3.0]}'
        assert body_of(connection.ask(post([[3, 4]]))) == b'{"predictions":[7.0]}'


def test_an_offer_that_ends_the_connection(server):
    request = post([[1, 2]], headers=OFFER.replace(b"Upgrade, ", b"close, Upgrade, "))
    with server.connect() as connection:
        answer = connection.ask(request)
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert body_of(answer) == b'{"predictions":[3.0]}'
        assert connection.is_closed()


@pytest.mark.parametrize("request_", [post([[1, 2]], headers=OFFER), CHUNKED])
def test_it_comes_in_pieces(server, request_):
    for size in (1, 7, len(request_) - 5):
        with server.connect() as connection:
            for start in range(0, len(request_), size):
                connection.send(request_[start : start + size])
            assert body_of(connection.answer()) == b'{"predictions":[3.0]}'


def test_many_in_one_piece(server):
    with server.connect() as connection:
        connection.send(b"".join(post([[n, 2]], headers=OFFER) for n in range(300)))
        for n in range(300):
            assert body_of(connection.answer()) == b'{"predictions":[%d.0]}' % (n + 2)


def test_what_is_wrong_after_an_offer_is_refused(server):
    with server.connect() as connection:
        connection.send(CHUNKED.replace(b"\r\nf\r\n", b"\r\nno\r\n"))
        assert connection.answer().startswith(b"HTTP/1.1 400 ")


def test_a_get_with_an_offer(server):
    with server.connect() as connection:
        for _ in range(2):
            answer = connection.ask(b"GET /healthz HTTP/1.1\r\nHost: h\r\n" + OFFER + b"\r\n")
            assert json.loads(body_of(answer)) == {"status": "ok"}


def test_a_tunnel_is_refused(server):
    with server.connect() as connection:
        connection.send(b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert re.match(rb"HTTP/1.1 4\d\d ", connection.answer())


def test_curl_offers_http2(server):
    host, port = server.address
    command = [shutil.which("curl"), "--silent", "--http2", "-d", '{"instances": [[1, 2]]}']
    url = f"http://{host}:{port}/v1/models/m:predict"
    done = subprocess.run([*command, url, url], capture_output=True, check=True)
    assert done.stdout == 2 * b'{"predictions":[3.0]}'


def test_h11_is_left_as_it_is():
    assert without_upgrades(H11Protocol) is H11Protocol
    assert issubclass(without_upgrades(HttpToolsProtocol), HttpToolsProtocol)
