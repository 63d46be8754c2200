"""Downloads of published files: resumed where they broke off, and refused if they are not the file.

what came so far, `<file>.part` -> the rest of it (HTTP Range) -> size and sha256
    -> right: `<file>`          -> wrong: refused, and kept aside as `<file>.bad`

No more is taken than a byte beyond the expected size. Where DLKIT_OFFLINE is set, nothing is.
pooch has neither: what broke off is asked for anew, and a server may send until the disk is full.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import pathlib
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import filelock

from dlkit.data.catalogue.published_files import PublishedFile
from dlkit.data.core.progress import progress
from dlkit.errors import InputError

_ATTEMPTS = 3  # in a row that bring nothing
_PAUSE = 0.5  # seconds before the second of them
_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 18

Advance = Callable[[int], None]


class BrokenOffError(OSError):
    """A download that did not come to its end; what came of it waits to be continued."""


class _WrongRangeError(OSError):
    """The server sends another part than the one that was asked for, or none."""


def download(file: PublishedFile, target: pathlib.Path) -> None:
    """Download `file` as `target`, which appears once it is whole and its checksum is right.

    Args:
        file: What is wanted, with its `url`.
        target: Where it goes. `<target>.part` holds what came so far.

    Raises:
        BrokenOffError: when the file cannot be had now.
        InputError: when what was sent is not the file.
    """
    if os.environ.get("DLKIT_OFFLINE"):
        raise BrokenOffError("DLKIT_OFFLINE is set")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(target, ".part")
    alone = filelock.FileLock(target.parent / ".lock")
    with alone, progress(target.name, file.size, sized=True) as advance:
        if target.is_file():  # another process was first
            return
        _complete(file, part, advance)
        if told := difference(part, file):
            bad = set_aside(part, target)
            raise InputError(
                f"{file.url} sent another file than {target.name} ({told}); what came is kept as"
                f" {bad}, and nothing was loaded: put the published file at {target}."
            )
        part.replace(target)


def difference(path: pathlib.Path, file: PublishedFile) -> str:
    """Return in which way the file at `path` is not `file`; an empty string if it is."""
    size = path.stat().st_size
    if size != file.size:
        more = "more than " * (size > file.size)  # how much more was not waited for
        return f"{more}{min(size, file.size)} bytes, expected {file.size}"
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return "" if found == file.sha256 else f"sha256 {found[:16]}..., expected {file.sha256[:16]}..."


def set_aside(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Rename what is not the file `target` to `<target>.bad`, and return that path."""
    bad = _beside(target, ".bad")
    path.replace(bad)
    return bad


def _complete(file: PublishedFile, part: pathlib.Path, advance: Advance) -> None:
    """Bring `part` to all that the server has to send."""
    failures, restarted = 0, False
    while _size(part) < file.size:
        before = _size(part)
        try:
            if _receive(file, part, advance):
                return
            reason = "the connection was cut"
        except _WrongRangeError as error:
            if before and not restarted:  # nothing goes on from there: it is of another file
                part.unlink()
                restarted = True
                continue
            reason, failures = str(error), _ATTEMPTS
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code < 500:
                failures = _ATTEMPTS
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        failures = failures + 1 if _size(part) == before else 0
        if failures >= _ATTEMPTS:
            raise BrokenOffError(reason)
        time.sleep(_PAUSE * failures)


def _receive(file: PublishedFile, part: pathlib.Path, advance: Advance) -> bool:
    """Add what is missing of `part`; return whether all came that the server announced."""
    have = _size(part)
    request = urllib.request.Request(str(file.url), headers={"User-Agent": "dlkit"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with _open(request) as answer:
        if answer.status == 206:
            _check_range(answer.headers.get("Content-Range"), have, file.size)
        else:  # a server that knows no ranges sends all of it again
            have = 0
        announced = answer.length
        with part.open("ab" if have else "wb") as stream:
            advance(have)
            while chunk := answer.read(min(_CHUNK, file.size + 1 - stream.tell())):
                stream.write(chunk)
                advance(stream.tell())
            whole = announced is None or stream.tell() == have + announced
            return whole or stream.tell() > file.size


def _open(request: urllib.request.Request) -> http.client.HTTPResponse:
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            raise _WrongRangeError(f"HTTP {error.code} {error.reason}") from None
        raise


def _check_range(told: str | None, start: int, size: int) -> None:
    """Hold a `Content-Range` against what was asked for; a server may leave it out."""
    if told and not re.fullmatch(rf"bytes {start}-\d+/(?:{size}|\*)", told.strip()):
        raise _WrongRangeError(f"the server sent '{told:.60}', asked for {start} to {size - 1}")


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _beside(path: pathlib.Path, ending: str) -> pathlib.Path:
    return path.with_name(path.name + ending)
