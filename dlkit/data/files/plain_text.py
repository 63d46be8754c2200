"""Text files in UTF-8, plain or gzipped."""

from __future__ import annotations

import gzip
import os
import pathlib
import zlib

from dlkit.argument_validation import closest
from dlkit.data.files.csv_tables import not_utf8
from dlkit.errors import InputError


def read_text(path: str | os.PathLike) -> str:
    """Return the text of a file in UTF-8, plain or `.gz`.

    Raises:
        InputError: when there is no such file, or it is not UTF-8.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, and a file is expected; give one of those in it.")
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"There is no file {path}.{closest(path.name, beside)}")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); mend it or fetch it anew.") from None
    if "\0" in text:
        raise InputError(
            f"{path} is not UTF-8 text (a zero byte after {text.index(chr(0))} letters); save it as"
            f" UTF-8, as with: iconv -f utf-16 -t utf-8 {path.name}"
        )
    return text
