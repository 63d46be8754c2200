"""Inputs for a request, read from a file: what `dlkit predict` sends."""

import base64
import csv
import io
import json
import pathlib
from typing import Any, BinaryIO

import numpy as np

from dlkit.errors import InputError
from dlkit.serving.client_columns import Table, as_numbers

# What `dlkit.export` calls the signatures that take a file as it is.
_SIGNATURES = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".gif"), "image_bytes"),
    ".wav": "audio_bytes",
}


def read_inputs(source: pathlib.Path | BinaryIO) -> Any:
    """Return a batch of inputs from a file: JSON, `.npy`, a table in CSV, an image or a sound.

    JSON is a list of rows, an object of named inputs, or a whole request body with `instances` or
    `inputs`. As in a request, a row may be an object of named inputs, and `{"b64": "..."}` stands
    for bytes. A CSV file has the names of its columns in its first line; a column of numbers has
    NaN where it is empty, and `Client.predict` sends it as a DataFrame. The bytes of an image or
    a sound are a batch of one.

    Args:
        source: A file's path, or an open binary stream of JSON, `.npy` or CSV such as
            `sys.stdin.buffer`.

    Returns:
        What `Client.predict` takes.

    Raises:
        InputError: when the file cannot be read or holds something else.

    Example:
        >>> import io
        >>> read_inputs(io.BytesIO(b'{"instances": [[1.0, 2.0]]}'))
        [[1.0, 2.0]]
    """
    name = str(source) if isinstance(source, pathlib.Path) else "standard input"
    try:
        content = source.read_bytes() if isinstance(source, pathlib.Path) else source.read()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from None
    suffix = pathlib.PurePath(name).suffix.lower()
    if suffix in _SIGNATURES:
        return [content]
    if suffix == ".csv" or (not isinstance(source, pathlib.Path) and _is_table(content)):
        return _table(name, content)
    try:
        if content[:6] == b"\x93NUMPY":
            return np.load(io.BytesIO(content), allow_pickle=False)
        inputs = json.loads(content, object_hook=_bytes)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{name} is neither JSON nor a .npy file ({error}); give a list of rows, as"
            " [[1.0, 2.0], [3.0, 4.0]]."
        ) from None
    if isinstance(inputs, dict):
        _check_signature(name, inputs)
        inputs = inputs.get("instances", inputs.get("inputs", inputs))
    if not isinstance(inputs, list | dict) or not inputs:
        raise InputError(f"{name} should hold a list of rows, and not {inputs!r:.40}.")
    return _columns(name, inputs)


def signature_for(name: str) -> str | None:
    """Return which signature takes the bytes of such a file; None for the default one.

    Example:
        >>> signature_for("cat.JPG"), signature_for("rows.json")
        ('image_bytes', None)
    """
    return _SIGNATURES.get(pathlib.PurePath(name).suffix.lower())


def _is_table(content: bytes) -> bool:
    """Whether content without a file's name is a table: lines, and neither JSON nor `.npy`."""
    return content.lstrip()[:1] not in (b"[", b"{", b"\x93") and b"\n" in content.strip()


def _table(name: str, content: bytes) -> Table:
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig")), skipinitialspace=True)
        rows = [[cell.strip() for cell in line] for line in lines if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name} is no table in CSV ({error}).") from None
    if len(rows) < 2 or any(len(row) != len(rows[0]) for row in rows):
        widths = sorted({len(row) for row in rows})
        raise InputError(
            f"{name} must have the inputs' names in its first line and as many values in each line"
            f" after it. Received: {len(rows)} lines of {widths} values."
        )
    texts = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    return Table({key: as_numbers(values) for key, values in texts.items()}, texts)


def _bytes(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["b64"], validate=True) if value.keys() == {"b64"} else value


def _check_signature(name: str, body: dict[str, Any]) -> None:
    if "signature_name" in body and {"instances", "inputs"} & body.keys():
        raise InputError(
            f"{name} asks for the signature {body['signature_name']!r}, and only the default one is"
            " asked here; leave signature_name out, or call Client.predict with it."
        )


def _columns(name: str, inputs: Any) -> Any:
    """Return rows of named inputs as named columns, and anything else as it is."""
    named = [isinstance(row, dict) for row in inputs] if isinstance(inputs, list) else []
    if not any(named):
        return inputs
    if not all(named) or any(row.keys() != inputs[0].keys() for row in inputs):
        raise InputError(f"{name} holds rows with different names; give each row the same inputs.")
    return {key: [row[key] for row in inputs] for key in inputs[0]}
