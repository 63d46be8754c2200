"""Bodies in gzip: requests unpacked under a cap, answers packed for clients that offer it."""

import re
import zlib

# Below it an answer is a few packets on the network, and packing takes longer than sending.
LEAST_BYTES = 8192
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
        >>> unpack(pack(b"{}"), 2), unpack(pack(b"{ }"), 2), unpack(b"{}", 2)
        (b'{}', b'', b'')
    """
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return b""
    return unpacked if unpacker.eof and len(unpacked) <= limit else b""
