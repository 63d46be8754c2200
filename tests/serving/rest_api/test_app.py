"""The ASGI application by itself, where a real connection could not be held still."""

import asyncio
import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dlkit.serving.core.status import StatusError
from dlkit.serving.rest_api.app import RestApi, refusal


class Exploding:
    """A model with a bug in it."""

    ready = False

    def use(self, number=None):
        raise ZeroDivisionError("oh")


def call(method, path, *, messages=(), headers=(), models=None):
    """Send one request to the application; return the messages that it sent."""
    scope = {"type": "http", "method": method, "raw_path": path.encode(), "headers": headers}
    incoming, outgoing = list(messages), []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        outgoing.append(message)

    with ThreadPoolExecutor(1) as pool:
        app = RestApi(models or {}, pool, max_body_bytes=10)
        asyncio.run(app(scope, receive, send))
    return outgoing


def body(data, more=False):
    return {"type": "http.request", "body": data, "more_body": more}


def test_a_client_that_hangs_up_gets_no_answer():
    messages = [body(b"{", more=True), {"type": "http.disconnect"}]
    assert call("POST", "/v1/models/m:predict", messages=messages) == []


def test_a_bug_is_json_and_in_the_log(caplog):
    start, end = call("GET", "/v1/models/m/metadata", models={"m": Exploding()})
    assert start["status"] == 500
    assert json.loads(end["body"]) == {"error": "ZeroDivisionError: oh"}
    assert "GET /v1/models/m/metadata failed" in caplog.text


def test_not_ready_is_503():
    start, end = call("GET", "/readyz", models={"m": Exploding()})
    assert start["status"] == 503
    assert json.loads(end["body"]) == {"ready": False, "waiting": ["m"]}


@pytest.mark.parametrize("sizes", [[11], [5, 6], [1] * 11])
def test_bodies_are_counted_as_they_come(sizes):
    messages = [body(b"x" * size, more=True) for size in sizes]
    start, end = call("POST", "/v1/models/m:predict", messages=messages)
    assert start["status"] == 413
    assert json.loads(end["body"])["error"] == "Request body is larger than 10 bytes"


def test_the_limit_itself_is_allowed():
    messages = [body(b"[1, 2", more=True), body(b", 3]")]
    start, end = call("POST", "/v1/models/m:predict", messages=messages)
    assert start["status"] == 400
    assert json.loads(end["body"])["error"] == "JSON Value: [1,2,3] Is not object"


def test_no_error_echoes_megabytes():
    error = StatusError("INVALID_ARGUMENT", "a" * 2**20, "b" * 2**20)
    assert len(refusal(error)[2]) < 2**16


@pytest.mark.parametrize("verb", ["CLASSIFY", "Regress"])
def test_verbs_in_capitals_are_malformed(verb):
    start, end = call("POST", f"/v1/models/m:{verb}", messages=[body(b"{}")])
    assert start["status"] == 400
    assert json.loads(end["body"])["error"] == f"Malformed request: POST /v1/models/m:{verb}"


def test_other_protocols_are_left_alone():
    async def nothing(*_):
        raise AssertionError("nothing is to be sent")

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(RestApi({}, pool)({"type": "lifespan"}, nothing, nothing))


def test_r20_requests_beyond_the_threads_queue():
    """Six requests over two threads: all are answered, and never more than two run."""
    running, most = [], []

    class Counting:
        ready = True

        @contextlib.contextmanager
        def use(self, wanted=None):
            running.append(1)
            most.append(len(running))
            together.wait()
            running.pop()
            raise StatusError("NOT_FOUND", "no")
            yield

    together, outgoing = threading.Barrier(2), []

    async def ask():
        message = [body(b'{"inputs": [1.0]}')]

        async def receive():
            return message.pop()

        async def send(message):
            outgoing.append(message.get("status"))

        path = b"/v1/models/m:predict"
        scope = {"type": "http", "method": "POST", "raw_path": path, "headers": ()}
        await app(scope, receive, send)

    async def ask_all():
        await asyncio.gather(*(ask() for _ in range(6)))

    with ThreadPoolExecutor(2) as pool:
        app = RestApi({"m": Counting()}, pool)
        asyncio.run(ask_all())
    assert outgoing.count(404) == 6
    assert max(most) == 2
