"""Examples that are nearly the same, by a fingerprint that costs little.

    thumbnails  of pictures, grey, 16x16, each of mean 0 and deviation 1 -> distance
    vectors     what the network gets, of mean 0 and deviation 1         -> distance, chance
    minhashes   groups of 3 words, the smallest of 64 hashes of each     -> hashes that agree

Every fingerprint of a held-out example is compared with every one of training, so the cost is
bounded by the rows that are looked at: 1,000 by 5,000 take about a second.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlkit.data.checks.view import View

_THUMBNAIL, _SHINGLE, _HASHES = 16, 3, 64
# The largest distance, or smallest agreement, of what counts as nearly the same.
_DISTANCE = {"vectors": 0.02, "thumbnails": 0.1 * _THUMBNAIL}
_AGREEMENT = 0.7
_CHANCE = 1e-4  # rows that are as near by chance, at most, in what is more than chance
_MOST = 1 << 25  # numbers in all fingerprints
_PRIME = (1 << 31) - 1


def take_fingerprints(view: View, fingerprint: str) -> dict[str, np.ndarray] | None:
    """Return a fingerprint of each row that is looked at, or `None` where that is too much."""
    makers = {"vectors": _vectors, "thumbnails": _thumbnails, "minhashes": _minhashes}
    make = makers[fingerprint]
    found = {split: make(raw, view) for split, raw in view.raw.items()}
    return found if sum(part.size for part in found.values()) <= _MOST else None


def nearest_alike(train: np.ndarray, held: np.ndarray, fingerprint: str) -> np.ndarray:
    """Return for each fingerprint in `held` the index of its like in `train`, or -1."""
    if fingerprint == "minhashes":
        return _agreeing(train, held)
    found = np.full(len(held), -1)
    squares = np.square(train).sum(axis=1)
    for start in range(0, len(held), 256):
        part = held[start : start + 256]
        apart = np.square(part).sum(axis=1)[:, np.newaxis] + squares - 2 * part @ train.T
        nearest = apart.argmin(axis=1)
        distance = np.sqrt(np.maximum(apart.min(axis=1), 0))
        near = (distance < _DISTANCE[fingerprint]) & part.any(axis=1)
        found[start : start + 256] = np.where(near, nearest, -1)
    if fingerprint == "vectors":
        rows = np.flatnonzero(found >= 0)
        found[rows[by_chance(train, held[rows], found[rows]) > _CHANCE]] = -1
    return found


def by_chance(train: np.ndarray, held: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return how many rows of training would be as near to each of `held` by chance.

    Among few numbers, or long-tailed ones, something is always near. A pair counts for as much as
    its numbers agree better than those of other rows would: each gives the share of the training
    rows that are as near in it, and Fisher's method makes one probability of them. Features of two
    values, as categories have, are equal in a pair; only rows that share them can be near.

    Reference: Fisher 1925, Statistical Methods for Research Workers, section 21.1.

    Args:
        train: The rows (n, features) of training.
        held: Rows (m, features) that have one near them.
        found: The number of the row of training that is near each of these.
    """
    from scipy.special import gammaincc

    ordered = np.sort(train, axis=0)
    flags = ((train == ordered[0]) | (train == ordered[-1])).all(axis=0)
    _, inverse, counts = np.unique(train[:, flags], axis=0, return_inverse=True, return_counts=True)
    logs, numbers = np.zeros(len(held)), np.flatnonzero(~flags)
    for feature in numbers:
        logs -= np.log(_shares(ordered[:, feature], held[:, feature], train[found, feature]))
    chance = gammaincc(len(numbers), logs) if len(numbers) else np.ones(len(held))
    return counts[inverse.ravel()[found]] * chance


def _shares(ordered: np.ndarray, values: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the share of the sorted numbers that lie as near to each of `values` as `near`."""
    apart, most = np.abs(values - near), len(ordered) - 1
    first = np.searchsorted(ordered, values - apart, "left")
    counted = np.searchsorted(ordered, values + apart, "right") - first
    # Nearer than neighbours are to each other, a count says too little: the 10 around it say how
    # many there are to a distance.
    place = np.searchsorted(ordered, values)
    low, high = np.clip(place - 5, 0, most), np.clip(place + 5, 0, most)
    span = ordered[high] - ordered[low]
    dense = (apart > 0) & (span > 0)
    spread = np.where(dense, 2 * apart * (high - low) / np.where(dense, span, 1), counted)
    return np.clip(np.minimum(counted, spread) / len(ordered), 1e-12, 1.0)


def _vectors(raw: Any, view: View) -> np.ndarray:
    from dlkit.data.core.pipeline import preprocess_arrays

    ready = preprocess_arrays(raw, view.data.preprocessing) if view.data.preprocessing else raw
    return np.asarray(ready, np.float64).reshape(len(ready), -1)


def _thumbnails(raw: np.ndarray, view: View) -> np.ndarray:
    """Return thumbnails of mean 0 and deviation 1; a picture of one colour is all zeros."""
    import tensorflow as tf

    parts = []
    for start in range(0, len(raw), 256):
        images = raw[start : start + 256].astype(np.float32)
        grey = images if images.ndim == 3 else images.mean(axis=-1)
        small = tf.image.resize(grey[..., np.newaxis], (_THUMBNAIL, _THUMBNAIL), antialias=True)
        parts.append(small.numpy().reshape(len(images), -1))
    flat = np.concatenate(parts).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    deviation = flat.std(axis=1, keepdims=True)
    return np.where(deviation > 1e-3, flat / np.maximum(deviation, 1e-3), 0.0)


def _minhashes(raw: np.ndarray, view: View) -> np.ndarray:
    """Return the smallest of each of 64 hashes over a text's groups of words."""
    random = np.random.default_rng(0)
    factors, offsets = random.integers(1, _PRIME, (2, _HASHES, 1), dtype=np.int64)
    found = np.empty((len(raw), _HASHES), np.int64)
    for row, text in enumerate(raw):
        hashes = _shingles(text.decode(errors="replace") if isinstance(text, bytes) else str(text))
        found[row] = ((factors * hashes + offsets) % _PRIME).min(axis=1)
    return found


def _shingles(text: str) -> np.ndarray:
    """Return a hash of each group of words, without case and punctuation."""
    words = re.findall(r"\w+", text.casefold())
    ends = range(max(len(words) - _SHINGLE, 0) + 1)
    texts = {" ".join(words[i : i + _SHINGLE]) for i in ends}
    # 31 bits, so that the product stays within 64.
    return np.array([zlib.crc32(t.encode()) & 0x7FFFFFFF for t in texts], np.int64)


def _agreeing(train: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return for each row of hashes that of training with which most agree, or -1."""
    found = np.full(len(held), -1)
    for row, hashes in enumerate(held):
        agreement = (train == hashes).mean(axis=1)
        nearest = agreement.argmax()
        found[row] = nearest if agreement[nearest] >= _AGREEMENT else -1
    return found
