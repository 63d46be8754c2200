"""Inputs for a request, read from a file: what `dlkit predict` sends."""

import io
import json
import pathlib
from typing import Any, BinaryIO

import numpy as np

from dlkit.errors import InputError


def read_inputs(source: pathlib.Path | BinaryIO) -> Any:
    """Return a batch of inputs from a `.npy` file, or from JSON.

    JSON is a list of rows, an object of named inputs, or a whole request body with `instances` or
    `inputs`.

    Args:
        source: A file's path, or an open binary stream of JSON such as `sys.stdin.buffer`.

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
    try:
        if content[:6] == b"\x93NUMPY":
            return np.load(io.BytesIO(content), allow_pickle=False)
        inputs = json.loads(content)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{name} is neither JSON nor a .npy file ({error}); give a list of rows, as"
            " [[1.0, 2.0], [3.0, 4.0]]."
        ) from None
    if isinstance(inputs, dict):
        inputs = inputs.get("instances", inputs.get("inputs", inputs))
    if not isinstance(inputs, list | dict) or not inputs:
        raise InputError(f"{name} should hold a list of rows, and not {json.dumps(inputs)[:40]}.")
    return inputs
