"""A fingerprint of prepared examples: another one wherever they would come out differently.

It is taken of the split, the targets and what the source holds (arrays byte by byte, files by path,
size and time), and of some examples of each split, prepared: they tell a change in anything that
prepares. The batch size, the seed of the order and the augmentation leave it as it is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from dlkit.data.core.record import Origin

_PROBES = 16  # examples of each split that are prepared


def fingerprint_examples(origin: Origin) -> str:
    """Return the fingerprint of the examples that are prepared for a split, as 64 digits."""
    feed, split = origin.feed, origin.split
    digest = hashlib.sha256()
    parts = {"train": split.train, "val": split.val, "test": split.test}
    for name, rows in parts.items():
        _add(digest, name)
        _add(digest, np.sort(rows))
        places = np.linspace(0, len(rows) - 1, min(_PROBES, len(rows))).round().astype(int)
        if len(rows):
            for batch in feed.batches(np.sort(rows)[places]).as_numpy_iterator():
                _add(digest, tf.nest.flatten(batch))
    _add(digest, (split.weights, feed.targets, feed.source))
    _add(digest, "prepared" if feed.augment_raw is None else "raw")
    for path in () if origin.paths is None else origin.paths:
        facts = os.stat(path)
        _add(digest, (facts.st_size, facts.st_mtime_ns))
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    """Add what `value` holds to `digest`, each part with its kind and length before it."""
    if isinstance(value, tf.Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        _add(digest, (str(value.dtype), value.shape))
        digest.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    elif isinstance(value, np.ndarray):
        _add(digest, value.tolist())
    elif isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
        digest.update(b"%d:" % len(content) + content)
    elif isinstance(value, Mapping):
        _add(digest, [part for item in value.items() for part in item])
    elif isinstance(value, list | tuple):
        digest.update(b"[%d]" % len(value))
        for part in value:
            _add(digest, part)
    elif dataclasses.is_dataclass(value):
        _add(digest, [getattr(value, field.name) for field in dataclasses.fields(value)])
    elif isinstance(value, int | float | np.generic | None):
        digest.update(repr(value).encode())
    # Anything else is a function or a model: the prepared examples tell what it does.
