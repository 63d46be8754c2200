"""From row numbers to batches: the one pipeline that all kinds of data share.

    row numbers shuffled -> read or gathered, by the batch -> prepared, unless that was done before
                         -> augmented -> prefetched

Row numbers are shuffled rather than examples: a step costs one gather however large an example is.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_fraction, check_integer
from dlkit.data.core.augmentation import Augmentation, OfBatches
from dlkit.errors import InputError

EXAMPLES = 32  # how many raw inputs a `Data` keeps
_CHUNK = 4096

# Keras 3.15 tells every `fit` on a tf.data.Dataset that its own default, shuffle=True, is ignored.
# These pipelines shuffle by themselves, so there is nothing that a user could do about it.
warnings.filterwarnings("ignore", "`shuffle=True` was passed, but will be ignored", UserWarning)

Rows = Callable[[], tf.data.Dataset]


class Source(Protocol):
    """What gives inputs by row number."""

    def batches(self, rows: Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, inputs)` in the order of `rows`, which makes a pipeline of them.

        It is a function since two iterators of one shuffled pipeline have two orders.
        """


@dataclasses.dataclass(frozen=True)
class Held:
    """Gives inputs that are held in memory: a tensor, or a dict of them."""

    inputs: Any

    def batches(self, rows: Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, inputs)` in the order of `rows`."""

        def gather(chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
            taken = tf.nest.map_structure(lambda values: tf.gather(values, chosen), self.inputs)
            return chosen, taken

        return rows().batch(batch_size).map(gather)


def hold_in_memory(inputs: Any) -> Held:
    """Return arrays as a source; they stay in the host's memory, whatever trains."""
    with tf.device("CPU"):
        return Held(tf.nest.map_structure(tf.constant, inputs))


def preprocess_arrays(inputs: Any, preprocessing: keras.Model) -> Any:
    """Return the network's inputs for raw ones, as arrays.

    In pieces, since a preprocessing holds several copies of what it works on.
    """
    count = len(tf.nest.flatten(inputs)[0])
    parts = []
    for start in range(0, count, _CHUNK):
        chosen = slice(start, start + _CHUNK)
        chunk = tf.nest.map_structure(lambda values, c=chosen: tf.constant(values[c]), inputs)
        parts.append(tf.nest.map_structure(lambda part: part.numpy(), preprocessing(chunk)))
    return tf.nest.map_structure(lambda *pieces: np.concatenate(pieces), *parts)


def spread_rows(rows: np.ndarray, count: int) -> np.ndarray:
    """Return up to `count` of `rows`, from all over them."""
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def check_pipeline_options(batch_size: int, seed: int, val_fraction: float) -> None:
    """Refuse what every pipeline is told, where it is out of range.

    Raises:
        InputError: naming the option, its range and what was given.
    """
    check_integer("batch_size", batch_size)
    check_integer("seed", seed, minimum=0)
    check_fraction("val_fraction", val_fraction)


def check_batch_size(batch_size: int, train: int, total: int) -> None:
    """Refuse a training split that holds nothing, and tell where it is smaller than a batch.

    Raises:
        InputError: naming the number of examples.
    """
    if not train:
        raise InputError(
            f"Validation and test split leave none of {total} examples to train on; give a smaller"
            " val_fraction."
        )
    if batch_size > train:
        print(
            f"batch_size={batch_size} is lowered to the {train} training examples (of {total} in"
            " all): each epoch is one step."
        )


def ordered_rows(rows: np.ndarray, seed: int, *, train: bool) -> tf.data.Dataset:
    """Return the numbers `rows`; those of `train` in a new seeded order each epoch."""
    with tf.device("CPU"):
        dataset = tf.data.Dataset.from_tensor_slices(np.asarray(rows, np.int64))
    if train:
        dataset = dataset.shuffle(len(rows), seed=seed, reshuffle_each_iteration=True)
    return dataset


def take_rows(columns: Mapping[str, np.ndarray], rows: Any) -> dict[str, np.ndarray]:
    """Return some rows of each column."""
    return {name: values[rows] for name, values in columns.items()}


def augment_batch(augment: Augmentation, batch: tuple[tf.Tensor, ...], seed: tf.Tensor) -> Any:
    """Return a batch `(inputs, targets, ...)` as `augment` changes it with `seed`, two integers."""
    if isinstance(augment, OfBatches):
        return augment.change(batch, seed)
    inputs, *rest = batch
    return tf.ensure_shape(augment(inputs, seed), inputs.shape), *rest


def augment_batches(
    dataset: tf.data.Dataset, augment: Augmentation, seed: int, *, parallel: bool = False
) -> tf.data.Dataset:
    """Return batches `(inputs, targets, ...)` augmented, each batch with a seed of its own.

    `parallel` works on several batches at once; not for Keras layers, which keep a seed that each
    batch moves on.
    """
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    seeds = seeds.batch(2, drop_remainder=True)

    def apply(batch: tuple[tf.Tensor, ...], seed: tf.Tensor) -> Any:
        return augment_batch(augment, batch, seed)

    calls = tf.data.AUTOTUNE if parallel else None
    return tf.data.Dataset.zip(dataset, seeds).map(apply, num_parallel_calls=calls)


@dataclasses.dataclass(frozen=True)
class Feed:
    """Makes the pipelines of one data set, all with the same preparation and batch size.

    Attributes:
        source: Gives inputs by row number.
        targets: The targets of all rows: an array, or a dict of arrays.
        batch_size: Examples a batch.
        seed: Of the order and the augmentation.
        preprocessing: From the source's inputs to what the network takes, or `None` where they are
            that already.
        augment: What is done to batches of the training split, or `None`.
        parallel: Whether several batches are prepared and augmented at once: for costly ones.
        augment_raw: What is done to the source's inputs of the training split before they are
            prepared, or `None`.
        compiled: Whether XLA compiles the preprocessing, so that its steps go over a batch once:
            for arithmetic on large inputs.
    """

    source: Source
    targets: Any
    batch_size: int
    seed: int
    preprocessing: keras.Model | None = None
    augment: Augmentation | None = None
    parallel: bool = False
    augment_raw: Augmentation | None = None
    compiled: bool = False

    def batches(
        self, rows: np.ndarray, *, train: bool = False, weights: np.ndarray | None = None
    ) -> tf.data.Dataset:
        """Return batches `(inputs, targets)` of some rows.

        Args:
            rows: Row numbers.
            train: Whether they are shuffled and augmented.
            weights: A weight for each row of the data set; it makes the batches `(inputs, targets,
                weights)`.
        """
        numbered = self.source.batches(
            lambda: ordered_rows(rows, self.seed, train=train), self.batch_size
        )
        if train and self.augment_raw is not None:
            turned = numbered.map(lambda rows, inputs: (inputs, rows))
            numbered = self.changed_raw(turned).map(lambda inputs, rows: (rows, inputs))
        return self.finished(self.prepared(numbered, weights), len(rows), train=train)

    def prepared(
        self, batches: tf.data.Dataset, weights: np.ndarray | None = None
    ) -> tf.data.Dataset:
        """Return the source's batches `(rows, inputs)` prepared, with targets in place of rows."""
        extra = () if weights is None else (np.asarray(weights, np.float32),)
        with tf.device("CPU"):
            beside = tf.nest.map_structure(tf.constant, (self.targets, *extra))

        prepare = self._prepare

        def prepare_one(chosen: tf.Tensor, inputs: Any) -> tuple[Any, ...]:
            rest = tf.nest.map_structure(lambda values: tf.gather(values, chosen), beside)
            return prepare(inputs), *rest

        return batches.map(prepare_one, num_parallel_calls=self._calls)

    def prepared_inputs(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return batches `(inputs, targets, ...)` with the source's inputs prepared."""
        prepare = self._prepare
        return dataset.map(
            lambda inputs, *rest: (prepare(inputs), *rest), num_parallel_calls=self._calls
        )

    def changed_raw(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return batches `(inputs, ...)` with `augment_raw` done to the source's inputs."""
        if self.augment_raw is None:
            return dataset
        # A seed of its own: what is drawn here must say nothing of what `augment` draws.
        return augment_batches(dataset, self.augment_raw, self.seed + 2**31, parallel=self.parallel)

    def finished(self, dataset: tf.data.Dataset, count: int, *, train: bool) -> tf.data.Dataset:
        """Return prepared batches of `count` examples augmented, if for training, and counted.

        The pipeline says in `same_every_epoch` whether an epoch's inputs are those of the one
        before, in whatever order: then what a frozen network makes of them can be kept.
        """
        if train and self.augment is not None:
            dataset = augment_batches(dataset, self.augment, self.seed, parallel=self.parallel)
        # What is read from files is not counted by tf.data, since a file may fail.
        counted = tf.data.experimental.assert_cardinality(-(-count // self.batch_size))
        finished = dataset.apply(counted).prefetch(tf.data.AUTOTUNE)
        finished.same_every_epoch = not train or (self.augment is None and self.augment_raw is None)
        return finished

    @functools.cached_property
    def _prepare(self) -> Callable[[Any], Any]:
        """The preprocessing, traced once for all splits."""
        if self.preprocessing is None:
            return lambda inputs: inputs
        return tf.function(
            self.preprocessing, jit_compile=self.compiled or None, reduce_retracing=True
        )

    @property
    def _calls(self) -> int | None:
        return tf.data.AUTOTUNE if self.parallel else None
