"""A started server and clients that are too slow, too large or not HTTP: raw sockets throughout."""

import contextlib
import itertools
import json
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dlkit.serving import Server
from dlkit.serving.rest_api.connection_timeouts import HEAD_BYTES, PATH_BYTES
from tests.serving.http_asking import ask, predict
from tests.serving.rest_api.test_fast_path import Connection
from tests.serving.waiting import wait_for

SECONDS = 60
HEAD = b"POST /v1/models/sink:predict HTTP/1.1\r\nHost: h\r\n"
PATIENCE = 1.0
TRIES = 5  # a busy machine may let a client wait until the server takes it for a slow one


@pytest.fixture(scope="module")
def server(sink):
    with Server(sink, rest_port=0, client_seconds=PATIENCE) as server:
        yield server
        assert predict(server.url, {"instances": [1.0]}).json == {"predictions": [2.5]}


@pytest.fixture
def connection(server):
    with connect(server.url) as connection:
        yield connection


def connect(url):
    return socket.create_connection(("127.0.0.1", port_of(url)), timeout=SECONDS)


def port_of(url):
    return int(re.search(r":(\d+)/", url)[1])


def read_all(connection):
    """Return what comes until the server closes."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:  # it closed with some of ours unread
        pass
    return b"".join(pieces)


def check_refusal(text, status, sentence):
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), text[:200]
    assert b"connection: close" in head.lower()
    assert sentence in json.loads(body)["error"]


def drip(connection, data=b"x"):
    """Send a byte every 50 ms for as long as the server takes them; return what it says."""
    for _ in range(20 * SECONDS):
        try:
            connection.sendall(data)
        except OSError:
            break
        if select.select([connection], [], [], 0.05)[0]:
            break
    return read_all(connection)


# ------------------------------------------------------------------ slow to send


@pytest.mark.parametrize("start", [b"", b"GET /v1/models/sink HTT", HEAD])
def test_a_head_that_does_not_come(server, start):
    begin = time.monotonic()
    with connect(server.url) as connection:
        connection.sendall(start)
        text = read_all(connection)
    assert PATIENCE * 0.9 < time.monotonic() - begin < 10 * PATIENCE
    if start:
        check_refusal(text, 408, "The request's head did not come within 1 seconds")
    else:
        assert text == b""


def test_a_head_that_drips(connection):
    connection.sendall(HEAD + b"x-long: ")
    check_refusal(drip(connection), 408, "head did not come")


def test_the_head_of_a_second_request(connection):
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
    first = b""
    while not first.endswith(b'"status": "ok"\n}'):
        first += connection.recv(1000)
    assert first.startswith(b"HTTP/1.1 200")
    connection.sendall(b"GET /hea")
    check_refusal(drip(connection), 408, "head did not come")


@pytest.mark.parametrize("dripping", [False, True])
def test_a_body_that_does_not_come(connection, dripping):
    connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n{")
    text = drip(connection) if dripping else read_all(connection)
    check_refusal(text, 408, "The request's body did not come within 1 seconds")


def test_a_chunked_body_that_drips(connection):
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
    check_refusal(drip(connection, b"1\r\n \r\n"), 408, "body did not come")


def test_slow_clients_hold_nobody_else(server):
    for _ in range(TRIES):
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(connect(server.url)) for _ in range(100)]
            refused = select.poll()
            for connection in slow:
                refused.register(connection, select.POLLIN)
                connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n")
            for _ in range(5):
                assert predict(server.url, {"instances": [1.0]}).status == 200
            in_time = not refused.poll(0)
            for connection in slow:
                check_refusal(read_all(connection), 408, "did not come within 1 seconds")
        if in_time:
            break
    assert in_time, "others are answered when the slow ones have been refused"


# ------------------------------------------------------------------ slow to take


def test_an_answer_that_nobody_takes(server):
    """Some 10 MB, of which the kernel takes a part; the rest must not lie there for ever."""
    body = b'{"inputs": [' + b"0.123456,0.234567," * 500_000 + b"1.0]}"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(SECONDS)
        connection.connect(("127.0.0.1", port_of(server.url)))
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert connection.recv(12) == b"HTTP/1.1 200"
        poll = select.poll()
        poll.register(connection, 0)  # errors alone
        assert poll.poll(1000 * SECONDS), "the server still holds the answer"


def take_slowly(connection):
    """Return what comes until the server closes, and the seconds before each piece but the first.

    Three megabytes a second at most.
    """
    pieces, times = [], []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            pieces.append(piece)
            times.append(time.monotonic())
            time.sleep(0.02)
    return b"".join(pieces), [after - before for before, after in itertools.pairwise(times)]


def test_an_answer_that_is_taken_slowly_is_not_cut(server):
    body = b'{"inputs": [' + b"0.123456,0.234567," * 500_000 + b"1.0]}"
    wanted = predict(server.url, body).body
    for _ in range(TRIES):
        with connect(server.url) as connection:
            head = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
            connection.sendall(head + body)
            text, seconds = take_slowly(connection)
        if max(seconds) < PATIENCE / 2:
            break
    assert text.partition(b"\r\n\r\n")[2] == wanted
    assert sum(seconds) > 2 * PATIENCE


# ------------------------------------------------------------------ too large, and not HTTP


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("header", [b"x: " + b"y" * 5 * HEAD_BYTES, b"x: y\r\n" * HEAD_BYTES])
def test_heads_that_are_too_large(connection, header, ended):
    with contextlib.suppress(ConnectionError):  # it may hang up before all of it was sent
        connection.sendall(HEAD + header + (b"\r\n\r\n" if ended else b""))
    text = read_all(connection)
    if text:  # unless the reset overtook it
        check_refusal(text, 431, "Request line and headers are larger than 65536 bytes")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"\r\n\r\n\x00\x00\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Connection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b"x: a\x00b\r\n\r\n",
        b"GET /v1/models/\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
)
def test_what_is_no_http(server, connection, garbage):
    connection.sendall(garbage)
    text = read_all(connection)
    assert re.match(rb"HTTP/1.1 (400|413|501) ", text), text
    body = text.partition(b"\r\n\r\n")[2]
    assert isinstance(json.loads(body)["error"], str)


def test_random_bytes(server):
    chance = random.Random(0)
    for _ in range(300):
        with connect(server.url) as connection:
            connection.sendall(chance.randbytes(chance.randrange(1, 200)) + b"\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            text = read_all(connection)
        assert text == b"" or text.startswith(b"HTTP/1.1 4"), text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/../../../etc/passwd",
        "/v1/models/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/models/%2e%2e:predict",
        "/v1/models/..:predict",
        "/v1/models/%2fetc%2fpasswd:predict",
        "/v1/models/sink%2f..%2f..:predict",
        "/v1/models/sink/labels/..%2f..:predict",
        "/v1/models/sink/versions/../1:predict",
        "/v1/models/sink%00:predict",
        "/v1/models/%c0%ae%c0%ae%c0%af:predict",
        "/v1/models/..\\..\\x:predict",
        "/docs/../../etc/passwd",
        "//etc/passwd",
        "/openapi.json/../x",
    ],
)
def test_names_that_are_paths_reach_no_file(server, path):
    for method in ("GET", "POST"):
        answer = ask(server.url, method, path, body=b'{"instances": [1.0]}')
        assert answer.status in (400, 404)
        assert b"root:" not in answer.body


def test_a_body_that_nobody_reads_is_no_next_request(connection):
    """It is announced, and refused by the path before it has come."""
    connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n{")
    text = read_all(connection)
    assert text.startswith(b"HTTP/1.1 404 ")
    assert b"connection: close" in text
    assert text.count(b"HTTP/1.1") == 1


def test_a_second_request_that_is_no_http(connection):
    """Some parsers see it before the first is answered; either way nothing comes after the 400."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n")
    answers = re.split(rb"(?=HTTP/1.1 \d)", read_all(connection))[1:]
    assert len(answers) <= 2
    check_refusal(answers[-1], 400, "This is no HTTP/1.1 request")


@pytest.mark.parametrize(
    ("head", "hosts"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 0),
        (b"POST /v1/models/sink:predict HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 0),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: a\r\n\r\n", 2),
        (b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 2),
    ],
)
def test_a_request_has_one_host(connection, head, hosts):
    connection.sendall(head)
    sentence = f"A request has one Host header, and this one has {hosts}"
    check_refusal(read_all(connection), 400, sentence)


@pytest.mark.parametrize("host", [b"", b"Host: h\r\n", b"Host:\r\n"])
def test_http_1_0_may_have_none(connection, host):
    connection.sendall(b"GET /healthz HTTP/1.0\r\n" + host + b"\r\n")
    assert read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("more", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
@pytest.mark.parametrize("target", [b"/v1/models/%b:predict", b"/v1/models/sink?%b"])
def test_paths_that_are_too_long(server, target, more):
    for size, status in ((PATH_BYTES + 1, b"414"), (PATH_BYTES, b"404")):
        path = target % (b"m" * (size - len(target % b"")))
        with connect(server.url) as connection:
            connection.sendall(b"GET %b HTTP/1.1\r\nHost: h\r\n%b\r\n" % (path, more))
            connection.shutdown(socket.SHUT_WR)
            text = read_all(connection)
        if status == b"414":
            check_refusal(text, 414, f"The path is longer than {PATH_BYTES} bytes")
        else:
            assert not text.startswith(b"HTTP/1.1 414 ")


@pytest.mark.parametrize(
    ("path", "chunked", "status"),
    [(":predict", False, 413), (":predict", True, 413), (":nothing", False, 400)],
)
def test_who_is_refused_while_sending_gets_the_answer(tight_url, path, chunked, status):
    """Most clients send all before they read, and this is more than the kernel's buffers hold."""
    data = b"x" * 2**20
    for _ in range(3):
        body = {"chunks": iter([data] * 20)} if chunked else {"body": data * 20}
        answer = ask(tight_url, "POST", path, **body)
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        assert answer.error


# ------------------------------------------------------------------ the end


@pytest.fixture
def process(sink):
    command = [sys.executable, "-m", "dlkit.serving", str(sink), "--rest-port=0"]
    options = ["--drain-seconds=1", "--timeout-seconds=0"]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process, process.stdout.readline().split()[-1]
    process.kill()
    process.communicate()


def test_sigterm_waits_for_a_slow_body_within_its_bound(process):
    process, url = process
    with connect(url) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        check_refusal(read_all(connection), 503, "The server is shutting down")
        assert time.monotonic() - begin > 0.9
    assert process.wait(SECONDS) == 0
    assert time.monotonic() - begin < 20


def test_sigterm_ends_a_prediction_that_never_does(process):
    process, url = process
    body = b'{"signature_name": "repeat", "inputs": [2147483647]}'
    with connect(url) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        process.send_signal(signal.SIGTERM)
        check_refusal(read_all(connection), 503, "The server is shutting down")
    assert process.wait(SECONDS) == 1
    assert "Something still runs after drain_seconds" in process.stderr.read()


def test_sigterm_answers_what_was_already_sent(process):
    """16 clients that ask again with each answer: none is cut before it was told to go."""
    process, url = process
    body = b'{"instances": [1.0]}'
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answers, begun = [], threading.Barrier(17)

    def ask_again_and_again():
        with Connection(("127.0.0.1", port_of(url))) as connection:
            begun.wait(SECONDS)
            answer = b""
            while b"\r\nconnection: close" not in answer:
                answer = connection.ask(request)
                answers.append(answer)

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(ask_again_and_again) for _ in range(16)]
        begun.wait(SECONDS)
        wait_for(lambda: len(answers) > 160)
        process.send_signal(signal.SIGTERM)
        for client in clients:
            client.result(SECONDS)
    assert all(answer.endswith(b'{"predictions":[2.5]}') for answer in answers)
    assert process.wait(SECONDS) == 0


def test_sigterm_answers_whoever_has_connected(process):
    """16 clients that connect for each request: some are not accepted yet as the port closes."""
    process, url = process
    body = b'{"instances": [1.0]}'
    request = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    answers = []

    def ask_until_refused():
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                with connect(url) as connection:
                    connection.sendall(request)
                    answers.append(read_all(connection))

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(ask_until_refused) for _ in range(16)]
        wait_for(lambda: len(answers) > 160)
        process.send_signal(signal.SIGTERM)
        for client in clients:
            client.result(SECONDS)
    assert all(answer.endswith(b'{"predictions":[2.5]}') for answer in answers)
    assert process.wait(SECONDS) == 0
