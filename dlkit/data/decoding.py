"""From image files to batches of uint8 images of one size, decoded in parallel and in order.

    row numbers -> read, decode, resize (several at a time) -> batches

TensorFlow's decoders do not say which file they failed on. So what they fail on is dropped, and the
rows that are left are held against those that were asked for: the first that is missing is named.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dlkit.data import feeding
from dlkit.data.decoders import read_image
from dlkit.data.image_files import KINDS, Files
from dlkit.errors import InputError

_UNREADABLE = "cannot be decoded (it is damaged or gone); mend or remove it, or give corrupt='skip'"


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads image files as uint8 images `(height, width, channels)`, by their row number."""

    files: Files
    size: tuple[int, int]
    channels: int

    def batches(self, rows: feeding.Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, images)` in the order of `rows`; a file that fails is named.

        `rows` makes the pipeline of row numbers. It is made twice, since two iterators of one
        shuffled pipeline have two orders.
        """
        paths = self._paths
        # So that a file that fails last is missed as well.
        blank = tf.zeros((*self.size, self.channels), tf.uint8)
        end = tf.data.Dataset.from_tensors((tf.constant(-1, tf.int64), blank))
        decoded = self._decoded(rows()).ignore_errors().concatenate(end)

        def check(wanted: tf.Tensor, got: tuple[tf.Tensor, tf.Tensor]) -> tuple:
            found, images = got
            missed = tf.argmax(tf.not_equal(wanted, found))
            sentence = tf.strings.join([paths[wanted[missed]], " ", _UNREADABLE])
            with tf.control_dependencies([tf.Assert(tf.reduce_all(wanted == found), [sentence])]):
                return wanted, tf.identity(images)

        return tf.data.Dataset.zip(rows(), decoded).batch(batch_size).map(check)

    def readable(self) -> np.ndarray:
        """Return the rows of the files that decode; each is decoded once for it."""
        rows = tf.data.Dataset.range(len(self.files.paths))
        survivors = self._decoded(rows).map(lambda row, image: row).ignore_errors()
        return np.fromiter(survivors.as_numpy_iterator(), np.int64)

    @functools.cached_property
    def _paths(self) -> tf.Tensor:
        """The paths, once for all splits."""
        with tf.device("CPU"):
            return tf.constant(self.files.paths)

    def _decoded(self, rows: tf.data.Dataset) -> tf.data.Dataset:
        present, kinds = np.unique(self.files.kinds, return_inverse=True)
        with tf.device("CPU"):
            kinds, paths = tf.constant(kinds, tf.int32), self._paths

        def load(row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            content = tf.io.read_file(paths[row])
            calls = [
                lambda kind=kind: read_image(content, KINDS[kind], self.size, self.channels)
                for kind in present
            ]
            image = calls[0]() if len(calls) == 1 else tf.switch_case(kinds[row], calls)
            return row, image

        return rows.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def hold(reader: Reader) -> feeding.Held:
    """Decode all files of `reader` into memory, as uint8."""
    count = len(reader.files.paths)
    images = np.empty((count, *reader.size, reader.channels), np.uint8)
    with naming_the_file():
        batches = reader.batches(lambda: tf.data.Dataset.range(count), 64)
        for rows, batch in batches.as_numpy_iterator():
            images[rows] = batch
    return feeding.hold(images)


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
