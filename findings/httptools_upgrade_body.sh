#!/usr/bin/env bash
# httptools 0.9.0 with uvicorn 0.54.0. A client may offer to go on in another protocol, as curl --http2
# and Java's client do with "Upgrade: h2c"; a server that does not want to reads the request as if
# nothing had been offered (RFC 9110, section 7.8). httptools never gives the body of such a request,
# and an ASGI application under uvicorn is told that there is none.
# Seen: a POST of 2 bytes arrives with 2 bytes, and with the offer with 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httptools==0.9.0 uvicorn==0.54.0
"$folder/venv/bin/python" - <<'PYTHON'
import http.client
import threading
import time

import uvicorn


async def app(scope, receive, send):
    """Answer how many bytes of body arrived."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


config = uvicorn.Config(app, port=0, http="httptools", ws="none", log_level="critical")
server = uvicorn.Server(config)
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
port = server.servers[0].sockets[0].getsockname()[1]


def arrived(headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", b"{}", headers)
    return int(connection.getresponse().read())


offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": ""}
seen = [arrived({}), arrived(offer)]
print("bytes that arrived, without and with an offer:", seen)
server.should_exit = True
raise SystemExit(seen != [2, 0])
PYTHON
