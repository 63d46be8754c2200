"""Sentence pairs as they come: two sequences, two files line by line, or one file with a TAB."""

from __future__ import annotations

import gzip
import os
import pathlib
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.data.files.csv_tables import not_utf8
from dlkit.errors import InputError

Sentences = Sequence[str] | str | os.PathLike


def read_pairs(source: Any, target: Any, what: str = "") -> tuple[np.ndarray, np.ndarray]:
    r"""Return sentences and their translations as two arrays of texts.

    Args:
        source: A sequence of sentences, or a file: of one sentence a line, or of a sentence, a TAB
            and its translation where `target` is `None`. What follows a second TAB is left out.
        target: The translations, likewise.
        what: Which pairs these are, for the message. Defaults to "".

    Raises:
        InputError: when a file cannot be read, both differ in length, or a sentence is empty.

    Example:
        >>> read_pairs(["Go."], ["Va !"])
        (array(['Go.'], dtype=object), array(['Va !'], dtype=object))
    """
    if target is None:
        pairs = _tab_file(source, what)
    else:
        pairs = _sentences(source, f"{what}source"), _sentences(target, f"{what}target")
    first, second = pairs
    if len(first) != len(second):
        raise InputError(
            f"{what}source and {what}target must have a translation for each sentence. Received:"
            f" {len(first)} and {len(second)} lines; mend the files where they lose step."
        )
    if not len(first):
        raise InputError(f"{what}source holds no sentence: {source!r}; give at least one pair.")
    for name, texts in (("source", first), ("target", second)):
        empty = [row for row, text in enumerate(texts) if not text]
        if empty:
            raise InputError(
                f"Pair {empty[0] + 1} has an empty {what}{name} sentence ({len(empty)} of"
                f" {len(texts)} have one); remove such pairs."
            )
    return _array(first), _array(second)


def read_lines(path: str | os.PathLike) -> list[str]:
    """Return the lines of a UTF-8 file, plain or gzipped.

    Only a line feed ends a line: texts may hold what else Unicode knows as an end.

    Raises:
        InputError: when there is no such file, it is damaged, or not UTF-8.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; give the path of a text file.")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); mend it or fetch it anew.") from None
    return text.removesuffix("\n").split("\n") if text else []


def _sentences(given: Any, what: str) -> list[str]:
    if isinstance(given, str | os.PathLike):
        return [line.strip() for line in read_lines(given)]
    sentences = list(given)
    for row, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise InputError(
                f"{what} must hold texts. Received {sentence!r} as sentence {row + 1}."
            )
    return [sentence.strip() for sentence in sentences]


def _tab_file(path: Any, what: str) -> tuple[list[str], list[str]]:
    if not isinstance(path, str | os.PathLike):
        raise InputError(
            f"{what}target is missing: without it, source is one file of a sentence, a TAB and its"
            f" translation a line. Received: {type(path).__name__}."
        )
    cells = [line.split("\t") for line in read_lines(path)]
    for number, parts in enumerate(cells, 1):
        if len(parts) not in (2, 3):
            raise InputError(
                f"Line {number} of {path} must be a sentence, a TAB and its translation, and may"
                f" have a third column. Received {len(parts)}: {chr(9).join(parts)[:60]!r}."
            )
    return [parts[0].strip() for parts in cells], [parts[1].strip() for parts in cells]


def _array(texts: Sequence[str]) -> np.ndarray:
    array = np.empty(len(texts), object)
    array[:] = texts
    return array
