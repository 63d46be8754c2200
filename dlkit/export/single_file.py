"""A model in one file, which appears whole and checked or not at all."""

import contextlib
import os
import pathlib
import uuid
from collections.abc import Callable

from dlkit.errors import InputError


def check_file_path(path: str | os.PathLike, suffix: str) -> pathlib.Path:
    """Return `path` if a file that ends in `suffix` may be written there.

    Raises:
        InputError: when it is no path, a remote address, a directory, or ends otherwise.

    Example:
        >>> check_file_path("exports/digits.onnx", ".onnx").name
        'digits.onnx'
    """
    if not isinstance(path, (str, os.PathLike)) or "://" in os.fspath(path):
        raise InputError(f"path must be that of a local file. Received: path={path!r}.")
    checked = pathlib.Path(path)
    if checked.suffix != suffix:
        raise InputError(f"path must end in {suffix}. Received: path='{path}'.")
    if checked.is_dir():
        raise InputError(f"path must be a file to write. Received a directory: path='{path}'.")
    return checked


def publish_file(path: pathlib.Path, write: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """Let `write` fill a hidden file beside `path`, then give it that name, in place of an old one.

    Whatever `write` raises, nothing is left behind, and an old file stays as it was.

    Raises:
        InputError: when the directory cannot be written; before `write` is called.
    """
    made = _missing_parents(path)
    staging = path.parent / f".exporting-{uuid.uuid4().hex[:12]}{path.suffix}"
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            staging.touch()
        except OSError as error:
            raise InputError(
                f"path must lie in a directory that can be written."
                f" Received: path='{path}' ({error.strerror}: '{error.filename}')."
            ) from None
        write(staging)
        return staging.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # below a file there is nothing to remove
            staging.unlink()
        for directory in made:
            with contextlib.suppress(OSError):  # somebody else has put a file there meanwhile
                directory.rmdir()
        raise


def _missing_parents(path: pathlib.Path) -> list[pathlib.Path]:
    """Return the directories above `path` that do not exist yet, innermost first."""
    return [parent for parent in path.parents if not os.path.exists(parent)]
