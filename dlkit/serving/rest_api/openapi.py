"""The OpenAPI document of a server: what its models take and give, from their signatures."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dlkit import __version__
from dlkit.serving.core.signatures import Signature
from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import MAX_VERSION
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.rest_json.schemas import answer_schema, examples_schema, request_schema

_ABOUT = (
    "TensorFlow Serving's REST API. NaN, Infinity and -Infinity are written bare in requests and"
    " answers, as TensorFlow Serving has it: JSON Schema, which says number, does not know them."
)
_REFUSALS = {
    400: "The request is wrong; `error` says where, `hint` what to do about it.",
    401: "The request carries no key that this server knows.",
    404: "No such model or version.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    501: "A dtype that JSON cannot carry.",
    503: "The queue is full: ask again later.",
    504: "The prediction took too long.",
}
_READING = (400, 404)
_RUNNING = (400, 404, 408, 413, 501, 503, 504)


def openapi_document(models: Mapping[str, ServedModel], *, keys: bool = False) -> dict[str, Any]:
    """Return the document.

    Args:
        models: The served models by name.
        keys: Whether requests have to carry a key. Defaults to False.

    Returns:
        What `/openapi.json` shows: OpenAPI 3.1.

    Example:
        >>> sorted(openapi_document({})["paths"])
        ['/healthz', '/readyz']
    """
    paths = _probes()
    for name, model in sorted(models.items()):
        paths |= _model_paths(name, model, (401,) if keys else ())
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Models served by dlkit", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }
    if keys:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        document["security"] = [{"bearer": []}, {"key": []}]
    return document


def signatures_of(model: ServedModel) -> Mapping[str, Signature]:
    """Return the signatures of the version that answers; none while there is no version."""
    try:
        with model.use() as version:
            return version.runtime.signatures
    except StatusError:
        return {}


def verbs_of(signatures: Mapping[str, Signature]) -> list[str]:
    """Return what may be asked of a model, by what its signatures take and give."""
    named = [(set(found.inputs), set(found.outputs)) for found in signatures.values()]
    verbs = ["predict"]
    if any(takes == {"inputs"} and gives & {"classes", "scores"} for takes, gives in named):
        verbs.append("classify")
    if any(takes == {"inputs"} and gives == {"outputs"} for takes, gives in named):
        verbs.append("regress")
    return verbs


def _model_paths(name: str, model: ServedModel, also: tuple[int, ...]) -> dict[str, Any]:
    signatures = signatures_of(model)
    paths = {}
    for which, parameters in _versions(model).items():
        path = f"/v1/models/{quote(name, safe='')}{which}"
        common = {"tags": [name]}
        status = _operation("The state of each version.", "Status", (*_READING, *also))
        metadata = _operation("The signatures.", "Metadata", (*_READING, *also))
        found = {"": {"get": common | status}, "/metadata": {"get": common | metadata}}
        if signatures:
            for verb in verbs_of(signatures):
                found[f":{verb}"] = {"post": common | _asking(verb, signatures, also)}
        for suffix, item in found.items():
            paths[path + suffix] = item | ({"parameters": parameters} if parameters else {})
    return paths


def _versions(model: ServedModel) -> dict[str, list[dict[str, Any]]]:
    """Return the ways to say which version is meant: the end of the path -> its parameters."""
    number = {"type": "integer", "minimum": 0, "maximum": MAX_VERSION}
    ways = {"": [], "/versions/{version}": [_parameter("version", number)]}
    if model.labels:
        ways["/labels/{label}"] = [_parameter("label", {"enum": sorted(model.labels)})]
    return ways


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _asking(
    verb: str, signatures: Mapping[str, Signature], also: tuple[int, ...]
) -> dict[str, Any]:
    if verb == "predict":
        body, schema = request_schema(signatures), answer_schema(signatures)
    else:
        body, schema = examples_schema(), {"$ref": "#/components/schemas/Results"}
    operation = _operation(f"Ask the model to {verb}.", schema, (*_RUNNING, *also))
    operation["requestBody"] = {"required": True, "content": {"application/json": _schema(body)}}
    return operation


def _probes() -> dict[str, Any]:
    alive = _operation("The process is up.", "Health")
    ready = _operation("Every model has a version that answers.", "Ready")
    ready["responses"]["503"] = {
        "description": "Some model has none.",
        "content": ready["responses"]["200"]["content"],
    }
    return {"/healthz": {"get": alive | {"security": []}}, "/readyz": {"get": ready | _OPEN}}


def _operation(summary: str, answer: str | dict, refusals: tuple[int, ...] = ()) -> dict[str, Any]:
    if isinstance(answer, str):
        answer = {"$ref": f"#/components/schemas/{answer}"}
    responses = {"200": {"description": "OK", "content": {"application/json": _schema(answer)}}}
    for status in sorted(refusals):
        error = _schema({"$ref": "#/components/schemas/Error"})
        content = {"application/json": error}
        responses[str(status)] = {"description": _REFUSALS[status], "content": content}
    return {"summary": summary, "responses": responses}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"schema": schema}


def _named(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "properties": required | optional, "required": list(required)}


_OPEN: dict[str, Any] = {"security": []}
_TEXT = {"type": "string"}
_SCHEMAS = {
    "Base64": _named({"b64": _TEXT | {"contentEncoding": "base64"}})
    | {"additionalProperties": False},
    "Error": _named({"error": _TEXT}, hint=_TEXT),
    "Health": _named({"status": {"const": "ok"}}),
    "Ready": _named(
        {"ready": {"type": "boolean"}, "waiting": {"type": "array", "items": _TEXT}},
    ),
    "Status": _named(
        {
            "model_version_status": {
                "type": "array",
                "items": _named(
                    {
                        "version": _TEXT,
                        "state": {"enum": ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]},
                        "status": _named({"error_code": _TEXT, "error_message": _TEXT}),
                    }
                ),
            }
        }
    ),
    "Metadata": _named({"model_spec": {"type": "object"}, "metadata": {"type": "object"}}),
    "Results": _named({"results": {"type": "array"}}),
}
