"""From image files to batches of uint8 images of one size, decoded in parallel and in order.

    row numbers -> read, decode, resize (several at a time) -> batches

How files are read in parallel, in order, and named when they fail stands in reading.py.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from dlkit.data.decoders import read_image
from dlkit.data.image_files import KINDS, Files
from dlkit.data.reading import FileReader


@dataclasses.dataclass(frozen=True)
class Reader(FileReader):
    """Reads image files as uint8 images `(height, width, channels)`, by their row number."""

    files: Files
    size: tuple[int, int]
    channels: int

    @property
    def spec(self) -> tf.TensorSpec:
        """Shape and type of an image."""
        return tf.TensorSpec((*self.size, self.channels), tf.uint8)

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
