"""Version directories: `<base>/<n>`, which appear whole or not at all.

A server that watches `<base>` loads each child with an integer name. So an export is written into a
hidden child, which no server looks at, and renamed when it is complete.
"""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable

from dlkit.errors import InputError

ROLLED_BACK = ".rolled-back-"  # before the number of a version that was taken back


def versions(base: str | os.PathLike) -> tuple[int, ...]:
    """Return the versions that have been exported to `base`, in ascending order.

    When to use: to see what a model server would find there. Children without an integer name are
    left out, as TensorFlow Serving does.

    Args:
        base: The model's directory, which holds a directory for each version.

    Returns:
        The version numbers; none where `base` does not exist yet.

    Raises:
        InputError: when `base` is a file.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as base:
        ...     for name in ("10", "9", "notes"):
        ...         (pathlib.Path(base) / name).mkdir()
        ...     versions(base)
        (9, 10)
    """
    base = pathlib.Path(base)
    if base.exists() and not base.is_dir():
        raise InputError(f"base must be a directory of versions. Received a file: base='{base}'.")
    return tuple(sorted({int(child.name) for child in _numbered(base) if child.is_dir()}))


def check_export_base(base: str | os.PathLike) -> pathlib.Path:
    """Return `base` as a path if versions may be written below it.

    Raises:
        InputError: when it is no path, a remote address, a file, a SavedModel, or a version.
    """
    if not isinstance(base, (str, os.PathLike)) or not os.fspath(base):
        raise InputError(f"base must be the path of a directory. Received: base={base!r}.")
    if "://" in os.fspath(base):
        raise InputError(
            f"base must be a local directory: export there, then copy. Received: base='{base}'."
        )
    path = pathlib.Path(base)
    if os.path.exists(path / "saved_model.pb"):
        raise InputError(
            f"base='{path}' is itself a SavedModel; name the directory that is to hold versions."
        )
    if _is_number(path.name):
        raise InputError(
            f"base must be the model's directory, below which the version is chosen:"
            f" '{path.parent}'. Received a version: base='{path}'."
        )
    if os.path.exists(path) and not path.is_dir():
        raise InputError(f"base must be a directory. Received a file: base='{path}'.")
    return path


def publish_version(base: pathlib.Path, write: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """Let `write` fill a hidden directory, then rename it to the next version of `base`.

    Whatever `write` raises, nothing is left behind: not the hidden directory, nor `base` where it
    was made here.

    Returns:
        The version directory.

    Raises:
        InputError: when `base` cannot be written; before `write` is called.
    """
    made: list[pathlib.Path] = []
    staging = base / f".exporting-{uuid.uuid4().hex[:12]}"
    try:
        try:
            _make(base, made)
            staging.mkdir()
        except OSError as error:
            raise InputError(
                f"base must be a directory that can be written."
                f" Received: base='{base}' ({error.strerror}: '{error.filename}')."
            ) from None
        write(staging)
        return _rename(staging, base)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for directory in reversed(made):
            with contextlib.suppress(OSError):  # somebody else has put a file there meanwhile
                directory.rmdir()
        raise


def _make(directory: pathlib.Path, made: list[pathlib.Path]) -> None:
    """Make `directory` and its missing parents, and note each in `made`, outermost first."""
    if os.path.exists(directory):
        return
    _make(directory.parent, made)
    directory.mkdir()
    made.append(directory)


def version_directories(base: pathlib.Path, version: int) -> list[pathlib.Path]:
    """Return the directories of a version: one, unless somebody has made `1` and `001`."""
    return [child for child in _numbered(base) if int(child.name) == version and child.is_dir()]


def _rename(staging: pathlib.Path, base: pathlib.Path) -> pathlib.Path:
    while True:
        final = base / str(max(_used(base), default=0) + 1)
        try:
            return staging.rename(final)
        except OSError:
            # Another export took this number between the look and the rename: take the next.
            if not final.exists():
                raise


def _used(base: pathlib.Path) -> list[int]:
    """Return all numbers that stand for a version, and that a server may know one by."""
    used = [int(child.name) for child in _numbered(base)]
    aside = (child.name.removeprefix(ROLLED_BACK) for child in base.glob(f"{ROLLED_BACK}*"))
    return used + [int(n) for n in (name.partition("-")[0] for name in aside) if _is_number(n)]


def _numbered(base: pathlib.Path) -> list[pathlib.Path]:
    if not base.is_dir():
        return []
    return [child for child in base.iterdir() if _is_number(child.name)]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()
