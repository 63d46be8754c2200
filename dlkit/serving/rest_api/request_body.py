"""The body of a request as it comes, not too large and not too slowly, and the answer to it."""

import asyncio
import contextlib
from collections.abc import Callable

from dlkit.serving.core.status import StatusError

# A client that sends less a second holds a connection for what another could use.
_LEAST_BYTES_A_SECOND = 16 * 1024
_MOST_DIGITS = 19  # of a length; Python refuses thousands
# A client that is refused while it sends is heard out, so that it gets to the answer: how long it
# may send, and pause, in seconds.
_LONGEST_REST = 30.0
_LONGEST_PAUSE = 2.0
_IN_HASTE = (408, 503)  # who sends too slowly, and who asks a server that ends, has had its time
_READ = "dlkit.read"  # where the scope says that the body was read


class ClientGoneError(Exception):
    """The client hung up."""


class UnreadError(StatusError):
    """A refusal of a request while its body comes.

    Args:
        http_status: The status that HTTP has for it, where gRPC's codes have none.
        message: What is wrong.
        hint: What a person could do about it.
    """

    http_status = 0  # in the place of a property

    def __init__(self, http_status: int, message: str, hint: str):
        super().__init__("INVALID_ARGUMENT", message, hint)
        self.http_status = http_status


async def read_body(scope: dict, receive: Callable, limit: int, seconds: float) -> bytes:
    """Return a request's body.

    Args:
        scope: The request's ASGI scope.
        receive: Where ASGI has the body from.
        limit: How many bytes it may have.
        seconds: How long the client may take beyond what its size explains; 0 for as long as it
            likes.

    Raises:
        UnreadError: with 413 when it is larger, with 408 when it is slower.
        ClientGoneError: when the client hangs up.
    """
    length = dict(scope["headers"]).get(b"content-length", b"").lstrip(b"0")
    if int(length[:_MOST_DIGITS] or b"0") > limit:
        raise _too_large(limit)
    chunks, size, more = [], 0, True
    start = asyncio.get_running_loop().time()
    while more:
        slowest = start + seconds + size / _LEAST_BYTES_A_SECOND if seconds else None
        try:
            async with asyncio.timeout_at(slowest):
                message = await receive()
        except TimeoutError:
            raise _too_slow(seconds) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    scope[_READ] = True
    return b"".join(chunks)  # of one chunk: that very object


async def send_answer(
    scope: dict, receive: Callable, send: Callable, answer: tuple[int, list, bytes]
) -> None:
    """Send the answer to a request, whose body may not have been read to its end.

    Such a connection closes; not at once, since the system throws away an answer that is on its way
    to a client of which there are bytes that nobody reads.

    Args:
        scope: The request's ASGI scope.
        receive: Where ASGI has the body from.
        send: Where ASGI takes the answer.
        answer: Status, headers without the length, and body.
    """
    status, headers, body = answer
    unread = is_unread(scope)
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    if unread:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if unread and status not in _IN_HASTE:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await _hear_out(receive)
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _hear_out(receive: Callable) -> None:
    clock, more = asyncio.get_running_loop().time, True
    end = clock() + _LONGEST_REST
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):  # of a server that ends
        while more:
            async with asyncio.timeout_at(min(end, clock() + _LONGEST_PAUSE)):
                message = await receive()
            more = message.get("more_body", False)  # a client that hangs up sends no more


def is_unread(scope: dict) -> bool:
    """Whether a request has a body that was not read to its end: the connection has to close.

    Args:
        scope: The request's ASGI scope.
    """
    return _READ not in scope and any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _too_large(limit: int) -> UnreadError:
    return UnreadError(
        413,
        f"Request body is larger than {limit} bytes",
        "Send fewer rows a request, or raise max_body_bytes.",
    )


def _too_slow(seconds: float) -> UnreadError:
    return UnreadError(
        408,
        f"The request's body did not come within {seconds:g} seconds",
        "Send the whole body at once, or raise client_seconds.",
    )
