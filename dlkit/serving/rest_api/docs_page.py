"""A page for people, at /docs, and the same for programs, at /openapi.json.

The page needs nothing from elsewhere: no script, no font, no network.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from dlkit.serving.core.classify_regress import METHODS
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, TensorInfo, shape_text
from dlkit.serving.rest_api.openapi import openapi_document, signatures_of, verbs_of
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.rest_json.text import pretty

_MOST_VALUES = 64  # of an example; a whole image would hide the rest of the page
_ANY_FILE = "the file"  # stands in an example where a command reads one
_FILES = {"image": "photo.jpg", "audio": "sound.wav"}
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'"
_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Models served by dlkit</title><style>
body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse } td, th { border: 1px solid #bbb; padding: .3em .7em }
th { text-align: left } pre { background: #f4f4f4; padding: .7em; overflow-x: auto }
</style></head><body><h1>Models served by dlkit</h1>
<p>TensorFlow Serving's REST API; <a href="openapi.json">openapi.json</a> has it for programs.</p>
"""


class Pages:
    """What answers for the two pages.

    Args:
        models: The served models by name.
        keys: Whether requests have to carry a key.
    """

    def __init__(self, models: Mapping[str, ServedModel], keys: bool):
        self._models = models
        self._keys = keys

    async def __call__(self, scope: dict, path: str, receive: Callable) -> Any:
        """Return the answer, or None for other paths."""
        if scope["method"] not in ("GET", "HEAD"):
            return None
        if path == "/openapi.json":
            content = openapi_document(self._models, keys=self._keys)
            return 200, [(b"content-type", b"application/json")], pretty(content)
        if path == "/docs":
            headers = [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-security-policy", _POLICY),
            ]
            return 200, headers, models_page(self._models).encode()
        return None


def models_page(models: Mapping[str, ServedModel]) -> str:
    """Return the page's HTML.

    Args:
        models: The served models by name.
    """
    pieces = [_HEAD]
    for name, model in sorted(models.items()):
        pieces += [f"<h2>{escape(name)}</h2>\n", *_signatures(name, signatures_of(model))]
    return "".join([*pieces, "</body></html>\n"])


def _signatures(name: str, signatures: Mapping[str, Signature]) -> Iterator[str]:
    if not signatures:
        yield "<p>No version of it answers now.</p>\n"
        return
    url = f"/v1/models/{quote(name, safe='')}"
    listed = ", ".join(f"<code>POST {url}:{verb}</code>" for verb in verbs_of(signatures))
    yield f"<p>{listed}, <code>GET {url}</code>, <code>GET {url}/metadata</code></p>\n"
    for key, signature in sorted(signatures.items(), key=_default_first):
        yield f"<h3>{escape(key)}</h3>\n<table><tr><th></th><th>name</th><th>dtype</th>"
        yield "<th>shape</th></tr>\n"
        yield from _rows("takes", signature.inputs)
        yield from _rows("gives", signature.outputs)
        yield "</table>\n"
        if command := _command(key, signatures, f"http://HOST:PORT{url}"):
            yield f"<pre>{escape(command, quote=False)}</pre>\n"


def _default_first(item: tuple[str, Signature]) -> tuple[bool, str]:
    return item[0] != DEFAULT_SIGNATURE, item[0]


def _rows(what: str, infos: Mapping[str, TensorInfo]) -> Iterator[str]:
    for name, info in infos.items():
        shape = "any" if info.shape is None else shape_text(info.shape)
        cells = (what, name, info.dtype_name, shape.replace("-1", "?"))
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"


def _command(key: str, signatures: Mapping[str, Signature], url: str) -> str:
    """Return what asks a signature from a shell; empty where it would be long or is unknown."""
    signature = signatures[key]
    verb = next((verb for verb, name in METHODS.items() if name == signature.method_name), "")
    body = examples_body(key, signatures) if verb else example_body(key, signature)
    if body is None:
        return ""
    text, url = json.dumps(body), f"{url}:{verb or 'predict'}"
    if _ANY_FILE not in text:
        return f"curl -d '{text}' {url}"
    file = next((file for kind, file in _FILES.items() if f"{kind}_bytes" in text + key), "FILE")
    # By a pipe: an argument of a program, unlike one of the shell's own echo, ends at 128 KiB.
    content = text.replace(_ANY_FILE, f"'$(base64 -w0 {file})'")
    return f"echo '{content}' | curl -d @- {url}"


def example_body(key: str, signature: Signature) -> dict[str, Any] | None:
    """Return a predict request of one row of zeros; None where that would be long or is unknown.

    Args:
        key: The signature's key.
        signature: The signature.
    """
    if not (shapes := _shapes(signature)):
        return None
    values = {name: _zeros(name, signature.inputs[name], shape) for name, shape in shapes.items()}
    return _named(key) | {"inputs": values if len(values) > 1 else next(iter(values.values()))}


def examples_body(key: str, signatures: Mapping[str, Signature]) -> dict[str, Any] | None:
    """Return a classify or regress request of one row of zeros; None likewise.

    Args:
        key: The signature's key.
        signatures: All of the model's: what an example holds is what the default one takes.
    """
    plain = signatures.get(DEFAULT_SIGNATURE)
    if plain is None or plain.method_name in METHODS.values() or not (shapes := _shapes(plain)):
        return None
    features = {}
    for name, shape in shapes.items():
        value = _zeros(name, plain.inputs[name], [])
        value = int(value) if isinstance(value, bool) else value
        features[name] = [value] * math.prod(shape) if shape[1:] else value
    return _named(key) | {"examples": [features]}


def _named(key: str) -> dict[str, str]:
    return {} if key == DEFAULT_SIGNATURE else {"signature_name": key}


def _shapes(signature: Signature) -> dict[str, list[int]] | None:
    """Return the shape of one row of each input; None where one would be long or is unknown."""
    shapes = {}
    for name, info in signature.inputs.items():
        shape = [max(1, size) for size in info.shape or ()]
        if info.shape is None or info.numpy_dtype is None or math.prod(shape) > _MOST_VALUES:
            return None
        shapes[name] = shape
    return shapes


def _zeros(name: str, info: TensorInfo, shape: list[int]) -> Any:
    value: Any = {"float": 0.0, "double": 0.0, "bool": False, "string": ""}.get(info.dtype_name, 0)
    if value == "" and name.endswith("_bytes"):
        value = {"b64": _ANY_FILE}
    for size in reversed(shape):
        value = [value] * size
    return value
