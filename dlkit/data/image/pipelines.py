"""From image files and their labels to the pipelines of a `Data`.

    whole images -> stratified splits -> mean and variance of some training images
    each epoch: order -> decoded, resized -> batches -> standardised -> augmented -> prefetched

Small sets are held decoded, of others only paths and targets: the memory does not grow with them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.core import pipeline
from dlkit.data.core.augmentation import Augmentation
from dlkit.data.core.record import Origin, Split
from dlkit.data.core.splits import divide_labels, split_pipelines
from dlkit.data.core.targets import Targets
from dlkit.data.data import Data
from dlkit.data.files import file_reader
from dlkit.data.files.class_folders import Files
from dlkit.data.image.augment import resolve_image_augmentation
from dlkit.data.image.decoding import decoding_model
from dlkit.data.image.headers import common_channels
from dlkit.data.image.options import Options
from dlkit.data.image.reader import ImageReader, whole_images

# Bytes of decoded images that are held without being asked: thousands of small ones, whose files
# cost more to open and decode than to augment, or hundreds of photos.
_CACHED_UP_TO = 2**26
# As many images give mean and variance of a channel to a few hundredths of a standard deviation.
_SAMPLE = 512
# XLA compiles for a quarter of a second, which it saves on about as many numbers.
_COMPILED_FROM = 30_000_000


@dataclasses.dataclass(frozen=True)
class Labels:
    """What images are labelled with.

    Attributes:
        kind: What one input is, as `Data` tells.
        task: What a network learns.
        num_classes: How many classes there are.
        class_names: Their names.
        values: The targets of all files: an array, or a dict of arrays.
        augment: What is done to training batches, or `None`.
        targets: The same targets for what splits by them, or `None` where that has no meaning.
    """

    kind: str
    task: str
    num_classes: int
    class_names: tuple[str, ...] | None
    values: Any
    augment: Augmentation | None = None
    targets: Targets | None = None


def image_data(
    name: str,
    files: Files,
    held: Files | None,
    options: Options,
    class_names: tuple[str, ...] | None,
    task: str | None = None,
) -> Data:
    """Return the `Data` of files and their labels; `held` are those of the test split."""
    files = whole_images(files, options.corrupt, options.size, options.channels or 3)
    held_labels = None
    if held is not None:
        held = whole_images(held, options.corrupt, options.size, options.channels or 3)
        held_labels, files = held.labels, files.joined(held)
    targets, split = divide_labels(files.labels, held_labels, task, class_names, options)
    augment = resolve_image_augmentation(options.augment, targets)
    names = targets.num_classes, targets.class_names
    labels = Labels("image", targets.task, *names, targets.values, augment, targets)
    return assemble_images(name, files, split, labels, options)


def assemble_images(
    name: str, files: Files, split: Split, labels: Labels, options: Options
) -> Data:
    """Return the `Data` of checked files, whose rows `split` and `labels` tell of."""
    pipeline.check_batch_size(options.batch_size, len(split.train), len(files.paths))
    reader = ImageReader(files, options.size, options.channels or common_channels(files.paths))
    source = file_reader.hold(reader) if _is_cached(reader, options.cache) else reader

    def raw(rows: np.ndarray) -> np.ndarray:
        with file_reader.naming_the_file():
            dataset = source.batches(lambda: pipeline.ordered_rows(rows, 0, train=False), len(rows))
            return next(dataset.as_numpy_iterator())[1]

    def make(split: Split) -> Data:
        preprocessing = _standardisation(source, np.unique(split.train), reader.spec, options.seed)
        feed = pipeline.Feed(
            source,
            labels.values,
            options.batch_size,
            options.seed,
            preprocessing,
            labels.augment,
            # A Keras layer keeps a seed, and a function may keep anything.
            parallel=not callable(options.augment),
            compiled=len(split.train) * reader.spec.shape.num_elements() > _COMPILED_FROM,
        )
        spec = preprocessing.outputs[0]
        shown = pipeline.spread_rows(split.test, pipeline.EXAMPLES)
        return Data(
            name=name,
            task=labels.task,
            kind=labels.kind,
            **split_pipelines(feed, split),
            input_spec={"image": tf.TensorSpec(spec.shape[1:], spec.dtype)},
            num_classes=labels.num_classes,
            class_names=labels.class_names,
            preprocessing=preprocessing,
            decoding=decoding_model(reader.size, reader.channels, reader.deep),
            examples=(raw(shown), _rows(labels.values, shown)) if len(shown) else None,
            origin=Origin(split, labels.targets, raw, feed, make, files.paths),
        )

    return make(split)


def _is_cached(reader: ImageReader, cache: bool | None) -> bool:
    """Return whether images are held, as is asked for or else where all of them are small."""
    total = len(reader.files.paths) * reader.spec.shape.num_elements() * reader.spec.dtype.size
    return total <= _CACHED_UP_TO if cache is None else cache


def _rows(values: Any, rows: np.ndarray) -> Any:
    return tf.nest.map_structure(lambda part: part[rows], values)


def _standardisation(
    source: pipeline.Source, train: np.ndarray, spec: tf.TensorSpec, seed: int
) -> keras.Model:
    """Return the model from decoded images to channels of mean 0 and variance 1."""
    chosen = np.sort(np.random.default_rng(seed).permutation(train)[:_SAMPLE])
    channels, values = spec.shape[-1], 2**8 if spec.dtype == tf.uint8 else 2**16
    seen = np.zeros((channels, values), np.int64)  # how often each value, which is soon counted
    with file_reader.naming_the_file():
        rows = tf.data.Dataset.from_tensor_slices(chosen)
        for _, images in source.batches(lambda: rows, 32).as_numpy_iterator():
            for channel in range(channels):
                pixels = images[..., channel].ravel()
                seen[channel] += np.bincount(pixels, minlength=values)
    shares = seen / seen.sum(axis=1, keepdims=True)
    mean = shares @ np.arange(values)
    variance = shares @ np.arange(values) ** 2 - mean**2
    # A constant channel carries nothing: leave it at 0 instead of dividing by 0.
    variance = np.where(variance > 1e-9, variance, 1.0)
    raw = keras.Input(spec.shape, dtype=spec.dtype.name, name="image")
    standardise = keras.layers.Normalization(
        axis=-1, mean=mean.tolist(), variance=variance.tolist()
    )
    return keras.Model(raw, standardise(raw), name="preprocessing")
