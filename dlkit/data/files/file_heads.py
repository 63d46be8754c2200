"""The first bytes of a file, which tell its format before any of it is decoded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import BinaryIO

_HEAD = 64


def inspect_file(
    path: str | os.PathLike, inspect: Callable[[bytes, BinaryIO], tuple[str, str]]
) -> tuple[str, str]:
    """Return a file's kind and what is wrong with it; either may be empty.

    Args:
        path: The file.
        inspect: From its first 64 bytes, and the open file, to its kind and what is wrong with it.

    Example:
        >>> inspect_file("nowhere.png", lambda head, file: ("png", ""))
        ('', 'does not exist')
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            return inspect(head, file) if head else ("", "is empty")
    except FileNotFoundError:
        return "", "does not exist"
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"


def find_format(head: bytes, formats: Mapping[tuple[int, bytes], str]) -> str:
    """Return the name of the format of which a mark stands in `head`, or an empty text.

    Args:
        head: A file's first bytes.
        formats: The formats' names by the place and the bytes of a mark.

    Example:
        >>> find_format(b"fLaC0000", {(0, b"fLaC"): "FLAC"})
        'FLAC'
    """
    marks = formats.items()
    return next((name for (at, mark), name in marks if head[at:].startswith(mark)), "")
