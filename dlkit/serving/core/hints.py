"""What a person could do about an error: sent as `hint` beside TensorFlow Serving's `error`."""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from dlkit.argument_validation import closest
from dlkit.serving.core.signatures import CELLS, DTYPES, Signature, TensorInfo, shape_text

_KEY = re.compile(r"^Failed to process element: \d+ key: (.+?) of 'instances' list")
_EXPECTED = re.compile(r" is not of expected type: (\w+)$")
_MISSING_FEATURE = re.compile(r"Feature: (.{1,200}?) \(data type: (\w+)\) is required")
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


def for_request(
    message: str, signature: Signature, signatures: Mapping[str, Signature] | None = None
) -> str | None:
    """Say how the request body should look, going by the error's message.

    Args:
        message: The error's.
        signature: The one that is asked.
        signatures: All of the model's. Defaults to None, that one alone.
    """
    found = [_for_booleans(message) or _for_body(message, signature)]
    if "Type: Null" in message and CELLS in (signatures or {}):
        found.append(
            f'Where JSON has no NaN: "signature_name": "{CELLS}" takes every column as a text, and'
            " an empty one for what is missing."
        )
    if "Type: Object is not of expected type" in message:
        found.append(_for_files(signatures or {}))
    else:
        found.append(_for_input(message, signature))
    return " ".join(filter(None, found)) or None


def _for_booleans(message: str) -> str | None:
    if message.endswith("is not of expected type: bool"):
        return "A boolean is written true or false, without quotation marks."
    if re.search(r"Type: (True|False) is not of expected type: (?!string)", message):
        return "The input takes numbers: 1 stands for true, and 0 for false."
    return None


def _for_body(message: str, signature: Signature) -> str | None:
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


def _for_files(signatures: Mapping[str, Signature]) -> str:
    """Name the signature that takes the bytes of files, where there is one."""
    keys = [key for key, found in signatures.items() if _file_inputs(found)]
    return f'The bytes of files go to "signature_name": "{keys[0]}".' if keys else ""


def _for_input(message: str, signature: Signature) -> str:
    """Name the input whose type is wrong, or those that it may be, where there are several."""
    if not (expected := _EXPECTED.search(message)) or len(signature.inputs) < 2:
        return ""
    infos, key = signature.inputs, _KEY.match(message)
    names = [key[1]] if key else [n for n in infos if infos[n].dtype_name == expected[1]]
    listed = " and ".join(f"'{name}'" for name in names)
    return f"Input{'s' * (len(names) > 1)} of type {expected[1]}: {listed}."


def for_run(code: str, inputs: Mapping[str, np.ndarray], signature: Signature) -> str | None:
    """Say why a signature may have failed on arrays that it takes.

    Args:
        code: The failure's status code.
        inputs: What it was run on.
        signature: The signature.
    """
    names = _file_inputs(signature)
    if (hint := for_shapes(inputs, signature.inputs)) or code != "INVALID_ARGUMENT" or not names:
        return hint
    return f"'{names[0]}' takes the bytes of whole files, of a kind that the model can read."


def _file_inputs(signature: Signature) -> list[str]:
    """Return the inputs that take the bytes of files, by the end that their names have."""
    return [
        name
        for name, info in signature.inputs.items()
        if name.endswith("_bytes") and info.dtype_name == "string"
    ]


def for_examples(message: str) -> str | None:
    """Say how a tf.Example in a classify or regress request should look.

    Example:
        >>> for_examples("Name: <unknown>, Feature: age (data type: float) is required but ...")
        "Each example has to have the feature 'age': float."
    """
    if found := _MISSING_FEATURE.search(message):
        return f"Each example has to have the feature '{found[1]}': {found[2]}."
    if "data type" in message.lower():
        return "In JSON, 1.0 is a float feature, and 1 an int64 feature."
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
        if shape is None or fits_shape(array.shape, shape):
            continue
        text = f"Input '{name}' takes shape {shape_text(shape)} but got: {shape_text(array.shape)}"
        missing = ": is the batch axis missing?" if array.ndim == len(shape) - 1 else "."
        found.append(text + missing)
    return " ".join(found) or None


def fits_shape(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array's shape is one that a signature takes.

    Example:
        >>> fits_shape((3, 28), (-1, 28)), fits_shape((28,), (-1, 28))
        (True, False)
    """
    if len(shape) != len(wanted):
        return False
    return all(size in (-1, got) for got, size in zip(shape, wanted, strict=True))


def _listed(signature: Signature) -> str:
    named = [f"'{name}' ({DTYPES[info.dtype][0]})" for name, info in signature.inputs.items()]
    return ", ".join(named)
