"""The named ratings: which files hold them, and what their columns are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import check_options
from dlkit.data.catalogue.cache import unpack_published
from dlkit.data.ratings.from_ratings import from_ratings

if TYPE_CHECKING:
    from dlkit.data.data import Data


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are those of `from_ratings`."""
    columns: dict[str, Any] = {
        "user": "userId",
        "item": "movieId",
        "rating": "rating",
        "time": "timestamp",
    }
    fixed = ("name", *columns, "columns", "delimiter")
    check_options(name, options, from_ratings, fixed=fixed)
    folder = unpack_published("recommendation/ml-latest-small.zip") / "ml-latest-small"
    return from_ratings(folder / "ratings.csv", name=name, **columns, **options)
