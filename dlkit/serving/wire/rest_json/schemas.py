"""What a signature takes and gives over REST, as JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, TensorInfo

Schema = dict[str, Any]

BASE64 = "#/components/schemas/Base64"
_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint32": 32, "uint64": 64}


def request_schema(signatures: Mapping[str, Signature]) -> Schema:
    """Return what the body of a predict request may be: by rows or by whole arrays, each signature.

    Args:
        signatures: The model's signatures.
    """
    forms = []
    for key, signature in signatures.items():
        if signature.inputs and _travel(signature.inputs):
            forms += _forms(key, signature)
    return {"anyOf": forms} if forms else {"type": "object"}


def answer_schema(signatures: Mapping[str, Signature]) -> Schema:
    """Return what the answers to predict requests are.

    Args:
        signatures: The model's signatures.
    """
    columns, rows = [], []
    for signature in signatures.values():
        if _travel(signature.outputs):
            columns.append(_together(signature.outputs, _array, answer=True))
            if _have_rows(signature.outputs):
                rows.append(_together(signature.outputs, _row, answer=True))
    forms = [_object({"outputs": _any(columns)})]
    if rows:
        forms.append(_object({"predictions": {"type": "array", "items": _any(rows)}}))
    return {"anyOf": forms}


def examples_schema() -> Schema:
    """Return what the body of a classify or regress request may be."""
    value = {"anyOf": [{"type": "number"}, {"type": "string"}, {"$ref": BASE64}]}
    features = {
        "type": "object",
        "additionalProperties": {"anyOf": [*value["anyOf"], {"type": "array", "items": value}]},
    }
    return {
        "type": "object",
        "properties": {
            "signature_name": {"type": "string"},
            "context": features,
            "examples": {"type": "array", "items": features, "minItems": 1},
        },
        "required": ["examples"],
    }


def _forms(key: str, signature: Signature) -> list[Schema]:
    forms = [{"inputs": _together(signature.inputs, _array)}]
    if _have_rows(signature.inputs):
        row = _together(signature.inputs, _row)
        forms.append({"instances": {"type": "array", "items": row, "minItems": 1}})
    named = {"signature_name": {"const": key}}
    optional = ("signature_name",) if key == DEFAULT_SIGNATURE else ()
    return [_object({**named, **form}, optional) for form in forms]


def _together(infos: Mapping[str, TensorInfo], each: Any, answer: bool = False) -> Schema:
    """Return several tensors by name; one alone stands without its name."""
    if len(infos) == 1:
        ((name, info),) = infos.items()
        return each(name, info, answer)
    return _object({name: each(name, info, answer) for name, info in infos.items()})


def _array(name: str, info: TensorInfo, answer: bool) -> Schema:
    return _nested(_leaf(name, info, answer), info.shape)


def _row(name: str, info: TensorInfo, answer: bool) -> Schema:
    return _nested(_leaf(name, info, answer), None if info.shape is None else info.shape[1:])


def _nested(leaf: Schema, shape: Sequence[int] | None) -> Schema:
    if shape is None:
        return {"anyOf": [leaf, {"type": "array"}]}
    schema = leaf
    for size in reversed(shape):
        schema = {"type": "array", "items": schema}
        if size >= 0:
            schema |= {"minItems": size, "maxItems": size}
    return schema


def _leaf(name: str, info: TensorInfo, answer: bool) -> Schema:
    kind = info.dtype_name
    if kind in ("float", "double"):
        return {"type": "number", "format": kind}
    if kind == "bool":
        return {"type": "boolean"}
    if kind in _BITS:
        return {"type": "integer", "format": kind, **_limits(kind)}
    if not answer:
        return {"anyOf": [{"type": "string"}, {"$ref": BASE64}]}
    return {"$ref": BASE64} if name.endswith("_bytes") else {"type": "string"}


def _limits(kind: str) -> dict[str, int]:
    bits = _BITS[kind]
    if kind.startswith("u"):
        return {"minimum": 0, "maximum": 2**bits - 1}
    return {"minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}


def _travel(infos: Mapping[str, TensorInfo]) -> bool:
    """Whether JSON can carry all of them."""
    return all(info.numpy_dtype is not None for info in infos.values())


def _have_rows(infos: Mapping[str, TensorInfo]) -> bool:
    return all(info.shape != () for info in infos.values())


def _any(schemas: list[Schema]) -> Schema:
    return {"anyOf": schemas} if schemas else {}


def _object(properties: dict[str, Schema], optional: Sequence[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}
