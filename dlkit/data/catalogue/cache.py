"""The published files of the named data sets: where they lie, unpacked where they are archives.

    DLKIT_DATA -> the cache -> a download into the cache (downloads.py) -> unpacked in the cache

A download is held against its checksum before it appears. A file that somebody else put into
dlkit's cache is held against it once, and against its size and time from then on. What lies under
DLKIT_DATA is the user's own, and taken as it is: sets are published in several editions.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator

from dlkit.data.catalogue import downloads
from dlkit.data.catalogue.published_files import FILES, PublishedFile
from dlkit.errors import InputError

# What is the machine's fault, and no archive's.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE)


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
    yield from (cache_folder() / file, cache_folder() / name, cache_folder().parent / name)


def find_published(file: str) -> pathlib.Path:
    """Return the path of a published file; one that is nowhere is downloaded, where that can be.

    Where DLKIT_OFFLINE is set, nothing is downloaded.

    Args:
        file: Its path in the folder that DLKIT_DATA names, as `"tabular/titanic.csv"`.

    Raises:
        InputError: when it cannot be had, naming the folders it may be put into.
    """
    published, note = FILES.get(file), ""
    for place in places(file):
        if place.is_file():
            if not (told := _wrong(place, published)):
                return place
            bad = downloads.set_aside(place, place)
            note = f"; what lay at {place} is not the published file ({told}), and is kept as {bad}"
    if published is not None and published.url is not None:
        try:
            target = cache_folder() / file
            downloads.download(published, target)
            _mark(target)
            return target
        except OSError as error:
            note = f"; its download from {published.url} failed ({error}){note}"
    listed = ", ".join(dict.fromkeys(str(place.parent) for place in places(file)))
    raise InputError(
        f"{pathlib.PurePosixPath(file).name} is not on this machine: put it into one of {listed},"
        f" or set DLKIT_DATA to the folder that holds the data sets{note}."
    )


def _wrong(place: pathlib.Path, published: PublishedFile | None) -> str:
    """Return in which way a file in dlkit's own cache differs from the published one.

    One that is published at no address may well be another edition.
    """
    own = place.is_relative_to(cache_folder())
    if not own or published is None or published.url is None:
        return ""
    if _marker(place).is_file() and _marker(place).read_text() == _stamp(place):
        return ""
    told = downloads.difference(place, published)
    if not told:
        _mark(place)
    return told


def _mark(place: pathlib.Path) -> None:
    """Note that a file in the cache has been held against its checksum."""
    with contextlib.suppress(OSError):  # a folder that cannot be written is checked each time
        _marker(place).write_text(_stamp(place))


def _marker(place: pathlib.Path) -> pathlib.Path:
    return place.with_name(f".{place.name}.checked")


def _stamp(place: pathlib.Path) -> str:
    facts = place.stat()
    return f"{facts.st_size} {facts.st_mtime_ns}"


def unpack_published(file: str) -> pathlib.Path:
    """Return the folder of what is in a published zip or tar.gz, unpacked when first asked for.

    Args:
        file: Its path in the folder that DLKIT_DATA names, as `"images/flower_photos_192.zip"`.

    Raises:
        InputError: when the archive is nowhere, is damaged, or would write outside its folder.
    """
    path = find_published(file)
    # A file of another size is another edition: it gets a folder of its own.
    stem = path.name.removesuffix(".zip").removesuffix(".tar.gz")
    target = cache_folder() / f"{stem}-{path.stat().st_size}"
    if not target.is_dir():
        unpack_archive(path, target)
    return target


def unpack_archive(path: pathlib.Path, target: pathlib.Path) -> None:
    """Unpack a zip or tar.gz file as the folder `target`, which appears once it is whole.

    Raises:
        InputError: when the file is damaged, encrypted, empty or not to be unpacked for another
            reason, when one of its members lies outside its folder, or when the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        whole = pathlib.Path(scratch, "whole")
        whole.mkdir()
        extract = _extract_tar if path.name.endswith((".tar.gz", ".tgz")) else _extract_zip
        try:
            extract(path, whole)
            if not any(whole.iterdir()):
                raise EOFError("it holds nothing")
        except InputError:
            raise
        except Exception as error:  # odd archives make their readers raise nearly anything
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise InputError(
                    f"{path} cannot be unpacked in {target.parent}: {error}."
                ) from None
            told = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{path} is not a whole archive ({told:.200}); remove it or fetch it again."
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
            links = [folder / member.name for member in archive if member.issym()]
    except tarfile.FilterError as error:
        raise _outside(path, str(error)) from None
    for link in links:
        # A link to a folder that it lies in has no end for those who follow links.
        if not link.exists() or link.parent.resolve().is_relative_to(link.resolve()):
            raise EOFError(f"the link '{link.relative_to(folder)}' leads nowhere")


def _check_inside(path: pathlib.Path, members: Iterable[str]) -> None:
    for member in members:
        parts = pathlib.PurePosixPath(member.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in "".join(parts.parts[:1]):
            raise _outside(path, f"'{member}'")


def _outside(path: pathlib.Path, what: str) -> InputError:
    return InputError(
        f"{path} would write outside its folder ({what}); it is not the published file: remove it."
    )
