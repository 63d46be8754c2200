"""What inputs and predictions look like, in a few numbers: the common ground of export and server.

    arrays by name -> features (one value a row each) -> a profile, as JSON can hold it

An export keeps the profile of its training data; a server logs the features of what it is asked;
`dlkit monitor` holds one against the other. Features rather than inputs are kept: they are small,
and neither a photo nor a long text can be read from them. Numbers can, and so can short texts and
rows of up to 64 values, as small pictures are: a request log is as private as its requests.
"""

from __future__ import annotations

import collections
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

# Inputs of more values a row than this are told by their mean, spread and range.
_WIDE = 64
_QUANTILES = 101
_CATEGORIES = 20
OTHER = "(other)"


def input_features(inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the features of a batch of raw inputs.

    A number is a feature; so is each of up to 64 numbers of a row. Of longer rows, as of images,
    the mean, the standard deviation, the least and the largest value are. Of a text or the bytes of
    a file, its length is, and whether it is a value that occurs often.

    Args:
        inputs: Input name -> array, the rows along the first axis.

    Returns:
        Feature name -> float array (rows,), or array of texts (rows,).

    Example:
        >>> features = input_features({"image": np.ones((2, 28, 28)), "age": np.array([20, 30])})
        >>> sorted(features)
        ['age', 'image max', 'image mean', 'image min', 'image std']
    """
    features: dict[str, np.ndarray] = {}
    for name, values in inputs.items():
        array = np.asarray(values)
        rows = _rows(array)
        if array.dtype.kind in "OSU":
            features |= _texts(name, rows)
        elif rows.shape[1] == 1:
            features[name] = rows[:, 0].astype(np.float64)
        elif rows.shape[1] <= _WIDE:
            numbers = rows.astype(np.float64)
            features |= {f"{name}[{i}]": numbers[:, i] for i in range(rows.shape[1])}
        else:
            numbers = rows.astype(np.float64)
            for what in ("mean", "std", "min", "max"):
                features[f"{name} {what}"] = getattr(numbers, what)(axis=1)
    return features


def _rows(array: np.ndarray) -> np.ndarray:
    # Not -1 for the length of a row, which cannot be told from a batch of none.
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _texts(name: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return length and value of texts; a value is told by a checksum where it is long."""
    first = [_encoded(value) for value in rows[:, :1].flat]
    values = [
        text.decode("utf-8", "replace") if len(text) <= 32 else f"{zlib.crc32(text):08x}"
        for text in first
    ]
    return {
        f"{name} length": np.array([len(text) for text in first], np.float64),
        f"{name} value": np.array(values, object),
    }


def _encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def prediction_features(outputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the features of a batch of predictions.

    Of probabilities of classes (rows, classes), the class that is predicted and the confidence, its
    probability, are features; of other numbers, each number; of texts, each value.

    Args:
        outputs: Output name -> array, the rows along the first axis.

    Returns:
        Feature name -> float array (rows,), or array of texts (rows,).

    Example:
        >>> features = prediction_features({"predictions": np.array([[0.1, 0.9], [0.7, 0.3]])})
        >>> features["predictions class"].tolist(), features["predictions confidence"].tolist()
        (['1', '0'], [0.9, 0.7])
    """
    features: dict[str, np.ndarray] = {}
    for name, values in outputs.items():
        array = np.asarray(values)
        rows = _rows(array)
        if _is_probabilities(array):
            features[f"{name} class"] = rows.argmax(axis=1).astype(str).astype(object)
            features[f"{name} confidence"] = rows.max(axis=1).astype(np.float64)
        else:
            features |= input_features({name: array})
    return features


def _is_probabilities(array: np.ndarray) -> bool:
    if array.dtype.kind != "f" or array.ndim != 2 or array.shape[1] < 2:
        return False
    return bool((array >= 0).all() and np.allclose(array.sum(axis=1), 1, atol=1e-3))


def profile(features: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the distribution of each feature in a form that JSON can hold.

    Args:
        features: Feature name -> array (rows,); NaN is a missing value.

    Returns:
        Feature name -> `rows`, `missing` (their share, in [0, 1]) and either `quantiles` (101 of
        them, from the least to the largest value) or `shares` (of the 20 most frequent values and
        of all others, which add up to 1).

    Example:
        >>> found = profile({"age": np.arange(101.0), "job": np.array(["cook", "cook", "clerk"])})
        >>> found["age"]["quantiles"][50], found["job"]["shares"]["cook"]
        (50.0, 0.6666666666666666)
    """
    return {name: _distribution(np.asarray(values)) for name, values in features.items()}


def _distribution(values: np.ndarray) -> dict[str, Any]:
    if values.dtype.kind in "OSU":
        return {"rows": len(values), "missing": 0.0, "shares": _shares(values)}
    known = values[~np.isnan(values)]
    missing = 1 - len(known) / max(len(values), 1)
    points = np.quantile(known, np.linspace(0, 1, _QUANTILES)) if len(known) else np.zeros(0)
    return {"rows": len(values), "missing": missing, "quantiles": points.tolist()}


def _shares(values: np.ndarray) -> dict[str, float]:
    counts = collections.Counter(str(value) for value in values)
    most = dict(counts.most_common(_CATEGORIES))
    rest = len(values) - sum(most.values())
    return {name: count / len(values) for name, count in most.items()} | {OTHER: rest / len(values)}
