"""What a `Data` was made of, and how to make it again from other rows.

All examples of a data set, those of its test split too, are numbered. A `Split` says which numbers
train, validate and test; `Origin.remake` turns another one into another `Data`, and learns its
preprocessing from that one's training rows. Folds, balance, filters and checks need nothing else,
whatever kind of input the data holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.core import target_rows
from dlkit.data.core import targets as labelling
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.changes.disk_cache import Stored
    from dlkit.data.core.pipeline import Feed
    from dlkit.data.data import Data


@dataclasses.dataclass(frozen=True)
class Split:
    """Row numbers of the three splits.

    Attributes:
        train: What is trained on; a row that stands twice is seen twice an epoch.
        val: What is validated on; may be empty.
        test: What is tested on; may be empty.
        weights: How much each example of the data set counts in training, by row number, or `None`.
        published: Whether the test split was given, rather than cut off here. Defaults to False.
        groups: The group of each row where some must stay in one split, as the translations of one
            sentence, or `None`.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    weights: np.ndarray | None = None
    published: bool = False
    groups: np.ndarray | None = None

    @property
    def kept(self) -> np.ndarray:
        """The row numbers that are not for testing, each once, in rising order."""
        return np.union1d(self.train, self.val)


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a `Data` was made of.

    Attributes:
        split: Which rows the `Data` trains, validates and tests on.
        targets: The targets of all rows, or `None` for a task without one target an example.
        raw: From row numbers to raw inputs, as the preprocessing takes them: an array, or a dict
            of arrays by name.
        feed: Makes the pipelines; `feed.batches(rows)` has prepared rows in their order.
        remake: From another `Split` to another `Data` with the same options.
        paths: The files of the rows, or `None` where the examples are not a file each.
        stored: The cache that the pipelines read, after `Data.cache_to`, or `None`.
        overlap: Rows that are at most this far apart may share values, as the windows of a series
            do; 0 where each example stands for itself. Defaults to 0.
        when: From row numbers to the time that their targets span, in words; or `None`.
        times: When each row was, where the splits are by time and rows stand in another order, or
            `None`.
    """

    split: Split
    targets: labelling.Targets | None
    raw: Callable[[np.ndarray], Any]
    feed: Feed
    remake: Callable[[Split], Data]
    paths: np.ndarray | None = None
    stored: Stored | None = None
    overlap: int = 0
    when: Callable[[np.ndarray], str] | None = None
    times: np.ndarray | None = None

    @property
    def count(self) -> int:
        """How many examples there are, those that no split uses too."""
        if self.targets is not None:
            return len(self.targets.values)
        split = self.split
        return 1 + int(np.concatenate([split.train, split.val, split.test]).max())


def of(data: Data, what: str) -> Origin:
    """Return the origin of `data`, which the method `what` needs.

    Raises:
        InputError: when the record was made by hand.
    """
    if data.origin is None:
        raise InputError(
            f"{what} needs the raw examples, which '{data.name}' does not know; make the data with"
            " dlkit.data.load or one of dlkit.data.from_arrays, from_csv and so on."
        )
    return data.origin


def divide(targets: labelling.Targets, held: int | None, val_fraction: float, seed: int) -> Split:
    """Return the split of examples with `targets`, of which the last `held` are the test split.

    `held=None` takes a fifth for testing, the same one for every seed. Classes are shared out
    alike. An example of the class -1 is in no split.
    """
    count, rows = len(targets.values), target_rows.in_use(targets)
    if held is None:
        rest, test = (rows[part] for part in labelling.split_test(targets.take(rows)))
    else:
        rest, test = rows[rows < count - held], rows[rows >= count - held]
    train, val = labelling.split(targets.take(rest), val_fraction, seed)
    return Split(rest[train], rest[val], test, published=held is not None)


def splits(feed: Feed, split: Split) -> dict[str, Any]:
    """Return the three pipelines, by the names of `Data`'s fields; an empty split has none."""
    return {
        "train": feed.batches(split.train, train=True, weights=split.weights),
        "val": feed.batches(split.val) if len(split.val) else None,
        "test": feed.batches(split.test) if len(split.test) else None,
    }
