"""Files to batches by row number, read in parallel and in order, whatever they hold.

    row numbers -> read and decode (several at a time) -> batches

TensorFlow's decoders do not say which file they failed on. So what they fail on is dropped, and the
rows that are left are held against those that were asked for: the first that is missing is named.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import re
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from dlkit.data.core import pipeline
from dlkit.data.files.class_folders import Files
from dlkit.errors import InputError

_UNREADABLE = "cannot be decoded (it is damaged or gone); mend or remove it, or give corrupt='skip'"


class FileReader(abc.ABC):
    """Reads `files`, each as a tensor like `spec`, by their row number."""

    files: Files

    @property
    @abc.abstractmethod
    def spec(self) -> tf.TensorSpec:
        """Shape and type of what one file is read as."""

    @abc.abstractmethod
    def _load(self, row: tf.Tensor) -> tf.Tensor:
        """Return the file `row` as a tensor, or fail."""

    def batches(self, rows: pipeline.Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, tensors)` in the order of `rows`; a file that fails is named.

        `rows` makes the pipeline of row numbers. It is made twice, since two iterators of one
        shuffled pipeline have two orders.
        """
        # So that a file that fails last is missed as well.
        blank = tf.zeros(self.spec.shape, self.spec.dtype)
        end = tf.data.Dataset.from_tensors((tf.constant(-1, tf.int64), blank))
        decoded = self._decoded(rows()).ignore_errors().concatenate(end)
        return tf.data.Dataset.zip(rows(), decoded).batch(batch_size).map(self._check_traced)

    def readable(self) -> np.ndarray:
        """Return the rows of the files that decode; each is decoded once for it."""
        rows = tf.data.Dataset.range(len(self.files.paths))
        survivors = self._decoded(rows).map(lambda row, tensor: row).ignore_errors()
        return np.fromiter(survivors.as_numpy_iterator(), np.int64)

    def _decoded(self, rows: tf.data.Dataset) -> tf.data.Dataset:
        """Return `(row, tensor)` for each of `rows`, in their order; one may fail."""
        return rows.map(self._load_traced, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _check(self, wanted: tf.Tensor, got: tuple[tf.Tensor, tf.Tensor]) -> tuple:
        found, tensors = got
        missed = tf.argmax(tf.not_equal(wanted, found))
        sentence = tf.strings.join([self._paths[wanted[missed]], " ", _UNREADABLE])
        with tf.control_dependencies([tf.Assert(tf.reduce_all(wanted == found), [sentence])]):
            return wanted, tf.identity(tensors)

    # Once for all splits, since to trace either costs more than to read a hundred files.

    @functools.cached_property
    def _load_traced(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        return tf.function(lambda row: (row, self._load(row)), autograph=False)

    @functools.cached_property
    def _check_traced(self) -> Callable[..., tuple]:
        return tf.function(self._check, autograph=False)

    @functools.cached_property
    def _paths(self) -> tf.Tensor:
        with tf.init_scope(), tf.device("CPU"):  # not a part of what is being traced
            return tf.constant(self.files.paths)


def hold(reader: FileReader) -> pipeline.Held:
    """Decode all files of `reader` into memory."""
    count, spec = len(reader.files.paths), reader.spec
    held = np.empty((count, *spec.shape), spec.dtype.as_numpy_dtype)
    with naming_the_file():
        batches = reader.batches(lambda: tf.data.Dataset.range(count), 64)
        for rows, batch in batches.as_numpy_iterator():
            held[rows] = batch
    return pipeline.hold_in_memory(held)


@contextlib.contextmanager
def naming_the_file() -> Iterator[None]:
    """Turn the pipeline's error about a file into an `InputError` with its sentence.

    Raises:
        InputError: for a file that cannot be decoded.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"assertion failed: \[(.*\(it is damaged or gone\).*)\]", error.message)
        if found is None:
            raise
        # TensorFlow writes quotes and letters beyond ASCII as a C string has them.
        sentence = found[1].encode().decode("unicode_escape").encode("latin-1").decode()
        raise InputError(f"{sentence}.") from None
