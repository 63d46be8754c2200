"""Connections of clients that send a request's head, or take an answer, too slowly or never.

uvicorn waits for them as long as they like, and each holds one of the files that a process may
open. Bodies that do not come are the business of `request_body`. Heads that HTTP has refused are
refused here too, and at the end of the server each connection has a moment for what is under way to
it.
"""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from dlkit.serving.wire.rest_json.text import pretty

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Connection
else:
    Connection = object  # a base of what is put before whichever of uvicorn's classes there is

HEAD_BYTES = 64 * 1024  # request line and headers; uvicorn's parser has the same limit
PATH_BYTES = 8 * 1024  # RFC 9112 asks for 8000 at least
_LAST_SECONDS = 0.5  # a client that is asked to go may have sent its next request


def with_timeouts(protocol: type, seconds: float) -> type:
    """Return uvicorn's `protocol` made to end the connections of slow clients.

    Args:
        protocol: uvicorn's class of an HTTP connection.
        seconds: How long the head of a request may take, and how long an answer may lie without
            a byte of it being taken; 0 for ever.
    """
    return type("Timeouts", (_Timeouts, protocol), {"seconds": seconds})


class _Timeouts(Connection):
    """What is put before uvicorn's class of a connection."""

    seconds = 0.0
    _head_bytes = 0
    _unsent = 0
    _wrong = (400, "This is no HTTP/1.1 request")
    _ending = False
    _until_head: asyncio.TimerHandle | None = None
    _until_taken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._until_head = self._later(self._refuse_slow_head)

    def data_received(self, data: bytes) -> None:
        if self._in_head():
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head():
            self._head_bytes = 0
            if self._ending:
                super().shutdown()  # when this request has been answered
            _cancel(self._until_head)
            self._until_head = None
        elif self._head_bytes > HEAD_BYTES:  # of a parser without a limit
            self.send_400_response("")
        else:
            self._until_head = self._until_head or self._later(self._refuse_slow_head)

    def on_headers_complete(self) -> None:
        """Refuse what RFC 9112 has refused; h11, which does not call this, does so by itself."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._wrong = 400, f"A request has one Host header, and this one has {hosts}"
        elif len(self.url) > PATH_BYTES:
            self._wrong = 414, f"The path is longer than {PATH_BYTES} bytes"
        else:
            super().on_headers_complete()
            return
        raise ValueError(self._wrong)  # for the parser, which calls `send_400_response`

    def shutdown(self) -> None:
        """End when the request that is under way, or comes in the last moment, is answered."""
        self._ending = True
        if self._in_head():
            asyncio.get_running_loop().call_later(_LAST_SECONDS, self._end)
        else:
            super().shutdown()

    def _end(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _in_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _later(self, call: Any) -> asyncio.TimerHandle | None:
        return asyncio.get_running_loop().call_later(self.seconds, call) if self.seconds else None

    def _refuse_slow_head(self) -> None:
        self._until_head = None
        if not self._head_bytes:  # a connection that nobody uses: no request to answer
            self.transport.close()
            return
        self._refuse(408, f"The request's head did not come within {self.seconds:g} seconds")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, in JSON and before uvicorn would answer in plain text."""
        if self._head_bytes > HEAD_BYTES:
            self._refuse(431, f"Request line and headers are larger than {HEAD_BYTES} bytes")
        elif not self._in_head() and self.cycle.response_started:
            self.transport.close()  # within an answer another one would be garbage
        else:
            self._refuse(*self._wrong)

    def _refuse(self, status: int, error: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(_answer(status, error))
            self.transport.close()

    # -------------------------------------------------------- answers that nobody takes

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_taking()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_taking()

    def _await_taking(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        if self._unsent and self._until_taken is None:
            self._until_taken = self._later(self._abort_if_nothing_was_taken)

    def _abort_if_nothing_was_taken(self) -> None:
        self._until_taken, before = None, self._unsent
        if before and self.transport.get_write_buffer_size() >= before:
            self._hang_up()
        else:
            self._await_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._until_head)
        _cancel(self._until_taken)
        self._until_head = self._until_taken = None
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        """Close, and have the kernel forget what it still holds for this client."""
        if (plain := self.transport.get_extra_info("socket")) is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _answer(status: int, error: str) -> bytes:
    body = pretty({"error": error})
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
