"""`from_ratings`: who rated what, and how high, becomes pipelines for a recommender.

    table of ratings -> checks -> splits at random or by time
                     -> numbers of users and items, learned on the training split -> batches

The preprocessing is a Keras model that takes users and items as the table names them, so that an
export does too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.core.augmentation import refuse_augmentation
from dlkit.data.core.pipeline import (
    EXAMPLES,
    Feed,
    check_batch_size,
    check_pipeline_options,
    hold_in_memory,
    preprocess_arrays,
    take_rows,
)
from dlkit.data.core.record import Column, Origin, Split
from dlkit.data.core.splits import divide_targets, split_pipelines
from dlkit.data.core.targets import read_targets
from dlkit.data.data import Data
from dlkit.data.ratings import layers
from dlkit.data.ratings.columns import read_ratings, read_ratings_table, read_times
from dlkit.data.ratings.layers import ENCODINGS
from dlkit.errors import InputError

SPLITS = ("random", "time", "latest")
_TEST_FRACTION = 0.2


def from_ratings(  # noqa: PLR0913 - what the data is, and how to feed it: one call, all keyword-only
    table: Any,
    *,
    user: str,
    item: str,
    rating: str,
    time: str | None = None,
    split: str = "random",
    encoding: str = "ids",
    min_count: int = 2,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    name: str = "ratings",
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of ratings: a user, an item and a number each.

    A network learns the rating in its own unit, a regression. Users and items are numbered from 1
    in the order of their names. Number 0 is for those that training showed less than `min_count`
    times, and for new ones: an embedding that starts near zero answers them with what is known of
    the other half; `data.vocabularies` tells how many there are. The export takes users and items
    as the table has them, whole numbers or texts.

    Args:
        table: A pandas DataFrame, a mapping of names to columns, or the path of a CSV file, UTF-8,
            plain or `.gz`.
        user: The column of who rates.
        item: The column of what is rated.
        rating: The column of numbers to predict.
        time: The column of when: numbers, or dates as ISO 8601 writes them. Defaults to None.
        split: How the test split is chosen: `"random"`, a fifth, the same one for every seed;
            `"time"`, the latest fifth, validated on the latest of the rest; or `"latest"`, the last
            rating of each user who has three or more, validated on the one before. By time,
            `folds` and `resplit` go by time as well, with `ordered=True`. Defaults to "random".
        encoding: `"ids"`: two inputs `user` and `item`, for embeddings; `"one_hot"`: one vector of
            both, for `perceptron` and `mlp`. Defaults to "ids".
        min_count: Users and items with fewer training ratings share number 0. Defaults to 2.
        columns: The columns' names, where a file has no header line. Defaults to None.
        delimiter: What stands between two cells of a file. Defaults to ",".
        name: What the data set is called. Defaults to "ratings".
        batch_size: Ratings a batch. Defaults to 64.
        seed: Chooses the validation split at random, and the order of each epoch. Defaults to 0.
        val_fraction: Part of the training ratings kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Number all users and items once and hold the numbers; `False` does so batch by batch.
            Defaults to True.
        augment: Nothing is known to help: `None` or `False`. Defaults to None.

    Returns:
        A `Data` record.

    Raises:
        InputError: when a column is missing or has gaps, a rating is no number, or an option is out
            of range.

    Example:
        >>> import dlkit as dk
        >>> people = ["ann", "ben", "cleo", "dan"] * 10
        >>> table = {"who": people, "film": [7, 9] * 20, "stars": [1.0, 4.5, 3.0, 5.0] * 10}
        >>> columns = {"user": "who", "item": "film", "rating": "stars"}
        >>> data = dk.data.from_ratings(table, **columns, batch_size=8)
        >>> [(raw.name, raw.dtype) for raw in data.preprocessing.inputs]
        [('item', 'int64'), ('user', 'string')]
    """
    check_pipeline_options(batch_size, seed, val_fraction)
    check_integer("min_count", min_count)
    _check_options(encoding, split, time, augment)
    if isinstance(table, str | os.PathLike):
        table = read_ratings_table(table, columns=columns, delimiter=delimiter)
    raw, stars = read_ratings(table, user, item, rating)
    targets = read_targets(stars, "regression", None)
    when = read_times(table, time, len(stars)) if time is not None and split != "random" else None
    if when is None:
        chosen = divide_targets(targets, None, val_fraction, seed)
    else:
        chosen = _by_time(when, raw["user"], val_fraction, latest=split == "latest")
    check_batch_size(batch_size, len(chosen.train), len(stars))

    def make(split: Split) -> Data:
        coding = layers.build(take_rows(raw, split.train), encoding, min_count)
        # One-hot rows of all ratings would not fit into memory: only their numbers are held.
        feed = Feed(
            hold_in_memory(preprocess_arrays(raw, coding.lookup) if cache else raw),
            targets.values,
            batch_size,
            seed,
            coding.encode if cache else coding.preprocessing,
        )
        origin = Origin(split, targets, lambda rows: take_rows(raw, rows), feed, make, times=when)
        return Data(
            name=name,
            task="regression",
            kind="ratings",
            **split_pipelines(feed, split),
            **_encoded(coding),
            num_classes=1,
            examples=_examples(raw, targets.values, split.test),
            columns=_notes(coding.vocabularies, targets.values[split.train]),
            origin=origin,
        )

    return make(chosen)


def _check_options(encoding: str, split: str, time: str | None, augment: Any) -> None:
    check_choice("encoding", encoding, ENCODINGS)
    check_choice("split", split, SPLITS)
    if split != "random" and time is None:
        raise InputError(
            f"split={split!r} needs to know when: give time='name of a column', or split='random'."
        )
    refuse_augmentation("Ratings", augment)


def _by_time(when: np.ndarray, users: np.ndarray, val_fraction: float, *, latest: bool) -> Split:
    """Return the split by time: over all ratings, or each user's own.

    Ratings of one moment stay in the order of the table.
    """
    order = np.argsort(when, kind="stable")
    if not latest:
        kept = len(order) - max(1, round(_TEST_FRACTION * len(order)))
        trained = kept - (max(1, round(val_fraction * kept)) if val_fraction else 0)
        parts = np.split(order, [trained, kept])
    else:
        _, codes, counts = np.unique(users, return_inverse=True, return_counts=True)
        from_last = np.empty(len(order), np.int64)  # 0 is a user's last rating, 1 the one before
        by_user = order[np.argsort(codes[order], kind="stable")]
        ends = np.cumsum(counts)
        from_last[by_user] = np.repeat(ends, counts) - 1 - np.arange(len(order))
        many = counts[codes] >= 3
        test = many & (from_last == 0)
        val = many & (from_last == 1) & (val_fraction > 0)
        if not test.any():
            raise InputError(
                "split='latest' holds out the last rating of users with 3 or more. Received: at"
                f" most {counts.max()} a user; give split='random' or 'time'."
            )
        parts = [np.flatnonzero(part) for part in (~test & ~val, val, test)]
    train_rows, val_rows, test_rows = (np.sort(part) for part in parts)
    return Split(train_rows, val_rows, test_rows)


def _encoded(coding: layers.Encoding) -> dict[str, Any]:
    """Return what `Data` tells of the encoding."""
    outputs = coding.preprocessing.output
    named = outputs if isinstance(outputs, dict) else {"features": outputs}
    return {
        "preprocessing": coding.preprocessing,
        "input_spec": {k: tf.TensorSpec(v.shape[1:], v.dtype) for k, v in named.items()},
        "feature_names": coding.feature_names,
        "vocabularies": coding.vocabularies,
    }


def _notes(known: dict[str, tuple[str, ...]], stars: np.ndarray) -> tuple[Column, ...]:
    """Return what the summary says of users, items and ratings."""
    notes = [Column(k, "id", f"1 to {len(v) - 1}, 0 for others") for k, v in known.items()]
    spread = f"{stars.min():g} to {stars.max():g}, mean {stars.mean():.2f}"
    return (*notes, Column("rating", "numeric", spread))


def _examples(
    raw: dict[str, np.ndarray], stars: np.ndarray, rows: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    return take_rows(raw, rows[:EXAMPLES]), stars[rows[:EXAMPLES]]
