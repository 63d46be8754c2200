"""From image files to batches of images of one size, decoded in parallel and in order.

    row numbers -> read, decode, resize (several at a time) -> batches

What a file needs, its kind's decoder and for a JPEG the scale, is told from its first bytes once.
How files are read in parallel, in order, and named when they fail stands in files/file_reader.py.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from dlkit.data.files.class_folders import Files, leave_out, whole_files
from dlkit.data.files.file_reader import FileReader
from dlkit.data.image import headers, jpeg_scale
from dlkit.data.image.decoding import image_spec, read_image
from dlkit.data.image.formats import inspect_image


def whole_images(files: Files, corrupt: str, size: tuple[int, int], channels: int) -> Files:
    """Return the files that are images, with their kinds; with `corrupt="skip"`, that decode."""
    files = whole_files(files, corrupt, inspect_image, "an image")
    if corrupt == "error":
        return files
    readable = ImageReader(files, size, channels).readable()
    damaged = np.setdiff1d(np.arange(len(files.paths)), readable)
    return leave_out(files, {i: f"{files.paths[i]} is damaged" for i in damaged}, "an image")


@dataclasses.dataclass(frozen=True)
class ImageReader(FileReader):
    """Reads image files as images `(height, width, channels)` of whole numbers, by row number."""

    files: Files
    size: tuple[int, int]
    channels: int

    @functools.cached_property
    def deep(self) -> bool:
        """Whether a file has more levels of grey than 8 bits hold."""
        png = self.files.kinds == "png"
        return any(map(headers.is_deep, self.files.paths[png]))

    @property
    def spec(self) -> tf.TensorSpec:
        """Shape and type of an image."""
        return image_spec(self.size, self.channels, self.deep)

    def _load(self, row: tf.Tensor) -> tf.Tensor:
        ways, found = self._ways
        content = tf.io.read_file(self._paths[row])
        calls = [
            lambda kind=kind, scale=scale: read_image(
                content, kind, self.size, self.channels, scale=scale, deep=self.deep
            )
            for kind, scale in ways
        ]
        # Only what these files need: each way that is not taken costs a little, too.
        return calls[0]() if len(calls) == 1 else tf.switch_case(found[row], calls)

    @functools.cached_property
    def _ways(self) -> tuple[list[tuple[str, int]], tf.Tensor]:
        """The kinds and scales that are decoded, and which of them is each file's."""
        kinds = np.asarray(self.files.kinds)
        scales = np.full(len(kinds), jpeg_scale.LOOK, np.int32)
        jpeg = np.flatnonzero(kinds == "jpeg")
        scales[jpeg] = jpeg_scale.scales(self.files.paths[jpeg], self.size, self.channels)
        each = list(zip(kinds.tolist(), scales.tolist(), strict=True))
        ways = sorted(set(each))
        with tf.init_scope(), tf.device("CPU"):  # not a part of what is being traced
            return ways, tf.constant([ways.index(way) for way in each], tf.int32)
