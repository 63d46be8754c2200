"""Who may ask: a key that each request carries, over REST and over gRPC.

A client sends `Authorization: Bearer <key>` or `x-api-key: <key>`, as a header or as gRPC metadata.
Health checks stay open, and so do a browser's preflights, which carry no key.
"""

import hashlib
import hmac
import pathlib
from collections.abc import Callable, Iterable

from dlkit.errors import InputError
from dlkit.serving.core.status import StatusError
from dlkit.serving.observability.rest_metrics import STATUS
from dlkit.serving.rest_api.request_body import send_answer
from dlkit.serving.wire.rest_json.text import pretty

_OPEN_PATHS = ("/healthz", "/readyz")
_SHORTEST = 16
_ALLOWED = b"access-control-allow-headers"


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


class Guarded:
    """An ASGI application that answers only those who have a key.

    Args:
        app: What answers them.
        keys: The keys.
    """

    def __init__(self, app: Callable, keys: ApiKeys):
        self._app = app
        self._keys = keys

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one request."""
        path = scope["raw_path"].decode("latin-1")
        if scope["method"] == "OPTIONS" and path[:4].lower() == "/v1/":
            await self._app(scope, receive, _naming_key_headers(send))
            return
        if path in _OPEN_PATHS or self._keys.accept(scope["headers"]):
            await self._app(scope, receive, send)
            return
        error = missing_key()
        scope[STATUS] = error.code
        body = pretty({"error": error.message, "hint": error.hint})
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send_answer(scope, receive, send, (error.http_status, headers, body))


def _naming_key_headers(send: Callable) -> Callable:
    """Return `send` with the headers that carry a key among those that a browser may send."""

    async def naming(message: dict) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value + b", Authorization, X-API-Key" if name == _ALLOWED else value)
                for name, value in message["headers"]
            ]
            message = {**message, "headers": headers}
        await send(message)

    return naming
