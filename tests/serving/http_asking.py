"""Plain HTTP to a server under test: no client of our own between the test and the wire."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error's text; the whole point of an error is that it is there, as a string."""
        assert isinstance(self.json["error"], str), self.body
        return self.json["error"]


def ask(url, method="GET", path="", *, body=None, headers=None, chunks=None):
    """Send one request; `path` beginning with / replaces the URL's path, else it is appended."""
    parts = urlsplit(url)
    target = path if path.startswith("/") else parts.path + path
    if isinstance(body, dict):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if chunks is not None:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(chunks if body is None else body, encode_chunked=chunks is not None)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


def predict(url, body, signature=None):
    """POST a predict request; the signature's name is put into a body that is a dictionary."""
    if signature is not None:
        body = {"signature_name": signature, **body}
    return ask(url, "POST", ":predict", body=body)
