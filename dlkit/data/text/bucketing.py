"""The pipelines of texts: made into ids once, encoded and augmented batch by batch.

    row numbers shuffled -> grouped by length -> ids gathered -> encoded -> augmented -> prefetched

Grouping makes batches of texts that are about as long, so that little of them is padding. It goes
through the shuffled rows and hands out a group once it fills a batch: each epoch has other batches.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from dlkit.data.core.pipeline import Feed, Rows, ordered_rows

_GROUPS = 8


@dataclasses.dataclass(frozen=True)
class HeldIds:
    """Gives ids that are held in memory, as long as the longest text of a batch."""

    ids: tf.RaggedTensor

    def batches(self, rows: Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, ids)` in the order of `rows`."""
        return rows().batch(batch_size).map(self.gather)

    def gather(self, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return row numbers and their ids (B, longest)."""
        ids = tf.gather(self.ids, chosen).to_tensor()
        return chosen, tf.ensure_shape(ids, (None, None))


@dataclasses.dataclass(frozen=True)
class TextFeed(Feed):
    """Makes the pipelines of texts, of which those for training may be grouped by length.

    Attributes:
        lengths: Ids of each row, to group the training rows by, or `None`; `source` holds the ids.
    """

    lengths: np.ndarray | None = None

    def batches(
        self, rows: np.ndarray, *, train: bool = False, weights: np.ndarray | None = None
    ) -> tf.data.Dataset:
        """Return batches `(inputs, targets)` of some rows; arguments as in `Feed.batches`."""
        source, lengths = self.source, self.lengths
        if not train or lengths is None or not isinstance(source, HeldIds):
            # In their order, which predictions can be held against.
            return super().batches(rows, train=train, weights=weights)
        groups = _groups(lengths, rows)
        counts = np.bincount(groups[rows])
        with tf.device("CPU"):
            groups = tf.constant(groups)
        grouped = ordered_rows(rows, self.seed, train=True).group_by_window(
            key_func=lambda row: groups[row],
            reduce_func=lambda key, members: members.batch(self.batch_size),
            window_size=self.batch_size,
        )
        prepared = self.prepared(grouped.map(source.gather), weights)
        # The last batch of each group may be small: as many examples as full ones would hold.
        full = int((-(-counts // self.batch_size)).sum()) * self.batch_size
        return self.finished(prepared, full, train=True)


def _groups(lengths: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the group of each length; groups hold about as many of the `rows`."""
    parts = np.arange(1, _GROUPS) / _GROUPS
    edges = np.unique(np.quantile(lengths[rows], parts, method="lower"))
    return np.searchsorted(edges, lengths, side="right")


def padding(feed: TextFeed, rows: np.ndarray) -> float:
    """Return the part of the training batches of `rows` that is padding.

    Args:
        feed: Of ids.
        rows: Row numbers.

    Returns:
        A number from 0 to 1.
    """
    empty, total = 0, 0
    for ids, *_ in feed.batches(rows, train=True):
        empty, total = empty + int(np.sum(ids == 0)), total + int(tf.size(ids))
    return empty / total
