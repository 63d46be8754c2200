"""Bodies in gzip: requests unpacked under a cap, answers packed for clients that offer it."""

import re
import zlib
from collections.abc import Iterable

# Below it an answer is a few packets on the network, and packing takes longer than sending.
LEAST_BYTES = 8192
_MAGIC = b"\x1f\x8b"  # with which each member of a gzip file begins (RFC 1952)
_FIRST_PIECE = 512
_LEVEL = 1  # numbers as text get hardly smaller with more effort
_GZIP = re.compile(rb"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=([\d.]+)\s*)?(?:,|$)", re.IGNORECASE)


def accepts_gzip(offer: bytes) -> bool:
    """Whether an `Accept-Encoding` header offers gzip.

    Example:
        >>> accepts_gzip(b"deflate, gzip;q=0.5"), accepts_gzip(b"gzip;q=0, identity")
        (True, False)
    """
    found = _GZIP.search(offer)
    return found is not None and (found[1] or b"1").strip(b"0.") != b""


def is_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the body of a request is in gzip, by its headers.

    Example:
        >>> is_gzip([(b"content-encoding", b"GZIP")])
        True
    """
    return any(name == b"content-encoding" and b"gzip" in value.lower() for name, value in headers)


def pack(body: bytes) -> bytes:
    """Return `body` in gzip."""
    packer = zlib.compressobj(_LEVEL, wbits=31)
    return packer.compress(body) + packer.flush()


def unpack(body: bytes, limit: int) -> bytes:
    """Return the unpacked body; empty, as TensorFlow Serving has it, for bad or too large data.

    Args:
        body: What the client sent.
        limit: How many bytes it may become: a few kilobytes could fill the memory.

    Example:
        >>> unpack(pack(b"{}"), 2), unpack(pack(b"{") + pack(b"}"), 2), unpack(pack(b"{ }"), 2)
        (b'{}', b'{}', b'')
    """
    pieces, size, begin = [], 0, 0
    while body.startswith(_MAGIC, begin) or not begin:  # what follows the last member is left out
        unpacker, length = zlib.decompressobj(wbits=31), _FIRST_PIECE
        while not unpacker.eof:
            piece = body[begin : begin + length]
            try:
                pieces.append(unpacker.decompress(piece, limit - size + 1))
            except zlib.error:
                return b""
            size += len(pieces[-1])
            if size > limit or not piece:
                return b""
            begin += len(piece) - len(unpacker.unused_data)
            length *= 2  # as long as the member goes on: many small ones copy little each
    return b"".join(pieces)
