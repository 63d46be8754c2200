"""Predict requests answered by uvicorn's connection itself.

    first request:  bytes -> httptools -> a task -> ASGI -> `app` -> `adaptive_batching` -> answer
    the next ones:  the same head but for its length      ---->     `adaptive_batching` -> answer

To parse a head, to make a task and to pass through the layers of an ASGI application costs as much
as a small model takes to answer, and a client that asks again sends the same head again. Nothing is
decided here that the long way would decide otherwise: whatever is not the same, not there at once,
not taken by `adaptive_batching` or has something wrong with it goes there.
"""

import asyncio
import functools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import responses
from urllib.parse import unquote

from dlkit.serving.core.status import HTTP_STATUS, StatusError
from dlkit.serving.core.version import Wanted
from dlkit.serving.inference.adaptive_batching import AdaptiveBatcher
from dlkit.serving.observability import metrics
from dlkit.serving.rest_api import compression
from dlkit.serving.rest_api.app import (
    JSON,
    PACKED,
    PREDICTION,
    RestApi,
    failed,
    offers_gzip,
    refusal,
    shutting_down,
    wanted_version,
)
from dlkit.serving.rest_api.connection_timeouts import HEAD_BYTES, Connection
from dlkit.serving.security.api_keys import ApiKeys
from dlkit.serving.wire.rest_json.predict import PREDICT

_FIRST_LINES = {
    code: f"HTTP/1.1 {code} {responses.get(code, '')}\r\n".encode() for code in HTTP_STATUS.values()
}
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)(?=\r\n)", re.IGNORECASE)
_HOLD_SECONDS = 0.01
_LONGEST_HELD = HEAD_BYTES  # until it is answered, all of a request is taken for its head
_MOST_DIGITS = 9  # of a length
# What a request with one of these headers asks for is known to the long way.
_NOT_PLAIN = frozenset((b"content-encoding", b"transfer-encoding", b"expect"))


def with_fast_path(protocol: type, api: RestApi, keys: ApiKeys | None) -> type:
    """Return uvicorn's `protocol` made to answer predict requests without ASGI.

    Args:
        protocol: uvicorn's class of an HTTP connection.
        api: What answers all others.
        keys: The keys of which a request has to carry one, if any.
    """
    if not hasattr(protocol, "on_message_begin") or api.batcher is None:
        return protocol  # without httptools, whose parser calls this
    return type(
        "FastPath", (_FastPath, protocol), {"api": api, "batcher": api.batcher, "keys": keys}
    )


@dataclass(frozen=True)
class Head:
    r"""The head of a predict request that may come again.

    Args:
        before: Its bytes up to the digits of its length.
        after: Those after them.
        name: The model that it asks.
        wanted: Which version of it.
        gzip: Whether the client takes gzip.

    Example:
        >>> head = Head(b"POST /v1/models/m:predict HTTP/1.1\r\nContent-Length: ",
        ...             b"\r\n\r\n", "m", None, gzip=False)
        >>> data = head.before + b"2" + head.after + b"{}"
        >>> start, length = head.find(data)
        >>> data[start : start + length]
        b'{}'
    """

    before: bytes
    after: bytes
    name: str
    wanted: Wanted
    gzip: bool

    def find(self, data: bytes) -> tuple[int, int] | None:
        """Return where the body begins and how long it is, None for another head.

        Args:
            data: What begins with a head.
        """
        if not data.startswith(self.before):
            return None
        begin = len(self.before)
        end = data.find(b"\r\n", begin, begin + _MOST_DIGITS + 2)
        digits = data[begin:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self.after, end):
            return None
        return end + len(self.after), int(digits)


class _Cycle:
    """A request on the fast path, with what uvicorn asks of its own cycles and of their tasks."""

    def __init__(self, head: Head, answer: Callable[["_Cycle", bytes | Exception], None]):
        self.head = head
        self.done = functools.partial(answer, self)
        self.start = time.perf_counter()
        self.keep_alive = True
        self.response_started = self.response_complete = self.disconnected = False
        self.message_event = self

    def set(self) -> None:
        """Take note of an event: nothing waits for one."""

    def cancel(self, msg: str | None = None) -> None:
        """Refuse the request: after SIGTERM, when drain_seconds are over."""
        asyncio.get_running_loop().call_soon(self.done, shutting_down())


class _FastPath(Connection):
    """What is put before uvicorn's class of a connection, and behind `connection_timeouts`."""

    api: RestApi
    batcher: AdaptiveBatcher
    keys: ApiKeys | None
    _between = True  # whether the parser waits for the first byte of a request
    _head: Head | None = None
    _held = b""  # of a request on the fast path, whose rest is waited for
    _until_rest: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        self._between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._between = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        data, self._held = self._held + data, b""
        cycle = self.cycle
        if self._between and (cycle is None or cycle.response_complete):
            head = self._head
            known = head.find(data) if head else None
            if head and known and self._take_or_hold(head, data, *known):
                return
            self._stop_holding()
            super().data_received(data)
            if not known and self.cycle is not cycle and not self.transport.is_closing():
                self._head = self._head_of(data)
        else:
            super().data_received(data)

    def _take_or_hold(self, head: Head, data: bytes, start: int, length: int) -> bool:
        if len(data) == start + length:
            return self._take(head, data[start:])
        longest = min(_LONGEST_HELD - start, self.api.max_body_bytes)
        if len(data) > start + length or length > longest:
            return False
        self._unset_keepalive_if_required()
        self._held = data  # clients send head and body one after the other
        self._until_rest = self._until_rest or self.loop.call_later(_HOLD_SECONDS, self._go_on)
        return True

    def _go_on(self) -> None:
        """Go the long way with a request whose rest did not come soon."""
        self._head = None  # until it has been read once more
        self.data_received(b"")

    def _stop_holding(self) -> None:
        if self._until_rest is not None:
            self._until_rest.cancel()
            self._until_rest = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_holding()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self._held:  # it is a request under way
            self._go_on()
        super().shutdown()

    def _head_of(self, data: bytes) -> Head | None:
        """Return the head of the request in `data` that was just parsed, if it may come again."""
        if self.keys is not None and not self.keys.accept(self.headers):
            return None
        end = data.find(b"\r\n\r\n") + 4
        lengths = list(_LENGTH.finditer(data, 0, end))
        if len(lengths) != 1 or len(lengths[0][1]) > _MOST_DIGITS:
            return None
        if int(lengths[0][1]) < len(data) - end:  # there is more behind it
            return None
        path = self.url.decode("latin-1")
        match = None if "?" in path or "#" in path else PREDICTION.fullmatch(path)
        plain = _NOT_PLAIN.isdisjoint([name for name, _ in self.headers])
        post = self.scope["method"] == "POST"
        if match is None or match["verb"] != "predict" or not (post and plain):
            return None
        try:
            wanted = wanted_version(match)
        except StatusError:
            return None
        begin, behind = lengths[0].span(1)
        name, gzip = unquote(match["name"]), offers_gzip(self.headers)
        return Head(data[:begin], data[behind:end], name, wanted, gzip)

    def _take(self, head: Head, body: bytes) -> bool:
        if len(body) > self.api.max_body_bytes or self.flow.write_paused:
            return False
        cycle = _Cycle(head, self._answer)
        if not self.batcher.take(head.name, head.wanted, PREDICT, body, cycle.done):
            return False
        self._stop_holding()
        self._unset_keepalive_if_required()
        self.tasks.add(cycle)  # type: ignore[arg-type]  # uvicorn's server only cancels them
        # Until that of a next request takes its place.
        self.cycle = cycle  # type: ignore[assignment]  # it has what uvicorn asks of one
        return True

    # ------------------------------------------------------------ the answer

    def _answer(self, cycle: _Cycle, found: bytes | Exception) -> None:
        if isinstance(found, Exception):
            path = f"{cycle.head.name}:predict"
            error = found if isinstance(found, StatusError) else failed("POST", path, found)
            code, (status, headers, body) = error.code, refusal(error)
        else:
            code, status, headers, body = "OK", 200, [JSON], found
        # Before the client has its answer, so that it finds itself on the page.
        seconds = time.perf_counter() - cycle.start
        metrics.count_request(cycle.head.name, code, "predict", "REST", seconds)
        headers = [*headers, *self.api.cors]
        if len(body) < compression.LEAST_BYTES or not cycle.head.gzip:
            self._send(cycle, status, headers, body)
            return
        headers += PACKED
        packing = self.loop.run_in_executor(self.api.pool, compression.pack, body)
        packing.add_done_callback(lambda done: self._send(cycle, status, headers, done.result()))

    def _send(
        self, cycle: _Cycle, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
        self.tasks.discard(cycle)
        if cycle.response_complete:  # it was refused since
            return
        cycle.response_started = cycle.response_complete = True
        if self.transport.is_closing():
            return
        headers = [*self.server_state.default_headers, *headers]
        if not cycle.keep_alive:
            headers.append((b"connection", b"close"))
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        self.transport.write(
            b"%b%bcontent-length: %d\r\n\r\n%b" % (_FIRST_LINES[status], lines, len(body), body)
        )
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
