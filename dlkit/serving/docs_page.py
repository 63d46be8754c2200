"""A page for people, at /docs, and the same for programs, at /openapi.json.

The page needs nothing from elsewhere: no script, no font, no network.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from dlkit.serving.json_elements import shape_text
from dlkit.serving.json_text import pretty
from dlkit.serving.openapi import describe, signatures_of, verbs_of
from dlkit.serving.signatures import DEFAULT_SIGNATURE, Signature, TensorInfo
from dlkit.serving.versions import ServedModel

_MOST_VALUES = 64  # of an example; a whole image would hide the rest of the page
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
            content = describe(self._models, keys=self._keys)
            return 200, [(b"content-type", b"application/json")], pretty(content)
        if path == "/docs":
            headers = [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-security-policy", _POLICY),
            ]
            return 200, headers, page(self._models).encode()
        return None


def page(models: Mapping[str, ServedModel]) -> str:
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
        if example := example_body(key, signature):
            yield f"<pre>curl -d '{escape(json.dumps(example), quote=False)}' "
            yield f"http://HOST:PORT{url}:predict</pre>\n"


def _default_first(item: tuple[str, Signature]) -> tuple[bool, str]:
    return item[0] != DEFAULT_SIGNATURE, item[0]


def _rows(what: str, infos: Mapping[str, TensorInfo]) -> Iterator[str]:
    for name, info in infos.items():
        shape = "any" if info.shape is None else shape_text(info.shape)
        cells = (what, name, info.dtype_name, shape.replace("-1", "?"))
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"


def example_body(key: str, signature: Signature) -> dict[str, Any] | None:
    """Return a predict request of one row of zeros; None where that would be long or is unknown.

    Args:
        key: The signature's key.
        signature: The signature.
    """
    values = {}
    for name, info in signature.inputs.items():
        count, shape = 1, [max(1, size) for size in info.shape or ()]
        for size in shape:
            count *= size
        if info.shape is None or info.numpy_dtype is None or count > _MOST_VALUES:
            return None
        values[name] = _zeros(info, shape)
    if not values:
        return None
    body = {} if key == DEFAULT_SIGNATURE else {"signature_name": key}
    return body | {"inputs": values if len(values) > 1 else next(iter(values.values()))}


def _zeros(info: TensorInfo, shape: list[int]) -> Any:
    value: Any = {"float": 0.0, "double": 0.0, "bool": False, "string": ""}.get(info.dtype_name, 0)
    for size in reversed(shape):
        value = [value] * size
    return value
