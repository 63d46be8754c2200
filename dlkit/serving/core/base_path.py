"""What lies under a base path: TensorFlow Serving reads `<base>/<version>/saved_model.pb`."""

import os
import pathlib
from collections.abc import Mapping

from dlkit.serving.core.version import MAX_VERSION

_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
_LITE_FILE = "model.tflite"


def find_versions(base: pathlib.Path) -> dict[int, pathlib.Path] | None:
    """Return the version directories under `base` by number; None when `base` cannot be listed.

    A directory that is a SavedModel itself counts as its own only version, by the number that is
    its name, or 1. Of several names of one number the last one counts.

    Args:
        base: The base path.
    """
    try:
        children = sorted(base.iterdir())
    except OSError:
        return None
    found = {int(child.name): child for child in children if is_version(child)}
    if not found and is_saved_model(base):
        return {int(base.name) if is_version(base) else 1: base}
    return found


def is_version(path: pathlib.Path) -> bool:
    """Whether `path` is a directory with an int64 for its name, as `1` or `00000123`."""
    is_number = path.name.isascii() and path.name.isdigit() and int(path.name) <= MAX_VERSION
    return is_number and path.is_dir()


def is_saved_model(path: pathlib.Path) -> bool:
    """Whether `path` holds a model itself, rather than being the base of versions."""
    return is_tensorflow_model(path) or (path / _LITE_FILE).is_file()


def is_tensorflow_model(path: pathlib.Path) -> bool:
    """Whether `path` holds a SavedModel, rather than a `model.tflite` alone."""
    return any((path / name).is_file() for name in _MODEL_FILES)


def unlisted_text(base: pathlib.Path) -> str:
    """Say why a base path cannot be listed: it is not there, or something else is wrong.

    Args:
        base: The base path.
    """
    try:
        os.scandir(base).close()
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"Could not read base path {base} ({error.strerror})"
    return f"Could not find base path {base}"


def duplicates_text(base: pathlib.Path, found: Mapping[int, pathlib.Path]) -> str:
    """Return TensorFlow Serving's warning about names of one number, as `1` and `001`.

    Args:
        base: The base path.
        found: What `find_versions` returned.
    """
    children = ((int(child.name), child) for child in base.iterdir() if is_version(child))
    return " ".join(
        f"Duplicate version directories detected. Version {number} will be loaded from"
        f" {found[number].name}, {child.name} will be ignored."
        for number, child in sorted(children)
        if found.get(number, child) != child
    )


def no_versions_text(name: str, base: pathlib.Path) -> str:
    """Return TensorFlow Serving's warning about a base path without versions."""
    return (
        f"No versions of servable {name} found under base path {base}."
        " Did you forget to name your leaf directory as a number (eg. '/1/')?"
    )
