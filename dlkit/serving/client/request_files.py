"""Inputs for a request, read from a file: what `dlkit predict` sends."""

import base64
import csv
import gzip
import io
import json
import pathlib
import zlib
from typing import Any, BinaryIO

import numpy as np

from dlkit.errors import InputError
from dlkit.serving.client.columns import Table, as_numbers, check_different, from_rows

# What `dlkit.export` calls the signatures that take a file as it is.
_SIGNATURES = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".gif"), "image_bytes"),
    ".wav": "audio_bytes",
}


def read_inputs(source: pathlib.Path | BinaryIO, *, delimiter: str = ",") -> Any:
    """Return a batch of inputs from a file: JSON, `.npy`, a table in CSV, an image or a sound.

    JSON is a list of rows, an object of named inputs, or a whole request body with `instances` or
    `inputs`. As in a request, a row may be an object of named inputs, and `{"b64": "..."}` stands
    for bytes. A CSV file, plain or `.gz`, has the names of its columns in its first line and is
    read as `dlkit.data.from_csv` reads it; `Client.predict` sends its cells as they stand where the
    model takes that. The bytes of an image or a sound are a batch of one.

    Args:
        source: A file's path, or an open binary stream of JSON, `.npy` or CSV such as
            `sys.stdin.buffer`.
        delimiter: What stands between two cells of a CSV file. Defaults to ",".

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
    suffixes = [suffix.lower() for suffix in pathlib.PurePath(name).suffixes]
    if suffixes and suffixes[-1] in _SIGNATURES:
        return [content]
    if suffixes[-2:] == [".csv", ".gz"]:
        return _table(name, _unpacked(name, content), delimiter)
    is_path = isinstance(source, pathlib.Path)
    if suffixes[-1:] == [".csv"] or (not is_path and _is_table(content)):
        return _table(name, content, delimiter)
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
    if isinstance(inputs, list) and any(isinstance(row, dict) for row in inputs):
        return from_rows(inputs, name)
    return inputs


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


def _unpacked(name: str, content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} cannot be unpacked ({error}); fetch it anew.") from None


def _table(name: str, content: bytes, delimiter: str) -> Table:
    csv.field_size_limit(2**31 - 1)  # a long text is more than 128 KiB
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        lines = csv.reader(text, delimiter=delimiter, skipinitialspace=True)
        rows = [[cell.strip() for cell in line] for line in lines]
    except (UnicodeDecodeError, csv.Error, TypeError) as error:
        raise InputError(f"{name} is no table in CSV ({error}).") from None
    rows = [row for row in rows if any(row) or len(row) > 1]
    if len(rows) < 2 or any(len(row) != len(rows[0]) for row in rows):
        widths = sorted({len(row) for row in rows})
        raise InputError(
            f"{name} must have the inputs' names in its first line and as many values in each line"
            f" after it, divided by {delimiter!r}. Received: {len(rows)} lines of {widths} values."
        )
    names = [cell or f"column_{place}" for place, cell in enumerate(rows[0], 1)]
    check_different(name, names)
    texts = dict(zip(names, zip(*rows[1:], strict=True), strict=True))
    return Table({key: as_numbers(values) for key, values in texts.items()}, texts)


def _bytes(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["b64"], validate=True) if value.keys() == {"b64"} else value


def _check_signature(name: str, body: dict[str, Any]) -> None:
    if "signature_name" in body and {"instances", "inputs"} & body.keys():
        raise InputError(
            f"{name} asks for the signature {body['signature_name']!r}, and only the default one is"
            " asked here; leave signature_name out, or call Client.predict with it."
        )
