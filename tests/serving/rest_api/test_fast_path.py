"""The fast path against the long way: a server in a thread, raw sockets, a model in NumPy.

The first request of a connection goes the long way, so its answer is what the short one has to be,
byte by byte but for the date.
"""

import asyncio
import contextlib
import gzip
import http.client
import itertools
import json
import random
import re
import select
import socket
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dlkit.serving import Client
from dlkit.serving.core.latency import RunTimes
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.inference.adaptive_batching import _settle
from dlkit.serving.observability import metrics
from dlkit.serving.process import run as running
from dlkit.serving.rest_api import fast_path
from dlkit.serving.rest_api.app import RestApi
from dlkit.serving.rest_api.fast_path import Head, with_fast_path
from dlkit.serving.versions.served_model import ServedModel
from tests.serving import fuzzing
from tests.serving.inference.test_inline_execution import Sums
from tests.serving.waiting import SECONDS, wait_for

KEY = "correct horse battery staple"


class Quick(RunTimes):
    """Sends all to the event loop, however busy the machine of the tests is."""

    def expected(self, what, rows):
        return 1.0

    def is_cheap(self, what):
        return True


class Hooked(Sums):
    """Calls `hook` in each run, and answers wide rows with as many numbers."""

    hook = staticmethod(lambda: None)

    def __init__(self):
        super().__init__()
        self.times = Quick()

    def run(self, signature_name, inputs):
        self.hook()
        found = super().run(signature_name, inputs)
        if inputs["x"].shape[-1] > 100:
            return {"y": inputs["x"] / 3}
        return found


class Running:
    """A server in a thread of this process.

    Attributes:
        short: How many requests took the fast path.
    """

    def __init__(self, folder, **options):
        (folder / "1").mkdir()
        self.runtime = Hooked()
        model = ServedModel("m", folder, lambda path: self.runtime)
        model.poll()
        settings = Settings(**options)
        self._pool = ThreadPoolExecutor(2)
        self.api = RestApi(
            {"m": model, "m?x=": model, "m#x": model},
            self._pool,
            cors=settings.cors,
            max_body_bytes=settings.max_body_bytes,
            join=True,
        )
        self.short = 0
        self._spy()
        ending = types.SimpleNamespace(begin=lambda: None)
        self.server = running._Draining(
            running._uvicorn_config(self.api, settings),
            rpc=None,
            ended=threading.Event(),
            end=ending,
            seconds=settings.drain_seconds,
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _spy(self):
        take = self.api.batcher.take

        def counted(*given):
            taken = take(*given)
            self.short += taken and given[-1].func is not _settle  # which is the long way's
            return taken

        self.api.batcher.take = counted

    def _run(self):
        with asyncio.Runner(loop_factory=self.server.config.get_loop_factory()) as runner:
            self.loop = runner.get_loop()
            runner.run(self.server.serve(sockets=[self._listener]))

    def stop(self):
        self.server.should_exit = True
        self._thread.join(SECONDS)
        self._pool.shutdown()
        assert not self._thread.is_alive()

    def connect(self):
        return Connection(self.address)

    def protocol(self, connection):
        """Return the server's end of a connection."""
        ours = self.server.server_state.connections
        (found,) = (end for end in ours if end.client == connection.address)
        return found

    @contextlib.contextmanager
    def hooked(self, hook):
        """Have each run begin with a call of `hook`, within a block."""
        self.runtime.hook = hook
        try:
            yield
        finally:
            del self.runtime.hook


class Connection:
    """One client, which reads answers one after the other."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=SECONDS)
        self.address = self._socket.getsockname()
        self._got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def answer(self):
        """Return the next answer without its date; what there is when the server hangs up."""
        while not (found := re.match(rb"(?s)(.*?\r\n)content-length: (\d+)\r\n", self._got)):
            if not self._receive():
                return self._got
        end = self._got.find(b"\r\n\r\n") + 4 + int(found[2])
        while len(self._got) < end:
            if not self._receive():
                return self._got
        answer, self._got = self._got[:end], self._got[end:]
        assert len(re.findall(rb"\r\ndate: [^\r]+ GMT\r\n", answer)) == 1
        return re.sub(rb"\r\ndate: [^\r]+", b"", answer)

    def _receive(self):
        try:
            data = self._socket.recv(1 << 20)
        except ConnectionResetError:
            return b""
        self._got = (self._got + data).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        return data

    def ask(self, data):
        self.send(data)
        return self.answer()

    def is_closed(self):
        return self._socket.recv(1) == b""

    def is_silent(self):
        return not select.select([self._socket], [], [], 0.3)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Running(tmp_path_factory.mktemp("fast_path"), cors=True, max_body_bytes=50_000)
    yield server
    server.stop()


@pytest.fixture
def connection(server):
    """A connection whose first request has been answered."""
    with server.connect() as connection:
        assert connection.ask(post([[1, 2]])) == ok({"predictions": [3.0]})
        server.short = 0
        yield connection


def post(instances, path="/v1/models/m:predict", headers=b"", body=None):
    body = json.dumps({"instances": instances}).encode() if body is None else body
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\n".encode() + headers
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def ok(answer):
    body = json.dumps(answer, separators=(",", ":")).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\naccess-control-allow-origin: *\r\n"
        b"access-control-allow-methods: POST, GET\r\naccess-control-allow-headers: Content-Type"
        b"\r\ncontent-length: %d\r\n\r\n" % len(body)
    ) + body


def test_the_next_requests_are_answered_alike(server, connection):
    for n in (3, 44, 5.5, -1000):
        assert connection.ask(post([[n, n]])) == ok({"predictions": [2.0 * n]})
    assert server.short == 4


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n",
        b"content-type:application/json\r\nX-Content-Length: 7\r\n",
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_heads_of_other_clients(server, headers, last):
    def request(n):
        text = post([[n, 2]], headers=headers)
        if not last:
            text = re.sub(rb"(Content-Length: \d+\r\n)", rb"\1X: y\r\n", text)
        return text

    with server.connect() as connection:
        server.short = 0
        for n in (1, 22, 333):
            assert connection.ask(request(n)) == ok({"predictions": [n + 2.0]})
    assert server.short == 2


def test_requests_are_counted_and_timed(server, connection):
    before = metrics.REQUESTS.total(), metrics.REQUEST_LATENCY.total()
    connection.ask(post([[3, 4]]))
    assert server.short == 1
    assert (metrics.REQUESTS.total(), metrics.REQUEST_LATENCY.total()) == tuple(
        count + 1 for count in before
    )
    assert 'request_count{model_name="m",status="OK"}' in metrics.prometheus_page()


@pytest.mark.parametrize(
    "request_",
    [
        post([[1, 2]], path="/v1/models/m/versions/1:predict"),
        post([[1, 2]], path="/V1/models/%6d:predict"),
        post([[1, 2]], path="/v1/models/m/versions/" + "0" * 5000 + "1:predict"),
        post([[1, 2]], headers=b"X: y\r\n"),
        post([[1, 2]], headers=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    ],
)
def test_another_head_is_read_once(server, connection, request_):
    for _ in range(3):
        assert connection.ask(request_) == ok({"predictions": [3.0]})
    assert server.short == 2


@pytest.mark.parametrize(
    "request_",
    [
        post([[1, 2]], path="/v1/models/n:predict"),
        post([[1, 2]], path="/v1/models/m/labels/no:predict"),
        post([[1, 2]], path="/v1/models/m/versions/99999999999999999999:predict"),
        post([[1, 2]], path="/v1/models/m:predict?x=y"),
        post([[1, 2]], path="/v1/models/m?x=:predict"),
        post([[1, 2]], path="/v1/models/m#x:predict"),
        post([[1, 2]], path="/v1/models/m:PREDICT"),
        post([[1, 2]], path="/v1/models/m:classify"),
        post([[1, 2]], path="http://h/v1/models/m:predict"),
        post([[1, 2]], headers=b"Connection: close\r\n"),
        post(None, body=gzip.compress(b'{"instances": [[1, 2]]}')),
        post(
            None,
            headers=b"Content-Encoding: gzip\r\n",
            body=gzip.compress(b'{"instances": [[1, 2]]}'),
        ),
        post([[1, 2]], headers=b"Expect: 100-continue\r\n"),
        post([[1, 2]]).replace(b"HTTP/1.1", b"HTTP/1.0"),
        post([[1, 2]]).replace(b"POST", b"GET"),
        post([[1, 2]]).replace(b"POST", b"PUT"),
        b"GET /v1/models/m HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"17\r\n" + b'{"instances": [[1, 2]]}' + b"\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_plain_always_goes_the_long_way(server, connection, request_):
    with server.connect() as other:
        expected = other.ask(request_)
    for _ in range(3):
        server.short = 0
        found = connection.ask(request_)
        assert found == expected
        if found == b"" or b"\r\nconnection: close" in found:
            break
    assert server.short == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"instances": [[1, 2..5]]}',
        b'{"instances": [[1, 2], [3]]}',
        b'{"instances": [["a", 2]]}',
        b'{"signature_name": "no", "instances": [[1, 2]]}',
        b'{"instances": [[-1, 2]]}',  # the model refuses it
        b'{"instances": [[1, 2]]}' + b" " * 60_000,  # too large
    ],
)
def test_what_is_wrong_is_refused_alike(server, connection, body):
    request = post(None, body=body)
    with server.connect() as other:
        expected = other.ask(request)
    assert expected.startswith(b"HTTP/1.1 4")
    assert connection.ask(request) == expected


def test_a_bug_is_told_alike(server, connection, caplog):
    def hook():
        raise ZeroDivisionError("a bug")

    with server.hooked(hook):
        with server.connect() as other:
            expected = other.ask(post([[1, 2]]))
        server.short = 0
        assert connection.ask(post([[1, 2]])) == expected
    assert server.short == 1
    assert expected.startswith(b"HTTP/1.1 500 ")
    assert b"ZeroDivisionError: a bug" in expected
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


def test_a_status_that_http_has_no_name_for(server, connection):
    def hook():
        raise StatusError("CANCELLED", "the step was cancelled")

    with server.hooked(hook):
        with server.connect() as other:
            expected = other.ask(post([[1, 2]]))
        assert connection.ask(post([[1, 2]])) == expected
    assert expected.startswith(b"HTTP/1.1 499 \r\n")


def test_a_head_with_its_body_may_be_longer_than_a_head(tmp_path, patient):
    server = Running(tmp_path)
    headers = b"X: " + b"a" * 300 + b"\r\n"
    text = b'{"instances": [[1, 2]]}'
    try:
        with server.connect() as connection:
            answer = connection.ask(post([[1, 2]], headers=headers))
            whole = post(None, headers=headers, body=text + b" " * (65_500 - len(text)))
            connection.send(whole[:-1])
            assert connection.is_silent()
            assert connection.ask(whole[-1:]) == answer
    finally:
        server.stop()


def test_a_length_of_thousands_of_digits(server, connection):
    request = re.sub(rb"Length: ", b"Length: " + b"0" * 5000, post([[1, 2]]))
    assert connection.ask(request) == ok({"predictions": [3.0]})
    assert server.short == 0
    assert connection.ask(post([[1, 2]])) == ok({"predictions": [3.0]})


def test_an_idle_connection_is_closed_after_client_seconds(tmp_path):
    """uvicorn's own 5 seconds are fewer than proxies keep connections for."""
    server = Running(tmp_path, client_seconds=0.2)
    try:
        with server.connect() as connection:
            connection.ask(post([[1, 2]]))
            start = time.monotonic()
            assert connection.is_closed()
            assert time.monotonic() - start < 4
    finally:
        server.stop()


@pytest.mark.parametrize("cut", [1, 20, 60, -1])
def test_a_request_in_two_packets(server, connection, cut):
    request = post([[3, 4]])
    connection.send(request[:cut])
    assert connection.is_silent()
    assert connection.ask(request[cut:]) == ok({"predictions": [7.0]})
    assert server.short == 0
    assert connection.ask(post([[4, 4]])) == ok({"predictions": [8.0]})
    assert server.short == 1


@pytest.fixture
def patient(monkeypatch):
    monkeypatch.setattr(fast_path, "_HOLD_SECONDS", 2 * SECONDS)


@pytest.mark.parametrize("pieces", [1, 2, 20])  # of 0.3 s, longer than uvicorn keeps who is idle
def test_a_body_that_comes_soon_after_its_head(server, connection, patient, pieces):
    for n in (3, 44):
        head, _, body = post([[n, 4]]).partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n")
        size = -(-len(body) // pieces)
        for start in range(0, len(body), size):
            assert connection.is_silent()
            connection.send(body[start : start + size])
        assert connection.answer() == ok({"predictions": [n + 4.0]})
        assert server.short


def test_the_first_head_may_come_without_its_body(server, patient):
    with server.connect() as connection:
        server.short = 0
        head, _, body = post([[1, 2]]).partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n")
        assert connection.is_silent()
        assert connection.ask(body) == ok({"predictions": [3.0]})
        assert connection.ask(post([[3, 4]])) == ok({"predictions": [7.0]})
    assert server.short == 1


@pytest.mark.parametrize("library", ["httpx", "http.client"])
def test_libraries_take_the_fast_path(server, patient, library):
    host, port = server.address
    url = f"http://{host}:{port}/v1/models/m"
    server.short = 0
    if library == "httpx":
        with Client(url) as client:
            answers = [client.predict([[n, 2.0]]).tolist() for n in range(3)]
    else:
        answers, kept = [], http.client.HTTPConnection(host, port, timeout=SECONDS)
        for n in range(3):
            kept.request("POST", "/v1/models/m:predict", json.dumps({"instances": [[n, 2]]}))
            answers.append(json.loads(kept.getresponse().read())["predictions"])
        kept.close()
    assert answers == [[2.0], [3.0], [4.0]]
    assert server.short == 2


def test_a_body_that_is_waited_for_when_the_server_ends(server, connection, patient):
    head, _, body = post([[1, 2]]).partition(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n" + body[:3])
    assert connection.is_silent()

    server.loop.call_soon_threadsafe(server.protocol(connection).shutdown)
    assert connection.is_silent()
    answer = connection.ask(body[3:])
    assert b"\r\nconnection: close" in answer
    assert answer.endswith(b'{"predictions":[3.0]}')
    assert connection.is_closed()


def test_a_client_that_goes_before_its_body(server, connection):
    connection.send(post([[1, 2]])[:-1])
    connection.__exit__()
    with server.connect() as other:
        assert other.ask(post([[1, 2]])) == ok({"predictions": [3.0]})


def test_a_large_body_is_not_waited_for(server, connection, patient):
    head, _, _ = post([[1, 2]] * 8000).partition(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n")
    assert b"Request body is larger than 50000 bytes" in connection.answer()
    assert server.short == 0


def test_requests_in_one_packet_are_answered_in_order(server, connection):
    connection.send(post([[1, 1]]) + post([[2, 2]]) + post([[3, 3]]))
    assert [connection.answer() for _ in range(3)] == [
        ok({"predictions": [2.0 * n]}) for n in (1, 2, 3)
    ]
    assert connection.ask(post([[4, 4]])) == ok({"predictions": [8.0]})
    assert connection.ask(post([[5, 5]])) == ok({"predictions": [10.0]})
    assert server.short >= 1


def test_a_request_that_comes_during_a_run_waits_for_its_turn(server, connection):
    """The hook, in the event loop, gives the connection the next request before it can answer."""
    next_one = [post([[2, 2]])]

    def hook():
        if next_one:
            server.protocol(connection).data_received(next_one.pop())

    with server.hooked(hook):
        connection.send(post([[1, 1]]))
        assert [connection.answer(), connection.answer()] == [
            ok({"predictions": [2.0]}),
            ok({"predictions": [4.0]}),
        ]
    assert server.short == 1


def test_what_looks_like_a_request_within_a_head_is_none(server, connection):
    """A proxy that sees one request here must not get two answers."""
    connection.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: ")
    assert connection.is_silent()
    answer = connection.ask(post([[1, 2]]))
    assert b'"status": "ok"' in answer or answer.startswith(b"HTTP/1.1 400 ")
    assert server.short == 0


def test_what_looks_like_a_request_within_a_body_is_none(server, connection):
    inner = post([[1, 2]])
    connection.send(b"POST /v1/models/m HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n")
    assert b"Malformed request" in connection.ask(inner)
    assert server.short == 0


def test_the_head_of_a_pipelined_request_that_is_not_whole(server, connection):
    """Its first bytes come while the one before it is answered the long way."""
    connection.send(post([[1, 1]]) + b"GET /healthz HTTP/1.1\r\nX: ")
    assert connection.answer() == ok({"predictions": [2.0]})
    answer = connection.ask(post([[1, 2]]))
    assert b'"status": "ok"' in answer or answer.startswith(b"HTTP/1.1 400 ")
    assert server.short == 0


def test_the_head_of_a_next_request_that_is_not_whole(server, connection):
    """Its first bytes come during a run; what comes then belongs to it."""
    parts = [b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: "]

    def hook():
        if parts:
            server.protocol(connection).data_received(parts.pop())

    with server.hooked(hook):
        assert connection.ask(post([[1, 1]])) == ok({"predictions": [2.0]})
    answer = connection.ask(post([[1, 2]]))
    assert b'"status": "ok"' in answer or answer.startswith(b"HTTP/1.1 400 ")
    assert server.short == 1


@pytest.mark.parametrize("length", [b"+23", b"0x17", b"23 ", b" 23", b"2_3", b"", b"-1", b"9" * 30])
def test_lengths_that_are_no_digits(server, connection, length):
    request = re.sub(rb"Length: \d+", b"Length: " + length, post([[1, 2]]))
    with server.connect() as other:
        expected = other.ask(request)
    server.short = 0
    assert connection.ask(request) == expected
    assert server.short == 0


def random_request(chance):
    """Return a request that may be wrong, but is whole HTTP."""
    value = {"instances": [[chance.randrange(-1, 9), 2.5] for _ in range(chance.randrange(1, 4))]}
    for _ in range(chance.choice((0, 0, 1, 2))):
        value = fuzzing.changed(chance, value)
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    if chance.random() < 0.2:
        body = fuzzing.garbled(chance, body)
    headers = b"" if chance.random() < 0.9 else b"Accept-Encoding: gzip\r\n"
    return post(None, headers=headers, body=body)


def test_random_requests_are_answered_as_the_first_of_a_connection_is(server):
    chance = random.Random(0)
    server.short, kept = 0, server.connect()
    for _ in range(400):
        request = random_request(chance)
        with server.connect() as other:
            expected = other.ask(request)
        cuts = sorted(chance.randrange(len(request)) for _ in range(chance.choice((0, 0, 1, 2))))
        for start, end in itertools.pairwise((0, *cuts, len(request))):
            kept.send(request[start:end])
        assert kept.answer() == expected, request
        if b"\r\nconnection: close\r\n" in expected:
            kept.__exit__()
            kept = server.connect()
    kept.__exit__()
    assert server.short > 50


def test_large_answers_are_packed_for_those_who_take_gzip(server):
    x = [[n / 7 for n in range(2000)]]
    request = post(x, headers=b"Accept-Encoding: gzip\r\n")
    with server.connect() as connection:
        expected = connection.ask(request)
        server.short = 0
        assert connection.ask(request) == expected
        assert connection.ask(request) == expected
    assert server.short == 2
    head, _, body = expected.partition(b"\r\n\r\n")
    assert b"\r\ncontent-encoding: gzip\r\nvary: Accept-Encoding\r\n" in head
    assert len(json.loads(gzip.decompress(body))["predictions"][0]) == 2000


def test_a_server_that_ends_closes_the_connection_after_the_answer(server, connection):
    def hook():
        server.protocol(connection).shutdown()  # as uvicorn does at the end

    with server.hooked(hook):
        answer = connection.ask(post([[1, 2]]))
    assert server.short == 1
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert body == b'{"predictions":[3.0]}'
    assert connection.is_closed()


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_ends_answers_what_comes_in_the_last_moment(server, connection, first):
    """On a connection that waits for its first request, and on one that was kept."""
    with server.connect() as idle:
        wait_for(lambda: len(server.server.server_state.connections) == 2)
        for each in (idle, connection):
            if not first:
                each.ask(post([[1, 2]]))
            server.loop.call_soon_threadsafe(server.protocol(each).shutdown)
        head, _, body = connection.ask(post([[1, 2]])).partition(b"\r\n\r\n")
        assert b"\r\nconnection: close" in head
        assert body == b'{"predictions":[3.0]}'
        assert connection.is_closed()
        assert idle.is_closed()


@pytest.fixture
def held(server, connection):
    """A request on the fast path that a thread runs until it is told to go on."""
    started, go_on = threading.Event(), threading.Event()

    def hook():
        started.set()
        assert go_on.wait(SECONDS)

    times, server.runtime.times = server.runtime.times, RunTimes()
    with server.hooked(hook):
        connection.send(post([[1, 1]]))
        assert started.wait(SECONDS)
        assert server.short == 1
        yield go_on
        go_on.set()
    server.runtime.times = times


def test_a_slow_model_holds_up_nobody(server, connection, held):
    with server.connect() as other:
        other.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b'"status": "ok"' in other.answer()
    assert connection.is_silent()
    held.set()
    assert connection.answer() == ok({"predictions": [2.0]})
    assert not server.server.server_state.tasks


def test_what_does_not_end_in_time_is_refused_once(server, connection, held):
    def cancel():
        for task in server.server.server_state.tasks:
            task.cancel(msg="as uvicorn does after drain_seconds")

    server.loop.call_soon_threadsafe(cancel)
    refused = connection.answer()
    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"The server is shutting down" in refused
    held.set()
    assert connection.is_silent()
    assert connection.ask(post([[2, 2]])) == ok({"predictions": [4.0]})
    assert not server.server.server_state.tasks


def test_a_client_that_goes_while_it_waits(server, connection, held):
    connection.__exit__()
    held.set()
    with server.connect() as other:
        for n in range(3):
            assert other.ask(post([[n, n]])) == ok({"predictions": [2.0 * n]})
    wait_for(lambda: not server.server.server_state.tasks)


def test_a_client_that_has_gone_is_not_answered(server, connection):
    def hook():
        server.protocol(connection).transport.abort()

    with server.hooked(hook):
        assert connection.ask(post([[1, 2]])) == b""
    assert server.short == 1
    with server.connect() as other:
        assert other.ask(post([[1, 2]])) == ok({"predictions": [3.0]})


def test_a_key_is_asked_for_each_time(tmp_path):
    file = tmp_path / "keys"
    file.write_text(KEY)
    server = Running(tmp_path, api_key_file=str(file))
    try:
        carrying = f"Authorization: Bearer {KEY}\r\n".encode()
        with server.connect() as connection:
            first, second, third = [
                connection.ask(post([[1, 2]], headers=carrying)) for _ in range(3)
            ]
        assert first == second == third
        assert first.endswith(b'{"predictions":[3.0]}')
        assert server.short == 2
        for headers in (b"", b"Authorization: Bearer guess\r\n"):
            with server.connect() as connection:
                connection.ask(post([[1, 2]], headers=carrying))
                refused = connection.ask(post([[1, 2]], headers=headers))
                assert refused.startswith(b"HTTP/1.1 401 ")
                assert connection.is_closed()
        assert server.short == 2
    finally:
        server.stop()


def test_other_protocols_are_left_as_they_are():
    def api(**options):
        return RestApi({}, None, **options)

    assert with_fast_path(H11Protocol, api(join=True), None) is H11Protocol
    assert with_fast_path(HttpToolsProtocol, api(), None) is HttpToolsProtocol
    assert issubclass(with_fast_path(HttpToolsProtocol, api(join=True), None), HttpToolsProtocol)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"A: 2\r\nB\r\n\r\n{}", (11, 2)),
        (b"A: 02\r\nB\r\n\r\n{}", (12, 2)),
        (b"A: 123456789\r\nB\r\n\r\n", (19, 123456789)),
        (b"A: 2\r\nC\r\n\r\n{}", None),
        (b"a: 2\r\nB\r\n\r\n{}", None),
        (b"A: \r\nB\r\n\r\n", None),
        (b"A: 1234567890\r\nB\r\n\r\n{}", None),
        (b"A: \xb2\r\nB\r\n\r\n{}", None),
        (b"A: 2\r\nB\r\n\r", None),
        (b"A: 2", None),
        (b"", None),
    ],
)
def test_only_the_length_may_differ(data, found):
    assert Head(b"A: ", b"\r\nB\r\n\r\n", "m", None, gzip=False).find(data) == found
