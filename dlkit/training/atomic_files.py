"""Files that are there whole or not at all."""

import os
import pathlib
import secrets
from collections.abc import Callable
from typing import BinaryIO


def write_atomically(
    path: pathlib.Path, write: Callable[[BinaryIO], object], *, durable: bool = False
) -> None:
    """Write a file beside its place and rename it into place.

    A process killed at any moment leaves the former file or the new one, never half of one; and so
    do two that write the same file.

    Args:
        path: The file to write or to replace.
        write: Called with the open binary file.
        durable: Whether to wait until the disk has it, so that the same holds for a machine that
            loses power. Defaults to False.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "a.txt")
        >>> write_atomically(path, lambda file: file.write(b"whole"))
        >>> path.read_text()
        'whole'
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with open(partial, "wb") as file:
            write(file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
