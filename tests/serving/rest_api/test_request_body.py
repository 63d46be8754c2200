"""Bodies as ASGI hands them over; test_app.py has a server before it."""

import asyncio

import pytest

from dlkit.serving.rest_api import request_body
from dlkit.serving.rest_api.request_body import (
    ClientGoneError,
    UnreadError,
    is_unread,
    read_body,
    send_answer,
)


def read(messages, *, headers=(), limit=10, seconds=5.0):
    async def receive():
        message = messages.pop(0)
        if message is None:
            await asyncio.Event().wait()  # for ever
        return message

    return asyncio.run(read_body({"headers": headers}, receive, limit, seconds))


def chunk(data, more=False):
    return {"type": "http.request", "body": data, "more_body": more}


def test_a_body_in_one_piece_is_not_copied():
    data = b"0123456789"
    assert read([chunk(data)]) is data
    assert read([chunk(b"01", True), chunk(b"23", True), {"type": "http.request"}]) == b"0123"


def test_what_is_announced_as_too_large_is_not_read():
    with pytest.raises(UnreadError, match="larger than 10 bytes") as caught:
        read([], headers=[(b"content-length", b"11")])
    assert (caught.value.http_status, caught.value.code) == (413, "INVALID_ARGUMENT")


def test_leading_zeros_of_a_length():
    length = b"0" * 5000 + b"2"
    assert read([chunk(b"01")], headers=[(b"content-length", length)]) == b"01"
    with pytest.raises(UnreadError, match="larger than 10 bytes"):
        read([], headers=[(b"content-length", length + b"0")])
    with pytest.raises(UnreadError, match="larger than 10 bytes"):
        read([], headers=[(b"content-length", b"9" * 5000)])


def test_what_grows_too_large_is_not_read_to_its_end():
    messages = [chunk(b"x" * 6, True), chunk(b"x" * 5, True), chunk(b"rest")]
    with pytest.raises(UnreadError, match="larger than 10 bytes"):
        read(messages)
    assert messages == [chunk(b"rest")]


@pytest.mark.parametrize("messages", [[None], [chunk(b"x", True), None]])
def test_a_body_that_does_not_come(messages):
    with pytest.raises(UnreadError, match=r"did not come within 0\.05 seconds") as caught:
        read(messages, seconds=0.05)
    assert caught.value.http_status == 408


def test_a_large_body_may_take_longer():
    """0.05 s, and a second more for each 16 KiB that has come: 32 seconds here."""
    received = []

    async def receive():
        received.append(1)
        await asyncio.sleep(0.08 if len(received) == 2 else 0)
        return chunk(b"x" * 2**19, more=len(received) < 2)

    assert len(asyncio.run(read_body({"headers": ()}, receive, 2**20, 0.05))) == 2**20


def test_no_limit_in_time():
    assert read([chunk(b"x")], seconds=0) == b"x"


def test_a_client_that_hangs_up():
    with pytest.raises(ClientGoneError):
        read([chunk(b"x", True), {"type": "http.disconnect"}])


def answered(status, messages, headers=((b"content-length", b"99"),)):
    """Return what is sent of an answer, and what is not received of a request."""
    sent = []

    async def receive():
        message = messages.pop(0)
        if message is None:
            await asyncio.Event().wait()  # for ever
        return message

    async def send(message):
        sent.append(message)

    asyncio.run(send_answer({"headers": headers}, receive, send, (status, [], b"{}")))
    return sent, messages


def test_who_is_refused_while_sending_is_heard_out(monkeypatch):
    monkeypatch.setattr(request_body, "_LONGEST_PAUSE", 0.05)
    end = {"type": "http.disconnect"}
    for messages in ([chunk(b"x", True), chunk(b"x")], [chunk(b"x", True), end], [None]):
        (start, body, last), left = answered(413, messages)
        assert start["headers"] == [(b"content-length", b"2"), (b"connection", b"close")]
        assert body == {"type": "http.response.body", "body": b"{}", "more_body": True}
        assert last == {"type": "http.response.body", "body": b""}
        assert left == []


def test_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(request_body, "_LONGEST_REST", 0.0)
    _, left = answered(413, [None, None])
    assert left


@pytest.mark.parametrize(
    ("status", "headers"),
    [(200, ()), (408, [(b"content-length", b"9")]), (503, [(b"content-length", b"9")])],
)
def test_others_are_answered_at_once(status, headers):
    (_, body), left = answered(status, [None], headers)
    assert body == {"type": "http.response.body", "body": b"{}"}
    assert left == [None]


@pytest.mark.parametrize(
    ("headers", "unread"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"3")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_what_was_not_read(headers, unread):
    scope = {"headers": headers}
    assert is_unread(scope) is unread

    async def receive():
        return chunk(b"abc")

    asyncio.run(read_body(scope, receive, 10, 1.0))
    assert not is_unread(scope)
