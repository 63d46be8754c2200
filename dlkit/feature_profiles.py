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

from dlkit.column_values import NA_VALUES

# Inputs of more values a row than this are told by their mean, spread and range.
_WIDE = 64
_MISSING = tuple(text.encode() for text in NA_VALUES)
_QUANTILES = 101
_BINS = 10
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
            features[name] = _numbers(rows)[:, 0]
        elif rows.shape[1] <= _WIDE:
            numbers = _numbers(rows)
            features |= {f"{name}[{i}]": numbers[:, i] for i in range(rows.shape[1])}
        else:
            numbers = _numbers(rows)
            for what in ("mean", "std", "min", "max"):
                features[f"{name} {what}"] = getattr(numbers, what)(axis=1)
    return features


def _rows(array: np.ndarray) -> np.ndarray:
    # Not -1 for the length of a row, which cannot be told from a batch of none.
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _numbers(rows: np.ndarray) -> np.ndarray:
    """Return the rows as floats; an infinite one is missing, as JSON cannot hold it."""
    numbers = rows.astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _texts(name: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return length and value of texts; a value is told by a checksum where it is long."""
    first = [_encoded(value) for value in rows[:, :1].flat]
    values = [
        text.decode("utf-8", "replace") if len(text) <= 32 else checksum(text) for text in first
    ]
    return {
        f"{name} length": np.array([len(text) for text in first], np.float64),
        f"{name} value": np.array(values, object),
    }


def checksum(text: bytes) -> str:
    """Return what tells a text from others, in eight digits."""
    return f"{zlib.crc32(text):08x}"


def _encoded(value: Any) -> bytes:
    """Return a text's bytes: none where it stands for a missing one, which training has empty."""
    text = value if isinstance(value, bytes) else str(value).encode()
    return b"" if text in _MISSING else text


def prediction_features(outputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the features of a batch of predictions.

    Each number is a feature, and so is each text, as `input_features` has them. Of numbers (rows,
    classes) the class of the largest and its value, the confidence, are features as well. A batch
    cannot tell whether it holds probabilities: its rows may be NaN, or add up to 1 by accident.

    Args:
        outputs: Output name -> array, the rows along the first axis.

    Returns:
        Feature name -> float array (rows,), or array of texts (rows,) with None where one is
        missing.

    Example:
        >>> features = prediction_features({"predictions": np.array([[0.1, 0.9], [0.7, 0.3]])})
        >>> features["predictions class"].tolist(), features["predictions confidence"].tolist()
        (['1', '0'], [0.9, 0.7])
    """
    features = input_features(outputs)
    for name, array in _with_classes(outputs).items():
        known = np.isfinite(array).all(axis=1)
        classes = array.argmax(axis=1).astype(str).astype(object)
        classes[~known] = None
        features[f"{name} class"] = classes
        features[f"{name} confidence"] = np.where(known, _numbers(array).max(axis=1), np.nan)
    return features


def needless_features(outputs: Mapping[str, Any]) -> set[str]:
    """Return the features that a profile of these predictions leaves out.

    Class and confidence say all of probabilities, and nothing of other numbers.
    """
    names: set[str] = set()
    for name, array in _with_classes(outputs).items():
        known = array[np.isfinite(array).all(axis=1)]
        probabilities = (known >= 0).all() and np.allclose(known.sum(axis=1), 1, atol=1e-3)
        of_classes = {f"{name} class", f"{name} confidence"}
        names |= set(input_features({name: array})) if probabilities else of_classes
    return names


def _with_classes(outputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the outputs that may be probabilities of classes, (rows, classes)."""
    arrays = {name: np.asarray(values) for name, values in outputs.items()}
    return {
        name: array
        for name, array in arrays.items()
        if array.dtype.kind == "f" and array.ndim == 2 and array.shape[1] > 1
    }


def profile_features(features: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the distribution of each feature in a form that JSON can hold.

    Args:
        features: Feature name -> array (rows,); NaN is a missing number, None a missing text.

    Returns:
        Feature name -> `rows`, `missing` (their share, in [0, 1]) and, of numbers, `quantiles` (101
        of them, from the least to the largest value) and `below` (the shares of the values up to
        each of `inner_edges(quantiles)`); of texts, `shares` (of the 20 most frequent values and of
        all others, which with `missing` add up to 1), `seen` (checksums of those others) and
        `unseen` (the share of rows to expect of values that are not among these rows).

    Example:
        >>> jobs = np.array(["cook", "cook", "clerk"])
        >>> found = profile_features({"age": np.arange(101.0), "job": jobs})
        >>> found["age"]["quantiles"][50], found["job"]["shares"]["cook"]
        (50.0, 0.6666666666666666)
    """
    return {name: _distribution(np.asarray(values)) for name, values in features.items()}


def _distribution(values: np.ndarray) -> dict[str, Any]:
    if values.dtype.kind in "OSU":
        return _categories([str(value) for value in values if value is not None], len(values))
    known = values[np.isfinite(values)]
    missing = 1 - len(known) / max(len(values), 1)
    points = np.quantile(known, np.linspace(0, 1, _QUANTILES)) if len(known) else np.zeros(0)
    places = np.searchsorted(np.sort(rounded_numbers(known)), inner_edges(points), side="right")
    return {
        "rows": len(values),
        "missing": missing,
        "quantiles": points.tolist(),
        "below": (places / max(len(known), 1)).tolist(),
    }


def _categories(texts: list[str], rows: int) -> dict[str, Any]:
    counts = collections.Counter(texts)
    # A value that is called like the others is one of them.
    rare = {OTHER: counts.pop(OTHER)} if OTHER in counts else {}
    most = dict(counts.most_common(_CATEGORIES))
    rare |= {value: count for value, count in counts.items() if value not in most}
    shares = {value: count / max(rows, 1) for value, count in most.items()}
    return {
        "rows": rows,
        "missing": 1 - len(texts) / max(rows, 1),
        "shares": shares | {OTHER: sum(rare.values()) / max(rows, 1)},
        "seen": sorted(checksum(_encoded(value)) for value in rare),
        # Good 1953, "The population frequencies of species": as much is new as came but once.
        "unseen": sum(count == 1 for count in rare.values()) / max(rows, 1),
    }


def rounded_numbers(values: Any) -> np.ndarray:
    """Return numbers with the 6 digits that a request log has of them.

    Args:
        values: Numbers (n,); NaN stays NaN.

    Example:
        >>> rounded_numbers(np.float64([np.float32(0.7), 1234567.0])).tolist()
        [0.7, 1234570.0]
    """
    return np.array([float(f"{value:.6g}") for value in values], np.float64)


def inner_edges(quantiles: Any) -> np.ndarray:
    """Return the upper edges of the bins in which values are counted; the last bin has none.

    They are the tenths, rounded. A value that many rows share has a bin of its own: one that lies
    next to it, on either side, is another value.

    Args:
        quantiles: Those of the training values, 10 n + 1 of them, or none.
    """
    tenths = rounded_numbers(quantiles[:: max((len(quantiles) - 1) // _BINS, 1)])
    values, times = np.unique(tenths, return_counts=True)
    return np.union1d(tenths[1:-1], np.nextafter(values[times > 1], -np.inf))
