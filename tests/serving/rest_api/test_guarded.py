"""Who gets through to the application, and what the others are told."""

import asyncio
import json

import pytest

from dlkit.serving.observability.rest_metrics import STATUS
from dlkit.serving.rest_api.app import RestApi
from dlkit.serving.rest_api.guarded import Guarded
from dlkit.serving.security.api_keys import ApiKeys

KEYS = ApiKeys([b"first-key-of-sixteen", b"second-key-of-sixteen"])


def call(method, path, *headers):
    """Return what the application behind the keys was asked, and what was sent."""
    asked, sent = [], []

    async def app(scope, receive, send):
        asked.append(scope["raw_path"])

    async def send(message):
        sent.append(message)

    scope = {"method": method, "raw_path": path.encode(), "headers": headers, "type": "http"}
    asyncio.run(Guarded(app, KEYS)(scope, None, send))
    return asked, sent, scope


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/healthz"), ("GET", "/readyz"), ("OPTIONS", "/v1/models/m")]
)
def test_probes_and_preflights_need_no_key(method, path):
    assert call(method, path)[0] == [path.encode()]


def test_a_preflight_lets_browsers_send_a_key():
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "OPTIONS", "raw_path": b"/v1/models/m:predict"}
    scope["headers"] = [(b"origin", b"https://a.example")]
    asyncio.run(Guarded(RestApi({}, None, cors=True), KEYS)(scope, None, send))
    assert sent[0]["status"] == 200
    headers = dict(sent[0]["headers"])
    allowed = headers[b"access-control-allow-headers"]
    assert allowed == b"Content-Type, Authorization, X-API-Key"
    assert headers[b"access-control-allow-origin"] == b"*"


@pytest.mark.parametrize(
    "path", ["/v1/models/m", "/monitoring/prometheus/metrics", "/healthz/../v1/models/m", "/"]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_everything_else_does(path, method):
    if method == "OPTIONS" and path.startswith("/v1/"):
        path = "/dlkit/v1/config"  # a browser asks without a key for what a page may use
    asked, (start, end), scope = call(method, path)
    assert asked == []
    assert start["status"] == 401
    assert (b"www-authenticate", b"Bearer") in start["headers"]
    assert json.loads(end["body"]).keys() == {"error", "hint"}
    assert scope[STATUS] == "UNAUTHENTICATED"
    assert call(method, path, (b"x-api-key", b"first-key-of-sixteen"))[0] == [path.encode()]
