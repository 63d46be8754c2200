"""`Data.distribute`: the training pipeline runs on the workers of a `tf.data` service.

    dispatcher: hands out pieces, each once an epoch -> workers: a piece's examples mixed, read,
        prepared, augmented, in batches -> here: batches as they come

A piece is some batches' worth of row numbers, or a shard of a cache (core/stored.py). No batch goes
over the end of a piece, so that an epoch has the same number of batches with any number of workers.

The workers are told nothing of one another, so they mix and augment by seeds that they draw.
"""

from __future__ import annotations

import dataclasses
import re
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dlkit.data.core.pipeline import augment_batch
from dlkit.errors import InputError, ServerError

if TYPE_CHECKING:
    from dlkit.data.core.augmentation import Augmentation
    from dlkit.data.core.pipeline import Feed
    from dlkit.data.core.record import AnyRecord, Split
    from dlkit.data.core.stored import Stored

_PIECES = 32  # at least as many, where there are as many batches: each worker gets its share
_BATCHES = 16  # at most so many a piece
_AT_ONCE = 2  # pieces that a worker has in hand
_TIMEOUT = 5.0


def distribute(data: AnyRecord, service: str) -> AnyRecord:
    """Return `data` with its training pipeline on `service`; see `Data.distribute`."""
    check_service(service)
    if data.origin is None:
        raise InputError(
            f"'{data.name}' does not say which examples it is made of (its origin is None), so"
            " that they cannot be shared out to workers."
        )
    feed, stored = data.origin.feed, data.origin.stored
    if stored is None:
        batches, count = _of_rows(feed, data.origin.split)
    else:
        batches, count = _of_shards(stored)
    batches = _changed(batches, feed.augment, feed)
    distributed = batches.apply(
        tf.data.experimental.service.distribute(
            processing_mode=tf.data.experimental.service.ShardingPolicy.DYNAMIC, service=service
        )
    )
    # A worker that is lost takes its pieces with it: the epoch fails rather than leave them out.
    counted = tf.data.experimental.assert_cardinality(count)
    train = distributed.apply(counted).prefetch(tf.data.AUTOTUNE)
    return dataclasses.replace(data, train=train)


def check_service(service: Any) -> None:
    """Refuse what is not the address of a dispatcher that answers.

    Raises:
        InputError: for what is no address.
        ServerError: when nothing listens there. TensorFlow itself would wait for it, silently.
    """
    found = re.fullmatch(r"grpc://(.+):(\d+)", service) if isinstance(service, str) else None
    if found is None:
        raise InputError(
            "service must be the address of a tf.data dispatcher, like 'grpc://10.0.0.1:5050'."
            f" Received: service={service!r}."
        )
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), _TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise ServerError(
            f"No tf.data service answers at {service} ({error}); start its dispatcher"
            " (tf.data.experimental.service.DispatchServer) and workers first."
        ) from None


def _of_rows(feed: Feed, split: Split) -> tuple[tf.data.Dataset, int]:
    """Return prepared batches of the training rows, a piece's worth of rows at a time."""
    size = feed.batch_size
    rows = np.random.default_rng(feed.seed).permutation(split.train)
    batches = -(-len(rows) // size)
    length = size * min(max(batches // _PIECES, 1), _BATCHES)
    with tf.device("CPU"):
        every = tf.constant(rows, tf.int64)

    def read(piece: tf.Tensor) -> tf.data.Dataset:
        chosen = every[piece * length : (piece + 1) * length]
        mixed = tf.random.experimental.stateless_shuffle(chosen, seed=_drawn())
        return feed.source.batches(lambda: tf.data.Dataset.from_tensor_slices(mixed), size)

    pieces = tf.data.Dataset.range(-(-len(rows) // length))
    numbered = _in_turn(pieces, read)
    if feed.augment_raw is not None:
        turned = numbered.map(lambda rows, inputs: (inputs, rows))
        turned = _changed(turned, feed.augment_raw, feed)
        numbered = turned.map(lambda inputs, rows: (rows, inputs))
    return feed.prepared(numbered, split.weights), batches


def _of_shards(stored: Stored) -> tuple[tf.data.Dataset, int]:
    """Return batches of the training shards of a cache, which every worker must see."""
    size = stored.feed.batch_size

    def read(path: tf.Tensor) -> tf.data.Dataset:
        # Of this function's graph alone. With a global seed of 0, as is usual, shuffle compares
        # its own seed with 0, and that is a tensor here.
        tf.random.set_seed(1)
        records = tf.data.TFRecordDataset(path)
        records = records.shuffle(stored.buffer(), seed=_drawn()[0])
        return stored.layouts["train"].batches(records, size)

    paths = tf.data.Dataset.from_tensor_slices(stored.paths("train"))
    count = sum(-(-shard["examples"] // size) for shard in stored.shards["train"])
    batches, feed = _in_turn(paths, read), stored.feed
    if feed.augment_raw is not None:
        batches = feed.prepared_inputs(_changed(batches, feed.augment_raw, feed))
    return batches, count


def _in_turn(pieces: tf.data.Dataset, read: Any) -> tf.data.Dataset:
    return pieces.interleave(
        read, cycle_length=_AT_ONCE, num_parallel_calls=_AT_ONCE, deterministic=False
    )


def _changed(batches: tf.data.Dataset, augment: Augmentation | None, feed: Feed) -> tf.data.Dataset:
    """Return batches augmented with seeds that the workers draw."""
    if augment is None:
        return batches
    return batches.map(
        lambda *batch: augment_batch(augment, batch, _drawn()),
        num_parallel_calls=tf.data.AUTOTUNE if feed.parallel else None,
    )


def _drawn() -> tf.Tensor:
    """Return a seed of its own for each call on each worker, whatever tf.random.set_seed says."""
    return tf.abs(tf.raw_ops.NonDeterministicInts(shape=[2], dtype=tf.int64)) % (2**31 - 1)
