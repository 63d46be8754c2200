"""REST requests counted and timed, and the page that Prometheus reads."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from dlkit.serving.core.settings import Settings
from dlkit.serving.observability import metrics
from dlkit.serving.wire.protobuf import config_text

DEFAULT_PATH = "/monitoring/prometheus/metrics"
# Where the application that answers puts the status code's name.
STATUS = "dlkit.status"

# Without a step back, so that a path is read once however it ends.
_MODEL = re.compile(r"(?i:/v1/models/([^/:]++))[^:]*+(?::(\w++))?+")
_VERBS = ("predict", "classify", "regress")


def metrics_path(settings: Settings) -> str:
    """Return where the metrics are; empty where no monitoring configuration asks for them.

    Raises:
        InputError: for a file that cannot be read.
    """
    file = settings.monitoring_config_file
    if not file:
        return ""
    config = config_text.read_config(
        "monitoring_config_file", file, "MonitoringConfig"
    ).prometheus_config
    return (config.path or DEFAULT_PATH) if config.enable else ""


class Monitored:
    """An ASGI application that counts and times what another one answers.

    Args:
        app: What answers. It leaves the name of a refusal's status code in the scope.
    """

    def __init__(self, app: Callable):
        self._app = app

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one request."""
        path = scope.get("raw_path", b"").decode("latin-1")
        if path[:4].lower() != "/v1/":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()

        async def counted(message: dict) -> None:
            # Before the client has its answer, so that it finds itself on the page.
            if message["type"] == "http.response.start":
                code = "OK" if message["status"] == HTTPStatus.OK else "INVALID_ARGUMENT"
                count_rest_request(path, scope.get(STATUS, code), time.perf_counter() - start)
            await send(message)

        await self._app(scope, receive, counted)


class MetricsPage:
    """An ASGI application that has the page for Prometheus beside what another one answers.

    Args:
        app: What answers everything else.
        path: Where the page is.
    """

    def __init__(self, app: Callable, path: str):
        self._app = app
        self._path = path

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one request."""
        if scope.get("raw_path", b"").decode("latin-1") != self._path:
            await self._app(scope, receive, send)
            return
        status, text = HTTPStatus.OK, metrics.prometheus_page()
        if query := scope.get("query_string"):
            asked = f"{self._path}?{query.decode('latin-1')}"
            status = HTTPStatus.BAD_REQUEST
            text = f"Unexpected path: {asked}. Should be {self._path}"
        body = text.encode()
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def count_rest_request(path: str, status: str, seconds: float) -> None:
    """Count a request to the API; malformed ones and those without a key under no model's name."""
    found = _MODEL.fullmatch(path) if status != "UNAUTHENTICATED" else None
    name = unquote(found[1]) if found else ""
    api = found[2] if found and found[2] in _VERBS else ""
    metrics.count_request(name, status, api, "REST", seconds)
