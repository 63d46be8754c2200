"""What stands before the application where a request has to carry a key.

Health checks stay open, and so do a browser's preflights, which carry no key.
"""

from collections.abc import Callable

from dlkit.serving.observability.rest_metrics import STATUS
from dlkit.serving.rest_api.request_body import send_answer
from dlkit.serving.security.api_keys import ApiKeys, missing_key
from dlkit.serving.wire.rest_json.text import pretty

_OPEN_PATHS = ("/healthz", "/readyz")
_ALLOWED = b"access-control-allow-headers"


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
