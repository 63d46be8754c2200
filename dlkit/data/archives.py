"""Named sets that come as a zip of class folders: found in DLKIT_DATA, unpacked into a cache."""

from __future__ import annotations

import os
import pathlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.record import Data


class Archive(NamedTuple):
    """A zip file, the folders in it that hold the splits, and the size of its images."""

    file: str
    train: str
    test: str | None
    image_size: tuple[int, int]


ARCHIVES = {
    "cifar10_jpg": Archive("cifar10_jpg_subset.zip", "cifar10/train", "cifar10/test", (32, 32)),
    "flowers": Archive("flower_photos_192.zip", "flower_photos", None, (128, 128)),
}


def load(name: str, **feeding: Any) -> Data:
    """Return the set `name`; `feeding` is what `from_image_folder` takes to feed it."""
    from dlkit.data.images import from_image_folder

    test = folder(name, "test")
    size = ARCHIVES[name].image_size
    return from_image_folder(folder(name), image_size=size, test=test, name=name, **feeding)


def folder(name: str, split: str = "train") -> pathlib.Path | None:
    """Return the class folders of a split of the set `name`, unpacked when first asked for.

    Returns:
        The folder, or `None` where the set has no such split.

    Raises:
        InputError: when the zip is nowhere, is damaged, or would write outside its folder.
    """
    archive = ARCHIVES[name]
    inside = getattr(archive, split)
    if inside is None:
        return None
    path = _find(archive.file)
    # A file of another size is another edition: it gets a folder of its own.
    target = cache_folder() / f"{path.stem}-{path.stat().st_size}"
    if not target.is_dir():
        unpack(path, target)
    return target / inside


def cache_folder() -> pathlib.Path:
    """Return the folder for what was unpacked, in Keras's cache."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return pathlib.Path(home) / "datasets" / "dlkit"


def places() -> Iterator[pathlib.Path]:
    """Yield the folders that may hold a zip, in the order in which they are asked."""
    if shared := os.environ.get("DLKIT_DATA"):
        yield from (pathlib.Path(shared) / "images", pathlib.Path(shared))
    yield cache_folder()


def _find(file: str) -> pathlib.Path:
    for place in places():
        if (place / file).is_file():
            return place / file
    listed = ", ".join(str(place) for place in places())
    raise InputError(
        f"{file} is not on this machine; put it into one of: {listed}. DLKIT_DATA names the folder"
        " of the data sets."
    )


def unpack(path: pathlib.Path, target: pathlib.Path) -> None:
    """Unpack a zip file as the folder `target`, which appears once it is whole.

    Raises:
        InputError: when the file is damaged, or one of its members lies outside its folder.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        whole = pathlib.Path(scratch, "whole")
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    _check_inside(path, member)
                archive.extractall(whole)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise InputError(
                f"{path} is not a whole zip file ({error}); remove it or fetch it again."
            ) from None
        try:
            whole.rename(target)
        except OSError:
            if not target.is_dir():  # another process may have been first
                raise


def _check_inside(path: pathlib.Path, member: str) -> None:
    parts = pathlib.PurePosixPath(member.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
        raise InputError(
            f"{path} would write outside its folder ('{member}'); it is not the published file:"
            " remove it."
        )
