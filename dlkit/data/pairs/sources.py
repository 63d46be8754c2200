"""The named sentence pairs, graphs and ratings: which files hold them, and what they are."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.argument_validation import check_options
from dlkit.data.catalogue.cache import find, unpacked
from dlkit.data.graph.from_graph import from_graph
from dlkit.data.pairs.files import read_pairs
from dlkit.data.pairs.from_text_pairs import from_text_pairs
from dlkit.data.ratings.from_ratings import from_ratings
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import Data

# In the order of Planetoid's numbers, which their publisher's counts give away.
CORA_CLASSES = (
    *("Theory", "Reinforcement learning", "Genetic algorithms", "Neural networks"),
    *("Probabilistic methods", "Case based", "Rule learning"),
)
_MULTI30K = ("train", "val", "test_2016_flickr")


def _fra_eng(*, languages: Sequence[str] = ("en", "fr"), **options: Any) -> Data:
    _check_languages("fra_eng", languages, ("en", "fr"))
    folder = unpacked("translation/fra-eng.zip")
    english, french = read_pairs(pathlib.Path(folder, "fra.txt"), None)
    texts = {"en": english, "fr": french}
    return from_text_pairs(*(texts[language] for language in languages), **options)


def _multi30k(*, languages: Sequence[str] = ("en", "de"), **options: Any) -> Data:
    _check_languages("multi30k", languages, ("en", "de", "fr"))
    train, val, test = (
        tuple(find(f"translation/multi30k/{part}.{language}.gz") for language in languages)
        for part in _MULTI30K
    )
    return from_text_pairs(*train, val=val, test=test, **options)


def _cora(**options: Any) -> Data:
    with np.load(find("graph/cora.npz"), allow_pickle=False) as arrays:
        words = np.zeros(arrays["x_shape"], np.float32)
        words[arrays["x_rows"], arrays["x_cols"]] = 1
        names = ("train", "val", "test")
        rows = {name: arrays[f"{name}_idx"] for name in names}
        edges, labels = arrays["edge_index"].T, arrays["y"]
    # Part of the words of a paper, as all who compare on these splits do.
    words /= np.maximum(words.sum(axis=1, keepdims=True), 1)
    return from_graph(words, edges, labels, class_names=CORA_CLASSES, **{**rows, **options})


def _movielens(**options: Any) -> Data:
    path = pathlib.Path(unpacked("recommendation/ml-latest-small.zip"))
    columns = {"user": "userId", "item": "movieId", "rating": "rating", "time": "timestamp"}
    return from_ratings(path / "ml-latest-small" / "ratings.csv", **columns, **options)


def _check_languages(name: str, languages: Sequence[str], known: Sequence[str]) -> None:
    pair = () if isinstance(languages, str) else tuple(languages)
    if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(known):
        raise InputError(
            f"languages of '{name}' must be two of {', '.join(known)}: from which, and into which."
            f" Received: languages={languages!r}."
        )


# What makes a set, what it is made by, and what the first gives the second itself.
LOADERS: dict[str, tuple[Callable[..., Data], Callable[..., Data], tuple[str, ...]]] = {
    "cora": (_cora, from_graph, ("class_names",)),
    "fra_eng": (_fra_eng, from_text_pairs, ()),
    "multi30k": (_multi30k, from_text_pairs, ("val", "test")),
    "movielens": (
        _movielens,
        from_ratings,
        ("user", "item", "rating", "time", "columns", "delimiter"),
    ),
}


def load(name: str, **options: Any) -> Data:
    """Return a named data set; `options` are those of the function for its kind."""
    function, kind, fixed = LOADERS[name]
    check_options(name, options, function, kind, fixed=("name", *fixed))
    return function(name=name, **options)
