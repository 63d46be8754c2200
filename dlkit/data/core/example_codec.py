"""Prepared examples as `tf.train.Example`s, and batches of them back as tensors.

A component of an example (an input, a target, a weight) is one feature, named by its path, as
`inputs` or `inputs/title`: the raw bytes of its numbers, or its strings. A component whose length
differs from example to example loses the zeros at its end and has its shape beside it, as
`inputs:shape`; a batch is filled up with zeros again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.errors import InputError

_PARTS = ("inputs", "targets", "weights")


@dataclasses.dataclass(frozen=True)
class Layout:
    """What one example is made of.

    Attributes:
        spec: The nest of `tf.TensorSpec`s of a batch, first axis included.
    """

    spec: Any

    def __post_init__(self) -> None:
        for name, spec in self.named().items():
            if not isinstance(spec, tf.TensorSpec) or spec.shape.rank is None:
                raise InputError(
                    f"Only tensors with a known number of axes can be written as examples."
                    f" Received: '{name}', a {type(spec).__name__}."
                )

    def named(self) -> dict[str, tf.TensorSpec]:
        """Return the components of a batch by their names, in the order of `tf.nest.flatten`."""
        return {
            name: spec
            for part, nest in zip(_PARTS, self.spec, strict=False)
            for name, spec in _paths(part, nest)
        }

    def encode(self, batch: Any) -> Iterator[bytes]:
        """Yield the examples of a batch of arrays, each as a serialized `tf.train.Example`."""
        parts = [np.asarray(part) for part in tf.nest.flatten(batch)]
        named = list(self.named().items())
        for row in range(len(parts[0])):
            features: dict[str, tf.train.Feature] = {}
            for (name, spec), part in zip(named, parts, strict=True):
                features |= _features(name, spec, part[row])
            yield tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

    def batches(self, records: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
        """Return batches of tensors of a pipeline of serialized examples."""
        if self._fixed:
            return records.batch(batch_size).map(self._decode, num_parallel_calls=tf.data.AUTOTUNE)
        padded = [tuple(spec.shape[1:]) for spec in tf.nest.flatten(self.spec)]
        single = records.map(self._decode_one, num_parallel_calls=tf.data.AUTOTUNE)
        return single.padded_batch(batch_size, tf.nest.pack_sequence_as(self.spec, padded))

    @property
    def _fixed(self) -> bool:
        return all(spec.shape[1:].is_fully_defined() for spec in self.named().values())

    def _decode(self, serialized: tf.Tensor) -> Any:
        """Return a batch of tensors of a batch of examples: a few operations for all of them."""
        wanted = {name: _wanted(spec) for name, spec in self.named().items()}
        parsed = tf.io.parse_example(serialized, wanted)
        parts = []
        for name, spec in self.named().items():
            values = parsed[name]
            if spec.dtype != tf.string:
                values = tf.io.decode_raw(values, spec.dtype)
            parts.append(tf.reshape(values, [-1, *spec.shape[1:]]))
        return tf.nest.pack_sequence_as(self.spec, parts)

    def _decode_one(self, serialized: tf.Tensor) -> Any:
        """Return the tensors of an example whose shape is its own."""
        wanted = {}
        for name, spec in self.named().items():
            wanted[name] = _wanted(spec)
            if not spec.shape[1:].is_fully_defined():
                wanted[f"{name}:shape"] = tf.io.FixedLenFeature([spec.shape.rank - 1], tf.int64)
        parsed = tf.io.parse_single_example(serialized, wanted)
        parts = []
        for name, spec in self.named().items():
            values = parsed[name]
            if spec.dtype != tf.string:
                values = tf.io.decode_raw(values, spec.dtype)
            shape = parsed.get(f"{name}:shape", list(spec.shape[1:]))
            parts.append(tf.ensure_shape(tf.reshape(values, shape), spec.shape[1:]))
        return tf.nest.pack_sequence_as(self.spec, parts)


def _paths(name: str, nest: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a nest and their paths, in the order of `tf.nest.flatten`."""
    if isinstance(nest, dict):
        for key in sorted(nest):
            yield from _paths(f"{name}/{key}", nest[key])
    elif isinstance(nest, tuple | list):
        for index, part in enumerate(nest):
            yield from _paths(f"{name}/{index}", part)
    else:
        yield name, nest


def _wanted(spec: tf.TensorSpec) -> Any:
    if spec.dtype != tf.string:
        return tf.io.FixedLenFeature([], tf.string)
    if spec.shape[1:].is_fully_defined():
        return tf.io.FixedLenFeature(spec.shape[1:], tf.string)
    return tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)


def _features(name: str, spec: tf.TensorSpec, value: Any) -> dict[str, tf.train.Feature]:
    """Return the feature of one component, and that of its shape where it has one of its own."""
    # As an object: NumPy's own strings drop the zeros at the end of bytes.
    value, extra = np.asarray(value, object if spec.dtype == tf.string else None), {}
    if not spec.shape[1:].is_fully_defined():
        value = _trimmed(value, spec)
        shape = tf.train.Int64List(value=value.shape)
        extra[f"{name}:shape"] = tf.train.Feature(int64_list=shape)
    content = list(value.ravel()) if spec.dtype == tf.string else [value.tobytes()]
    return {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=content)), **extra}


def _trimmed(value: np.ndarray, spec: tf.TensorSpec) -> np.ndarray:
    """Return `value` without the zeros (or empty strings) that only fill up an open axis."""
    filled = value != b"" if spec.dtype == tf.string else value != 0
    for axis, size in enumerate(spec.shape[1:]):
        if size is None:
            others = tuple(i for i in range(value.ndim) if i != axis)
            used = np.flatnonzero(filled.any(axis=others))
            # One place stays, for layers that need a step.
            length = max(used[-1] + 1, 1) if len(used) else min(1, value.shape[axis])
            value, filled = (np.take(a, range(length), axis) for a in (value, filled))
    return value
