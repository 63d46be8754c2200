"""What a person could do about an error: sent as `hint` beside TensorFlow Serving's `error`."""

from collections.abc import Iterable, Mapping

import numpy as np

from dlkit.checks import closest
from dlkit.serving.json_elements import shape_text
from dlkit.serving.signatures import DTYPES, Signature, TensorInfo

_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")


def for_model(name: str, known: Iterable[str]) -> str:
    """Say which models are served.

    Example:
        >>> for_model("half_plus", ["half_plus_two"])
        "This server has: half_plus_two. Did you mean 'half_plus_two'?"
    """
    return f"This server has: {', '.join(sorted(known))}.{closest(name, known)}"


def for_signature(key: str, known: Iterable[str]) -> str:
    """Say which signatures the model has."""
    return f"The model's signatures: {', '.join(sorted(known))}.{closest(key, known)}"


def for_path(method: str, path: str, known: Iterable[str]) -> str:
    """Say how a request should look that matches no route."""
    name = next(iter(sorted(known)), "<model>")
    if path.endswith((":predict", ":classify", ":regress")) and method != "POST":
        return f"Send {path.rpartition(':')[2]} requests with POST."
    return (
        f"POST /v1/models/{name}:predict, GET /v1/models/{name} and"
        f" GET /v1/models/{name}/metadata are what this server answers."
    )


def for_request(message: str, signature: Signature) -> str | None:
    """Say how the request body should look, going by the error's message."""
    if message.startswith("Missing 'inputs'"):
        return 'Send {"instances": [...]} (a list of rows) or {"inputs": ...} (whole arrays).'
    if "Type: Object is not of expected type" in message:
        return f'Only string inputs take {{"b64": ...}}; the signature takes {_listed(signature)}.'
    if "is not of expected type: string" in message:
        return 'A string input takes JSON strings, or bytes as {"b64": "<base64>"}.'
    if "Type: String is not of expected type" in message:
        return "Numbers are written without quotation marks."
    if "base64" in message:
        return 'Bytes are written as {"b64": "<base64>"}, in the standard alphabet and padded.'
    if "Type: Number is not of expected type" in message and message.endswith(_WHOLE):
        return "Whole numbers are written without a decimal point, and within the dtype's range."
    if "Type: Null" in message:
        return "null is no value; write NaN for a missing float."
    if "Expecting tensor size" in message or "Expecting shape" in message:
        return "All rows must have the same shape."
    if "named input" in message or "keys must be equal" in message or "multiple input" in message:
        return f"The signature takes {_listed(signature)}."
    return None


def for_shapes(inputs: Mapping[str, np.ndarray], infos: Mapping[str, TensorInfo]) -> str | None:
    """Name the inputs whose shape is not the signature's.

    Example:
        >>> infos = {"x": TensorInfo("DT_FLOAT", (-1, 28, 28))}
        >>> for_shapes({"x": np.zeros((28, 28))}, infos)
        "Input 'x' takes shape [-1,28,28] but got: [28,28]: is the batch axis missing?"
    """
    found = []
    for name, array in inputs.items():
        shape = infos[name].shape
        if shape is None or fits(array.shape, shape):
            continue
        text = f"Input '{name}' takes shape {shape_text(shape)} but got: {shape_text(array.shape)}"
        missing = ": is the batch axis missing?" if array.ndim == len(shape) - 1 else "."
        found.append(text + missing)
    return " ".join(found) or None


def fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array's shape is one that a signature takes.

    Example:
        >>> fits((3, 28), (-1, 28)), fits((28,), (-1, 28))
        (True, False)
    """
    if len(shape) != len(wanted):
        return False
    return all(size in (-1, got) for got, size in zip(shape, wanted, strict=True))


def _listed(signature: Signature) -> str:
    named = [f"'{name}' ({DTYPES[info.dtype][0]})" for name, info in signature.inputs.items()]
    return ", ".join(named)
