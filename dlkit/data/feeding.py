"""From prepared splits to batches: the one pipeline that arrays and tables share.

    indices shuffled -> batches gathered -> prepared, unless that was done before -> augmented
                     -> prefetched

Indices are shuffled rather than examples, and a batch is gathered at once: a step costs one gather
however large an example is.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.augment import Augmentation
from dlkit.errors import InputError

EXAMPLES = 32  # how many raw inputs a `Data` keeps
_CHUNK = 4096

# Keras 3.15 tells every `fit` on a tf.data.Dataset that its own default, shuffle=True, is ignored.
# These pipelines shuffle by themselves, so there is nothing that a user could do about it.
warnings.filterwarnings("ignore", "`shuffle=True` was passed, but will be ignored", UserWarning)


def check_batch(batch_size: int, train: int, total: int) -> None:
    """Refuse batches that are larger than the training split.

    Raises:
        InputError: naming the batch size and the number of training examples.
    """
    if batch_size > train:
        raise InputError(
            f"batch_size={batch_size} is larger than the training split of {train} examples"
            f" (of {total} in all); give a batch_size of at most {train}."
        )


def order(count: int, seed: int, *, train: bool) -> tf.data.Dataset:
    """Return the numbers below `count`; those of `train` in a new seeded order each epoch."""
    dataset = tf.data.Dataset.range(count)
    if train:
        dataset = dataset.shuffle(count, seed=seed, reshuffle_each_iteration=True)
    return dataset


def augmented(
    dataset: tf.data.Dataset, augment: Augmentation, seed: int, *, parallel: bool = False
) -> tf.data.Dataset:
    """Return batches `(images, targets)` augmented, each batch with a seed of its own.

    `parallel` works on several batches at once; not for Keras layers, which keep a seed that each
    batch moves on.
    """
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    seeds = seeds.batch(2, drop_remainder=True)

    def apply(batch: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> Any:
        images, targets = batch
        return tf.ensure_shape(augment(images, seed), images.shape), targets

    calls = tf.data.AUTOTUNE if parallel else None
    return tf.data.Dataset.zip(dataset, seeds).map(apply, num_parallel_calls=calls)


@dataclasses.dataclass(frozen=True)
class Feed:
    """Makes the pipelines of one data set, all with the same preparation and batch size.

    Attributes:
        preprocessing: From raw inputs, an array or a dict of them, to what the network takes.
        batch_size: Examples a batch.
        cache: Prepare everything once, up front.
        seed: Of the order and the augmentation.
        augment: What is done to batches of the training split, or `None`.
    """

    preprocessing: keras.Model
    batch_size: int
    cache: bool
    seed: int
    augment: Augmentation | None

    def batches(self, x: Any, y: np.ndarray, *, train: bool = False) -> tf.data.Dataset:
        """Return the pipeline of one split; that of `train` is shuffled and augmented."""
        with tf.device("CPU"):  # the arrays stay in the host's memory, whatever trains
            inputs = tf.nest.map_structure(tf.constant, self._prepared(x, len(y)))
            targets = tf.constant(y)
        dataset = order(len(y), self.seed, train=train).batch(self.batch_size)

        def gather(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            batch = tf.nest.map_structure(lambda values: tf.gather(values, rows), inputs)
            return batch if self.cache else self.preprocessing(batch), tf.gather(targets, rows)

        dataset = dataset.map(gather)
        if train and self.augment is not None:
            dataset = augmented(dataset, self.augment, self.seed)
        return dataset.prefetch(tf.data.AUTOTUNE)

    def _prepared(self, x: Any, count: int) -> Any:
        if not self.cache:
            return x
        # In pieces, since the standardisation holds several copies of what it works on.
        parts = []
        for start in range(0, count, _CHUNK):
            chosen = slice(start, start + _CHUNK)
            chunk = tf.nest.map_structure(lambda values, c=chosen: tf.constant(values[c]), x)
            parts.append(self.preprocessing(chunk).numpy())
        return np.concatenate(parts)
