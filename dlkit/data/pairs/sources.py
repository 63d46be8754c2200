"""The named sentence pairs: which files hold them, and in which languages."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import check_options
from dlkit.data.catalogue.cache import find_published, unpack_published
from dlkit.data.pairs.files import read_pairs
from dlkit.data.pairs.from_text_pairs import from_text_pairs
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.data import Data

_MULTI30K = ("train", "val", "test_2016_flickr")


def _fra_eng(*, languages: Sequence[str] = ("en", "fr"), **options: Any) -> Data:
    _check_languages("fra_eng", languages, ("en", "fr"))
    folder = unpack_published("translation/fra-eng.zip")
    english, french = read_pairs(pathlib.Path(folder, "fra.txt"), None)
    texts = {"en": english, "fr": french}
    return from_text_pairs(*(texts[language] for language in languages), **options)


def _multi30k(*, languages: Sequence[str] = ("en", "de"), **options: Any) -> Data:
    _check_languages("multi30k", languages, ("en", "de", "fr"))
    source, target = (
        [find_published(f"translation/multi30k/{part}.{language}.gz") for part in _MULTI30K]
        for language in languages
    )
    train, val, test = zip(source, target, strict=True)
    return from_text_pairs(*train, val=val, test=test, **options)


def _check_languages(name: str, languages: Sequence[str], known: Sequence[str]) -> None:
    pair = () if isinstance(languages, str) else tuple(languages)
    if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(known):
        raise InputError(
            f"languages of '{name}' must be two of {', '.join(known)}: from which, and into which."
            f" Received: languages={languages!r}."
        )


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are those of `from_text_pairs`, and `languages`."""
    function, fixed = (_fra_eng, ()) if name == "fra_eng" else (_multi30k, ("val", "test"))
    check_options(name, options, function, from_text_pairs, fixed=("name", *fixed))
    return function(name=name, **options)
