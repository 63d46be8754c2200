"""Examples that are there twice, found by a digest of their raw bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.core.splits import known_origin

if TYPE_CHECKING:
    from dlkit.data.core.record import AnyRecord, Origin, Record

_CHUNK = 1024


def duplicates(data: Record) -> tuple[np.ndarray, ...]:
    """Return what `Data.duplicates` tells."""
    origin = known_origin(data, "duplicates")
    split = origin.split
    rows = np.union1d(split.kept, split.test)
    return repeated_rows(rows, raw_digests(origin, rows))


def repeated_rows(rows: np.ndarray, digests: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the rows of each digest that occurs more than once, by their first row.

    Example:
        >>> [g.tolist() for g in repeated_rows(np.arange(5), np.array(["a", "b", "a", "c", "b"]))]
        [[0, 2], [1, 4]]
    """
    _, inverse, counts = np.unique(digests, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(counts[inverse] > 1)
    order = repeated[np.argsort(inverse[repeated], kind="stable")]
    edges = np.flatnonzero(np.diff(inverse[order])) + 1
    found = [np.sort(rows[part]) for part in np.split(order, edges) if len(part)]
    return tuple(sorted(found, key=lambda group: group[0]))


def without_duplicates(data: AnyRecord) -> AnyRecord:
    """Return what `Data.without_duplicates` tells."""
    origin = known_origin(data, "without_duplicates")
    split = origin.split
    train = np.unique(split.train)
    rows = np.concatenate([split.test, split.val, train])
    keys = raw_digests(origin, rows)
    first = np.zeros(len(rows), bool)
    # The first of the test split, or else of the validation split, stays.
    first[np.unique(keys, return_index=True)[1]] = True
    kept = rows[first]
    left = dataclasses.replace(
        split,
        train=split.train[np.isin(split.train, kept)],
        val=split.val[np.isin(split.val, kept)],
    )
    told = len(train) - len(np.unique(left.train)), len(split.val) - len(left.val)
    print(
        f"Left out {told[0]} of {len(train)} training and {told[1]} of {len(split.val)} validation"
        " examples that repeat others."
    )
    return origin.remake(left)


def raw_digests(origin: Origin, rows: np.ndarray) -> np.ndarray:
    """Return a digest of each of some rows: equal for equal files, or else equal raw inputs."""
    if origin.paths is not None:
        return _file_digests(origin.paths[rows])
    parts = [_digests(origin.raw(rows[i : i + _CHUNK])) for i in range(0, len(rows), _CHUNK)]
    return np.concatenate(parts) if parts else np.empty(0, "S16")


def _file_digests(paths: np.ndarray) -> np.ndarray:
    """Return a digest of each file; only files of the same size are read."""
    sizes = np.array([os.path.getsize(path) for path in paths])
    _, inverse, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    alike = counts[inverse] > 1
    contents = [
        pathlib.Path(path).read_bytes() if read else path.encode()
        for path, read in zip(paths.tolist(), alike, strict=True)
    ]
    return np.array([_digest([content]) for content in contents])


def _digests(raw: Any) -> np.ndarray:
    """Return a digest of each raw input: of an array, or of a dict of arrays."""
    import tensorflow as tf

    leaves = [_bytes(np.asarray(leaf)) for leaf in tf.nest.flatten(raw)]
    return np.array([_digest(parts) for parts in zip(*leaves, strict=True)])


def _bytes(values: np.ndarray) -> list[bytes]:
    if values.dtype.kind in "OUS":
        return [v if isinstance(v, bytes) else str(v).encode() for v in values]
    return [np.ascontiguousarray(row).tobytes() for row in values]


def _digest(parts: Any) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    # As text, since NumPy drops zero bytes at the end.
    return digest.hexdigest().encode()
