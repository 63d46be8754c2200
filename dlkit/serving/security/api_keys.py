"""Who may ask: a key that each request carries, over REST and over gRPC.

A client sends `Authorization: Bearer <key>` or `x-api-key: <key>`, as a header or as gRPC metadata.
Health checks stay open, and so do a browser's preflights, which carry no key.
"""

import hashlib
import hmac
import pathlib
from collections.abc import Iterable

from dlkit.errors import InputError
from dlkit.serving.core.status import StatusError

_SHORTEST = 16


class ApiKeys:
    """The keys that are accepted.

    Args:
        keys: Each of them.

    Example:
        >>> keys = ApiKeys([b"correct horse battery"])
        >>> keys.accept([(b"authorization", b"Bearer correct horse battery")])
        True
        >>> keys.accept([(b"x-api-key", b"guess")])
        False
    """

    def __init__(self, keys: Iterable[bytes]):
        self._digests = [_digest(key) for key in keys]

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Say whether some header carries one of the keys, in a time that tells nothing of them."""
        accepted = False
        for name, value in headers:
            key = _key_in(name.lower(), value)
            if key is not None:
                digest = _digest(key)
                for known in self._digests:  # all of them: no early end to measure
                    accepted |= hmac.compare_digest(digest, known)
        return accepted


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()  # of one length, as a comparison in constant time needs


def _key_in(name: bytes, value: bytes) -> bytes | None:
    if name == b"x-api-key":
        return value.strip()
    if name == b"authorization" and value[:7].lower() == b"bearer ":
        return value[7:].strip()
    return None


def read_keys(file: str) -> ApiKeys | None:
    """Return the keys in a file, one a line; lines that begin with # are comments.

    Args:
        file: The file; empty for none, and then everybody may ask.

    Raises:
        InputError: when it cannot be read, holds no key, or one that is easily guessed.
    """
    if not file:
        return None
    try:
        lines = [line.strip() for line in pathlib.Path(file).read_bytes().splitlines()]
    except OSError as error:
        raise InputError(f"api_key_file {file} cannot be read: {error.strerror}.") from None
    keys = [line for line in lines if line and not line.startswith(b"#")]
    shortest = min(map(len, keys), default=0)
    if shortest < _SHORTEST:
        raise InputError(
            f"api_key_file {file} must hold a key of at least {_SHORTEST} characters on each line"
            f" (openssl rand -hex 32 makes one). Received: {len(keys)} keys, the shortest with"
            f" {shortest} characters."
        )
    return ApiKeys(keys)


def missing_key() -> StatusError:
    """Return the answer to a request without a key that is accepted."""
    return StatusError(
        "UNAUTHENTICATED",
        "This server asks for an API key",
        "Send it as the header Authorization: Bearer <key>, or as x-api-key.",
    )
