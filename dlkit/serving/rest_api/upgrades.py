"""Requests that offer to go on in another protocol, as `curl --http2` does: the offer is ignored.

    POST ... Upgrade: h2c ... {"instances": ...}   ->   POST ... {"instances": ...}

httptools' parser takes what follows the head of such a request for that other protocol, and uvicorn
answers it as a request without a body. A server that stays with HTTP/1.1 has to read the body
(RFC 9110, section 7.8): the head is parsed once more, without the offer.
"""

import contextlib
from typing import Any

from dlkit.serving.rest_api.connection_timeouts import Connection


def without_upgrades(protocol: type) -> type:
    """Return uvicorn's `protocol` made to read requests that offer an upgrade as any others.

    Args:
        protocol: uvicorn's class of an HTTP connection.
    """
    if not hasattr(protocol, "on_message_begin"):
        return protocol  # without httptools; h11 reads the body
    import httptools

    class Parser(httptools.HttpRequestParser):
        """Goes on where httptools leaves the rest to somebody else."""

        def __init__(self, connection: Any):
            super().__init__(connection)
            with contextlib.suppress(AttributeError):  # before httptools 0.6.3
                self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            self.connection = connection

        def feed_data(self, data: Any) -> None:
            parser = self
            while True:
                try:
                    super(Parser, parser).feed_data(data)
                    return
                except httptools.HttpParserUpgrade as offer:
                    if not self.connection.declines():
                        raise
                    data = memoryview(data)[offer.args[0] :]  # not copied for each of many
                    head = self.connection.head_without_offer()
                    parser = self.connection.parser = Parser(self.connection)
                    super(Parser, parser).feed_data(head)

    return type("Declining", (_Declining, protocol), {"make_parser": Parser})


class _Declining(Connection):
    """What is put before uvicorn's class of a connection, and behind `fast_path`."""

    make_parser: type[Any]

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self.parser = self.make_parser(self)

    def declines(self) -> bool:
        """Whether the head that was just parsed offers what it can go on without."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def head_without_offer(self) -> bytes:
        """Return that head again."""
        first = (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        return b"".join([b"%b %b HTTP/%b\r\n" % first, *lines, b"\r\n"])

    def on_headers_complete(self) -> None:
        if not self.declines():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.declines():
            super().on_message_complete()
