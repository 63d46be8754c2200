"""Prepared examples that lie on the disk, read in a new order each epoch.

shards in a new order -> several read in turn -> shuffled -> batches -> augmented
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import tensorflow as tf

from dlkit.data.core.example_codec import Layout
from dlkit.data.core.pipeline import Feed

IN_TURN = 8  # shards that are read in turn, and at least so many for training
_SHUFFLED = 128 << 20  # bytes of examples that are shuffled at a time, about


@dataclasses.dataclass(frozen=True)
class Stored:
    """The shards of a cache, and what is done to their examples.

    Attributes:
        folder: Where the cache lies.
        shards: Split name -> the shards' facts: their file, examples and bytes.
        feed: Augments, with its batch size and seed.
        layouts: Split name -> what an example is made of.
    """

    folder: pathlib.Path
    shards: dict[str, list[dict[str, Any]]]
    feed: Feed
    layouts: dict[str, Layout]

    def count(self, name: str) -> int:
        """Return the examples of a split."""
        return sum(shard["examples"] for shard in self.shards[name])

    def pipeline(self, name: str) -> tf.data.Dataset | None:
        """Return the batches of a split, `None` for an empty one."""
        count = self.count(name)
        if not count:
            return None
        train = name == "train"
        if train:
            records = self.records(self.feed.seed)
        else:
            records = tf.data.TFRecordDataset(self.paths(name))
        batches = self.layouts[name].batches(records, self.feed.batch_size)
        if self.feed.augment_raw is not None:
            batches = self.feed.changed_raw(batches) if train else batches
            batches = self.feed.prepared_inputs(batches)
        return self.feed.finished(batches, count, train=train)

    def records(self, seed: int | None) -> tf.data.Dataset:
        """Return the training examples, serialized, in a new order each epoch; None is no seed."""
        paths = self.paths("train")
        files = tf.data.Dataset.from_tensor_slices(paths).shuffle(
            len(paths), seed=seed, reshuffle_each_iteration=True
        )
        read = files.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(len(paths), IN_TURN),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        return read.shuffle(self.buffer(), seed=seed, reshuffle_each_iteration=True)

    def buffer(self) -> int:
        """Return how many examples are shuffled at a time."""
        count = self.count("train")
        size = sum(shard["bytes"] for shard in self.shards["train"]) / count
        return min(count, max(16 * self.feed.batch_size, int(_SHUFFLED / size)))

    def paths(self, name: str) -> list[str]:
        """Return the paths of a split's shards."""
        return [str(self.folder / shard["file"]) for shard in self.shards[name]]
