"""The published files of the named data sets: where they lie, unpacked where they are archives."""

from __future__ import annotations

import gzip
import os
import pathlib
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from dlkit.errors import InputError

_DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)


def cache_folder() -> pathlib.Path:
    """Return the folder of what was fetched and unpacked, in Keras's cache."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return pathlib.Path(home) / "datasets" / "dlkit"


def places(file: str) -> Iterator[pathlib.Path]:
    """Yield the paths at which a published file may lie, in the order in which they are asked.

    Args:
        file: Its path in the folder that DLKIT_DATA names, as `"images/flower_photos_192.zip"`.
    """
    name = pathlib.PurePosixPath(file).name
    if shared := os.environ.get("DLKIT_DATA"):
        yield from (pathlib.Path(shared, file), pathlib.Path(shared, name))
    yield from (cache_folder() / name, cache_folder().parent / name)


def find(file: str) -> pathlib.Path:
    """Return the path of a published file.

    Args:
        file: Its path in the folder that DLKIT_DATA names, as `"tabular/titanic.csv"`.

    Raises:
        InputError: when it is nowhere, naming the folders it may be put into.
    """
    for place in places(file):
        if place.is_file():
            return place
    listed = ", ".join(str(place.parent) for place in places(file))
    raise InputError(
        f"{pathlib.PurePosixPath(file).name} is not on this machine: put it into one of {listed},"
        " or set DLKIT_DATA to the folder that holds the data sets."
    )


def unpacked(file: str) -> pathlib.Path:
    """Return the folder of what is in a published zip or tar.gz, unpacked when first asked for.

    Args:
        file: Its path in the folder that DLKIT_DATA names, as `"images/flower_photos_192.zip"`.

    Raises:
        InputError: when the archive is nowhere, is damaged, or would write outside its folder.
    """
    path = find(file)
    # A file of another size is another edition: it gets a folder of its own.
    stem = path.name.removesuffix(".zip").removesuffix(".tar.gz")
    target = cache_folder() / f"{stem}-{path.stat().st_size}"
    if not target.is_dir():
        unpack(path, target)
    return target


def unpack(path: pathlib.Path, target: pathlib.Path) -> None:
    """Unpack a zip or tar.gz file as the folder `target`, which appears once it is whole.

    Raises:
        InputError: when the file is damaged, or one of its members lies outside its folder.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        whole = pathlib.Path(scratch, "whole")
        extract = _extract_tar if path.name.endswith((".tar.gz", ".tgz")) else _extract_zip
        try:
            extract(path, whole)
        except _DAMAGED as error:
            raise InputError(
                f"{path} is not a whole archive ({error}); remove it or fetch it again."
            ) from None
        try:
            whole.rename(target)
        except OSError:
            if not target.is_dir():  # another process may have been first
                raise


def _extract_zip(path: pathlib.Path, folder: pathlib.Path) -> None:
    with zipfile.ZipFile(path) as archive:
        _check_inside(path, archive.namelist())
        archive.extractall(folder)


def _extract_tar(path: pathlib.Path, folder: pathlib.Path) -> None:
    try:
        with tarfile.open(path) as archive:
            _check_inside(path, archive.getnames())
            # The filter refuses links and devices that lead outside, too.
            archive.extractall(folder, filter="data")
    except tarfile.FilterError as error:
        raise _outside(path, str(error)) from None
    except tarfile.TarError as error:
        raise EOFError(str(error)) from None


def _check_inside(path: pathlib.Path, members: Iterable[str]) -> None:
    for member in members:
        parts = pathlib.PurePosixPath(member.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
            raise _outside(path, f"'{member}'")


def _outside(path: pathlib.Path, what: str) -> InputError:
    return InputError(
        f"{path} would write outside its folder ({what}); it is not the published file: remove it."
    )
