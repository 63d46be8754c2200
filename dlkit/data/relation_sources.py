"""The named ratings: which files hold them, and what they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dlkit.data.published import unpacked
from dlkit.data.ratings import from_ratings

if TYPE_CHECKING:
    from dlkit.data.record import Data


def _movielens(**options: Any) -> Data:
    folder = unpacked("recommendation/ml-latest-small.zip")
    path = os.path.join(folder, "ml-latest-small", "ratings.csv")
    return from_ratings(
        path, user="userId", item="movieId", rating="rating", time="timestamp", **options
    )


LOADERS = {"movielens": _movielens}


def load(name: str, **options: Any) -> Data:
    """Return a named data set; `options` are those of the function for its kind."""
    return LOADERS[name](name=name, **options)
