#!/usr/bin/env bash
# grpcio 1.85.1. A retry policy in the service config sends a request again that met an unavailable
# server. A request above 256 KiB is sent once, and the call fails as if there were no policy: it does
# not fit grpc.per_rpc_retry_buffer_size, which nothing says. Whatever maxAttempts asks for, there are
# five at most.
# Seen: of 10 attempts a request of 10 bytes gets 5, and one of 1 MiB gets 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grpcio==1.85.1
"$folder/venv/bin/python" - <<'PYTHON'
import json
from concurrent.futures import ThreadPoolExecutor

import grpc

POLICY = {
    "maxAttempts": 10,
    "initialBackoff": "0.01s",
    "maxBackoff": "0.1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


class Unavailable(grpc.GenericRpcHandler):
    """Counts the requests that it refuses."""

    def __init__(self):
        self.asked = 0

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, request, context):
        self.asked += 1
        context.abort(grpc.StatusCode.UNAVAILABLE, "loading")


def attempts(size):
    handler = Unavailable()
    server = grpc.server(ThreadPoolExecutor(1), [handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": POLICY}]})
    options = [("grpc.service_config", config), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        try:
            channel.unary_unary("/a/b")(b"x" * size, timeout=30)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE
    server.stop(0).wait()
    return handler.asked


seen = [attempts(10), attempts(2**20)]
print("attempts, of 10, for 10 bytes and for 1 MiB:", seen)
raise SystemExit(seen != [5, 1])
PYTHON
