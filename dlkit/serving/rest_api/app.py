"""TensorFlow Serving's REST API as an ASGI application.

Routing follows TensorFlow Serving's regular expressions, which see the path before it is
percent-decoded. The event loop only moves bytes: predictions run in a pool of threads, unless they
are over before a thread would wake (`adaptive_batching`).
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import metadata_json
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import MAX_VERSION, Wanted
from dlkit.serving.inference.adaptive_batching import AdaptiveBatcher
from dlkit.serving.inference.calls import answer_request, find_status, use_version
from dlkit.serving.observability.rest_metrics import STATUS
from dlkit.serving.rest_api import compression
from dlkit.serving.rest_api.request_body import ClientGoneError, read_body, send_answer
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.codec import Codec
from dlkit.serving.wire.rest_json.classify_regress import JsonExamples
from dlkit.serving.wire.rest_json.predict import PREDICT
from dlkit.serving.wire.rest_json.text import pretty

log = logging.getLogger("dlkit.serving")

_SPEC = r"(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
PREDICTION = re.compile(
    rf"(?i:/v1/models/(?P<name>[^/:]+){_SPEC}:(?P<verb>classify|regress|predict))", re.ASCII
)
_STATUS = re.compile(
    rf"(?i:/v1/models(?:/(?P<name>[^/:]+))?{_SPEC}(?:/(?P<part>metadata))?)", re.ASCII
)

# How each verb of a path is written.
CODECS: dict[str, Codec] = {
    "predict": PREDICT,
    "classify": JsonExamples("classify"),
    "regress": JsonExamples("regress"),
}
JSON = (b"content-type", b"application/json")
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
)
_MOST_CHARACTERS = 16 * 1024  # of what an error says
PACKED = ((b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))
_NOT_FOUND_PAGE = (
    b"<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD>"
    b"<BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"
)

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
Other = Callable[[dict, str, Callable], Awaitable[Answer | None]]


class RestApi:
    """The ASGI application.

    Args:
        models: The served models by name.
        pool: Where predictions run.
        cors: Whether browsers of other origins may read the answers. Defaults to False.
        max_body_bytes: The largest request body, before and after decompression. Defaults to
            104857600 (100 MiB).
        client_seconds: How long a client may take to send its body. Defaults to 60.
        others: What answers outside /v1/: each takes the scope, the path and where the body comes
            from, and returns None for a path that is not its own. Defaults to (), nothing.
        join: Whether predict requests that would wait for each other are run together, where the
            export allows that. Defaults to False.
    """

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        pool: ThreadPoolExecutor,
        *,
        cors: bool = False,
        max_body_bytes: int = 100 * 2**20,
        client_seconds: float = 60.0,
        others: Sequence[Other] = (),
        join: bool = False,
    ):
        self._models = models
        self.pool = pool
        self.cors = _CORS if cors else ()
        self.max_body_bytes = max_body_bytes
        self._client_seconds = client_seconds
        self._others = others
        self.batcher = AdaptiveBatcher(models, pool) if join else None

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode("latin-1")
        try:
            status, headers, body = await self._answer(scope, path, receive)
        except StatusError as error:
            scope[STATUS] = error.code
            status, headers, body = refusal(error)
        except ClientGoneError:
            return
        except asyncio.CancelledError:  # after SIGTERM, when drain_seconds are over
            ending = shutting_down()
            scope[STATUS] = ending.code
            status, headers, body = refusal(ending)
        except Exception as error:
            failure = failed(scope["method"], path, error)
            scope[STATUS] = failure.code
            status, headers, body = refusal(failure)
        if path[:4].lower() == "/v1/":
            headers = [*headers, *self.cors]
        if len(body) >= compression.LEAST_BYTES and offers_gzip(scope["headers"]):
            loop = asyncio.get_running_loop()
            body = await loop.run_in_executor(self.pool, compression.pack, body)
            headers = [*headers, *PACKED]
        await send_answer(scope, receive, send, (status, headers, body))

    async def _answer(self, scope: dict, path: str, receive: Callable) -> Answer:
        method = scope["method"]
        if path[:4].lower() != "/v1/":
            return await self._elsewhere(scope, path, receive)
        if method == "OPTIONS":
            return _preflight(scope)
        if method == "POST" and (match := PREDICTION.fullmatch(path)):
            return await self._predict(match, scope, receive)
        if method == "GET" and (match := _STATUS.fullmatch(path)):
            return 200, [JSON], pretty(self._describe(match))
        raise self._malformed(method, path)

    def _malformed(self, method: str, path: str) -> StatusError:
        error = invalid(f"Malformed request: {method} {path}")
        error.hint = hints.for_path(method, path, self._models)
        return error

    # ------------------------------------------------------------ :predict

    async def _predict(self, match: re.Match, scope: dict, receive: Callable) -> Answer:
        codec = CODECS.get(match["verb"])
        if codec is None:  # the path may be written in capitals
            raise self._malformed("POST", match.string)
        name, wanted = unquote(match["name"]), wanted_version(match)
        body = await read_body(scope, receive, self.max_body_bytes, self._client_seconds)
        packed = compression.is_gzip(scope["headers"])
        if self.batcher and not packed:
            return 200, [JSON], await self.batcher.answer(name, wanted, codec, body)
        work = self._unpack_and_answer if packed else self._answer_body
        loop = asyncio.get_running_loop()
        return 200, [JSON], await loop.run_in_executor(self.pool, work, name, wanted, codec, body)

    def _unpack_and_answer(self, name: str, wanted: Wanted, codec: Codec, body: bytes) -> bytes:
        body = compression.unpack(body, self.max_body_bytes)
        return self._answer_body(name, wanted, codec, body)

    def _answer_body(self, name: str, wanted: Wanted, codec: Codec, body: bytes) -> bytes:
        return answer_request(self._models, name, wanted, codec, body)

    # ------------------------------------------------------------ status, metadata, probes

    def _describe(self, match: re.Match) -> dict[str, Any]:
        if match["name"] is None:
            raise invalid("Missing model name in request.")
        name, wanted = unquote(match["name"]), wanted_version(match)
        if match["part"] == "metadata":
            return self._metadata(name, wanted)
        return {"model_version_status": find_status(self._models, name, wanted)}

    def _metadata(self, name: str, wanted: Wanted) -> dict[str, Any]:
        with use_version(self._models, name, wanted) as version:
            return metadata_json(name, version.number, version.runtime.signatures)

    async def _elsewhere(self, scope: dict, path: str, receive: Callable) -> Answer:
        for other in self._others:
            if found := await other(scope, path, receive):
                return found
        return self._probe(scope["method"], path)

    def _probe(self, method: str, path: str) -> Answer:
        if method in ("GET", "HEAD") and path == "/healthz":
            return 200, [JSON], pretty({"status": "ok"})
        if method in ("GET", "HEAD") and path == "/readyz":
            waiting = sorted(name for name, model in self._models.items() if not model.ready)
            return (
                503 if waiting else 200,
                [JSON],
                pretty({"ready": not waiting, "waiting": waiting}),
            )
        return 404, [(b"content-type", b"text/html")], _NOT_FOUND_PAGE


def wanted_version(match: re.Match) -> Wanted:
    """Return the version number or the label in a URL, or None when it names neither.

    Args:
        match: What `PREDICTION` or the like found.

    Raises:
        StatusError: INVALID_ARGUMENT for a number that is too large.
    """
    if match["label"] is not None:
        return unquote(match["label"])
    if match["version"] is None:
        return None
    number = int(match["version"].lstrip("0")[:20] or "0")
    if number > MAX_VERSION:
        raise invalid(f"Failed to convert version: {match['version'][:40]} to numeric.")
    return number


def failed(method: str, path: str, error: Exception) -> StatusError:
    """Log what is a bug, and return it as a refusal: the client gets JSON all the same."""
    log.error("%s %s failed", method, path, exc_info=error)
    return StatusError("INTERNAL", f"{type(error).__name__}: {error}")


def shutting_down() -> StatusError:
    """Return the answer to those whose requests do not end in time."""
    return StatusError("UNAVAILABLE", "The server is shutting down")


def refusal(error: StatusError) -> Answer:
    """Return the answer to a request that is refused."""
    body = {"error": error.message[:_MOST_CHARACTERS]}  # it may quote a name of any length
    if error.hint:
        body["hint"] = error.hint[:_MOST_CHARACTERS]
    return error.http_status, [JSON], pretty(body)


def offers_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the sender of a request takes gzip."""
    return compression.accepts_gzip(dict(headers).get(b"accept-encoding", b""))


def _preflight(scope: dict) -> Answer:
    origin = dict(scope["headers"]).get(b"origin", b"")
    return 200 if origin.startswith((b"http://", b"https://")) else 400, [JSON], b""
