"""What an export says to this server of itself: `assets.extra/dlkit_serving.json`.

    signatures as in the SavedModel, so that nobody has to parse it
    rowwise: runtime -> which of them it may run for several requests at once
    runtimes: the same functions as files for ONNX Runtime or LiteRT, which were compared with it

Plain Python: a version that is run by a twin never imports TensorFlow.
"""

import hashlib
import json
import logging
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.serving.core.hints import fits_shape
from dlkit.serving.core.signatures import Signature, TensorInfo, shape_text
from dlkit.serving.core.status import StatusError, invalid

log = logging.getLogger("dlkit.serving")

FILE = pathlib.PurePath("assets.extra", "dlkit_serving.json")
_FORMAT = 1


@dataclass(frozen=True)
class Told:
    """What a version says of itself.

    Args:
        signatures: All signatures of the SavedModel, by key in order.
        rowwise: Runtime -> those that it answers row by row, whatever rows are beside it.
        files: The twins: runtime -> signature key -> the file and its SHA-256 sum.
    """

    signatures: Mapping[str, Signature] = field(default_factory=dict)
    rowwise: Mapping[str, frozenset[str]] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, tuple[pathlib.Path, str]]] = field(default_factory=dict)


def read_manifest(path: pathlib.Path) -> Told:
    """Return what the version in a directory says; nothing for one that dlkit did not write.

    Args:
        path: The version directory.
    """
    file = path / FILE
    try:
        told = json.loads(file.read_text("utf-8"))
        if told["format"] != _FORMAT:
            raise ValueError(f"its format is {told['format']}, and {_FORMAT} is known here")
        if told["saved_model"]["sha256"] != checksum(path / "saved_model.pb"):
            raise ValueError("it belongs to another saved_model.pb")
        return Told(
            {key: _signature(found) for key, found in sorted(told["signatures"].items())},
            _rowwise(path, told["rowwise"]),
            {name: _files(file.parent, found) for name, found in told["runtimes"].items()},
        )
    except FileNotFoundError:
        return Told()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s is not used: %s", file, error)
        return Told()


def _rowwise(path: pathlib.Path, found: Any) -> dict[str, frozenset[str]]:
    if isinstance(found, list):  # of an export whose trial let rows mix that must not
        log.info("Requests for %s are not joined until it is exported again", path)
        return {}
    return {runtime: frozenset(keys) for runtime, keys in found.items()}


def _files(folder: pathlib.Path, found: dict[str, Any]) -> dict[str, tuple[pathlib.Path, str]]:
    return {
        key: (folder / entry["file"], entry["sha256"]) for key, entry in found["signatures"].items()
    }


def _signature(found: dict[str, Any]) -> Signature:
    inputs, outputs = (
        {name: _info(info) for name, info in sorted(found[side].items())}
        for side in ("inputs", "outputs")
    )
    return Signature(inputs, outputs, found["method_name"])


def _info(found: dict[str, Any]) -> TensorInfo:
    shape = found["shape"]
    sizes = None if shape is None else tuple(shape)
    return TensorInfo(found["dtype"], sizes, found["name"], tuple(found.get("axes", ())))


def checksum(path: pathlib.Path) -> str:
    """Return the SHA-256 sum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content(file: pathlib.Path, expected: str) -> bytes:
    """Return a twin's file, if it is the one that was checked.

    Raises:
        StatusError: DATA_LOSS when it is not, or cannot be read.
    """
    try:
        found = file.read_bytes()
    except OSError as error:
        raise StatusError("DATA_LOSS", f"{file} cannot be read: {error.strerror}") from None
    if hashlib.sha256(found).hexdigest() != expected:
        raise StatusError("DATA_LOSS", f"{file} is not the file that was checked at the export")
    return found


def check_shapes(
    inputs: Mapping[str, np.ndarray], signature: Signature, *, any_rows: bool = False
) -> None:
    """Refuse arrays that are not of a signature's shapes.

    Libraries differ in what they make of such arrays, so none is asked.

    Args:
        inputs: An array for each input.
        signature: What they are for.
        any_rows: Whether the first axis may have another size. Defaults to False.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    for name, info in signature.inputs.items():
        shape, wanted = inputs[name].shape, info.shape
        if any_rows and wanted:
            wanted = (-1, *wanted[1:])
        if wanted is not None and not fits_shape(shape, wanted):
            raise invalid(
                f"Input '{name}' must be of shape {shape_text(wanted)}, not {shape_text(shape)}"
            )
