"""The data that a trial trains and validates on; the test split is never looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import keras_tuner

from dlkit.errors import InputError
from dlkit.tuning.spaces import BATCH_SIZE

if TYPE_CHECKING:
    import tensorflow as tf

    from dlkit.data.core.pipeline import Feed
    from dlkit.data.data import Data


class Made(NamedTuple):
    """Data that was made, with what it was made of.

    Attributes:
        space: The hyperparameters that were asked for.
        values: Their values.
        record: The data.
        folds: Its folds, or none.
    """

    space: list[Any]
    values: dict[str, Any]
    record: Data
    folds: list[Data]


class TrialData:
    """Data that is the same for all trials, or made of hyperparameters.

    Args:
        source: A `Data`, or a function from `keras_tuner.HyperParameters` to one.
        folds: How many folds a trial is validated on, or `None` for `data.val`.
        seed: Of the folds.
    """

    def __init__(
        self,
        source: Data | Callable[[keras_tuner.HyperParameters], Data],
        folds: int | None = None,
        seed: int = 0,
    ) -> None:
        self._source, self._folds, self._seed = source, folds, seed
        self._made: Made | None = None
        self._feeds: dict[tuple[int, int | None], Feed] = {}

    @property
    def asked(self) -> dict[str, Any]:
        """Return the hyperparameters that the data was made of: name -> value."""
        return self._made.values if self._made else {}

    def record(self, hp: keras_tuner.HyperParameters) -> Data:
        """Return the data of these values; the last that was made is kept.

        Raises:
            InputError: when there is nothing to validate on.
        """
        return self._make(hp).record

    def splits(
        self, hp: keras_tuner.HyperParameters, execution: int
    ) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        """Return what an execution trains and validates on.

        Batches of training come in the order of a process that has just begun, so that a trial
        comes out the same whatever was trained before it.
        """
        data = self.part(hp, execution)
        return self.begin(data, hp), data.val

    def part(self, hp: keras_tuner.HyperParameters, execution: int) -> Data:
        """Return the data of one execution: a fold, or all the same."""
        made = self._make(hp)
        return made.folds[execution] if made.folds else made.record

    def _make(self, hp: keras_tuner.HyperParameters) -> Made:
        made = self._made
        if not callable(self._source):
            made = made or Made([], {}, *self._checked(self._source))
        elif made is None or not self._fits(made, hp):
            asked = keras_tuner.HyperParameters()
            asked.values = dict(hp.values)
            try:
                data = self._source(asked)
            except Exception:  # what it has asked for is known all the same
                hp.merge(asked.space, overwrite=False)
                raise
            values = {p.name: asked.get(p.name) for p in asked.space if p.name in asked}
            made = Made(asked.space, values, *self._checked(data))
            self._feeds.clear()
        hp.merge(made.space, overwrite=False)
        self._made = made
        return made

    @staticmethod
    def _fits(made: Made, hp: keras_tuner.HyperParameters) -> bool:
        """Return whether data was made of these values; one that is not given is its default."""
        defaults = {p.name: p.default for p in made.space}
        return all(hp.values.get(n, defaults[n]) == v for n, v in made.values.items())

    def _checked(self, data: Data) -> tuple[Data, list[Data]]:
        if not hasattr(data, "input_spec"):
            raise InputError(
                "data must be a dlkit Data record (dk.data.load, dk.data.from_...), or a function"
                f" of hp that returns one. Received: {type(data).__name__}."
            )
        if self._folds:
            return data, list(data.folds(self._folds, seed=self._seed))
        if data.val is None:
            raise InputError(
                f"'{data.name}' has no validation split, and a search never looks at the test"
                " split: load it with a val_fraction, or give folds=5."
            )
        return data, []

    def begin(self, data: Data, hp: keras_tuner.HyperParameters) -> tf.data.Dataset:
        """Return the training batches of data in the order of a process that has just begun."""
        origin, batch_size = data.origin, hp.values.get(BATCH_SIZE)
        if origin is None:
            return data.train.rebatch(batch_size) if batch_size else data.train
        stored = origin.stored
        feed = self._sized(origin.feed if stored is None else stored.feed, batch_size)
        if stored is not None:
            return dataclasses.replace(stored, feed=feed).pipeline("train")
        return feed.batches(origin.split.train, train=True, weights=origin.split.weights)

    def _sized(self, feed: Feed, batch_size: int | None) -> Feed:
        """Return a feed of that batch size, always the same one: it traces its steps once."""
        if batch_size in (None, feed.batch_size):
            return feed
        key = id(feed), batch_size
        if key not in self._feeds:
            self._feeds[key] = dataclasses.replace(feed, batch_size=batch_size)
        return self._feeds[key]
