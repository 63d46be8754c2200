"""Synonyms from WordNet's own files (Fellbaum 1998), as Debian, Ubuntu and NLTK ship them.

Two words are synonyms that share the most frequent meaning of one of them, as a noun, a verb, an
adjective or an adverb. The file format is documented as wndb(5WN).
"""

from __future__ import annotations

import functools
import os
import pathlib
from collections.abc import Collection, Iterator
from typing import BinaryIO

from dlkit.errors import MissingExtraError

PARTS = ("noun", "verb", "adj", "adv")
DEBIAN_FOLDER = pathlib.Path("/usr/share/wordnet")


def places() -> Iterator[pathlib.Path]:
    """Yield the folders that may hold WordNet's files, in the order in which they are asked."""
    if folder := os.environ.get("WNSEARCHDIR"):
        yield pathlib.Path(folder)
    if folder := os.environ.get("WNHOME"):
        yield pathlib.Path(folder, "dict")
    yield DEBIAN_FOLDER
    for folder in (*os.environ.get("NLTK_DATA", "").split(os.pathsep), "~/nltk_data"):
        if folder:
            yield pathlib.Path(folder).expanduser() / "corpora" / "wordnet"


def folder() -> pathlib.Path:
    """Return the folder of WordNet's files.

    Raises:
        MissingExtraError: when there is none, naming what brings it.
    """
    for place in places():
        if all(
            (place / f"{kind}.{part}").is_file() for kind in ("index", "data") for part in PARTS
        ):
            return place
    listed = ", ".join(str(place) for place in places())
    raise MissingExtraError(
        "WordNet's files, which synonyms come from, are not on this machine (asked:"
        f" {listed}); install them with: apt install wordnet-base, or python -m nltk.downloader"
        " wordnet",
        name="wordnet",
    )


def synonyms(words: Collection[str]) -> dict[str, list[str]]:
    """Return the synonyms of each word that has some, all of them among `words`.

    Words like "the" or "in", which carry a sentence more than a meaning, have none.

    Raises:
        MissingExtraError: when WordNet is not installed.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    base, known = folder(), set(words)
    found: dict[str, set[str]] = {}
    for part in PARTS:
        first = _first_meanings(base / f"index.{part}")
        wanted = [word for word in words if word in first and word not in ENGLISH_STOP_WORDS]
        with open(base / f"data.{part}", "rb") as file:
            for word in wanted:
                others = _members(file, first[word]) & known - {word} - ENGLISH_STOP_WORDS
                found.setdefault(word, set()).update(others)
    return {word: sorted(others) for word, others in found.items() if others}


@functools.cache
def _first_meanings(path: pathlib.Path) -> dict[str, int]:
    """Return word -> where its most frequent meaning stands in the data file."""
    first = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line[0] != " ":  # the licence
                fields = line.split()
                # lemma, part, meanings, p pointers, ..., meanings again, tagged ones, places
                if "_" not in fields[0]:
                    first[fields[0]] = int(fields[6 + int(fields[3])])
    return first


def _members(file: BinaryIO, place: int) -> set[str]:
    """Return the single words of the meaning at `place`."""
    file.seek(place)
    fields = file.readline().decode().split()
    count = int(fields[3], 16)
    # "galore(ip)": a mark of where an adjective may stand
    words = (fields[4 + 2 * i].partition("(")[0].lower() for i in range(count))
    return {word for word in words if "_" not in word}
