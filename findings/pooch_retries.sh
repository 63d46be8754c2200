#!/usr/bin/env bash
# pooch 1.9.0. With retry_if_failed a download that the server cuts off is begun anew: no attempt asks
# for the rest (HTTP Range), though the server offers ranges, and nothing of what came is kept, so that
# a large file over a bad line never arrives. A 404, which no repetition mends, is asked for as often.
# Seen: with retry_if_failed=2 a file that is cut off after half is asked for 3 times, no time with a
# Range, and leaves no file behind; a file that is not there is asked for 3 times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pooch==1.9.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import contextlib
import hashlib
import http.server
import pathlib
import sys
import threading

import pooch

CONTENT = bytes(range(256)) * 400
asked = []


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends half of the one file that it has, and then hangs up."""

    def do_GET(self):
        asked.append((self.path, "Range" in self.headers))
        if self.path != "/data.bin":
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])
        return None

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
cache = pathlib.Path(sys.argv[1], "cache")
digest = hashlib.sha256(CONTENT).hexdigest()
client = pooch.create(
    cache,
    f"http://127.0.0.1:{server.server_port}/",
    registry={"data.bin": digest, "none.bin": digest},
    retry_if_failed=2,
)
for name in ("data.bin", "none.bin"):
    with contextlib.suppress(Exception):
        client.fetch(name)
cut = [with_range for path, with_range in asked if path == "/data.bin"]
missing = sum(path == "/none.bin" for path, _ in asked)
left = [path for path in cache.rglob("*") if path.is_file()]
print(f"cut off: asked {len(cut)} times, {sum(cut)} with a Range, {len(left)} files left;", end=" ")
print(f"not there: asked {missing} times")
raise SystemExit((len(cut), sum(cut), len(left), missing) != (3, 0, 0, 3))
PYTHON
