"""Training examples far from the others, found by their raw numbers and left out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.argument_validation import check_choice, check_integer, is_number
from dlkit.data.core.kinds import KINDS, find_kind
from dlkit.data.core.splits import known_origin
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import AnyRecord, Origin, Record

# How far is too far, where the user does not say.
THRESHOLDS = {"iqr": 1.5, "z_score": 3.0, "isolation_forest": None}


def without_outliers(data: AnyRecord, method: str, threshold: float | None, seed: int) -> AnyRecord:
    """Return what `Data.without_outliers` tells."""
    origin = known_origin(data, "without_outliers")
    check_choice("method", method, THRESHOLDS)
    check_integer("seed", seed, minimum=0)
    if not find_kind(data.kind).outliers:
        known = " or ".join(kind.name for kind in KINDS.values() if kind.outliers)
        raise InputError(
            f"without_outliers needs inputs of kind {known}. Received:"
            f" kind='{data.kind}' in '{data.name}'."
        )
    threshold = _threshold(method, threshold)
    train = origin.split.train
    values = raw_numbers(origin.raw(train), data)
    if method == "isolation_forest" or threshold is None:
        outside = _isolated(values, threshold, seed)
    else:
        outside = _outside(values, method, threshold)
    _check_left(origin, data.name, train[~outside], method, threshold)
    gone = np.unique(train[outside])
    print(f"Left out {len(gone)} of {len(np.unique(train))} training examples{_listed(gone)}")
    return origin.remake(dataclasses.replace(origin.split, train=train[~outside]))


def _threshold(method: str, threshold: float | None) -> float | None:
    if threshold is None:
        return THRESHOLDS[method]
    number = is_number(threshold)
    share = method == "isolation_forest"
    if not number or not threshold > 0 or (share and threshold > 0.5):
        limit = "a share in (0, 0.5]" if share else "a number above 0"
        raise InputError(
            f"The threshold of '{method}' must be {limit}. Received: threshold={threshold!r}."
        )
    return float(threshold)


def raw_numbers(raw: Any, data: Record) -> np.ndarray:
    """Return the numbers of raw inputs as `(n, values of one feature, features)`.

    Raises:
        InputError: for a table of texts alone.
    """
    if isinstance(raw, dict):
        columns = [values for values in raw.values() if values.dtype.kind in "iuf"]
        if not columns:
            raise InputError(
                f"without_outliers needs numbers, and the columns of '{data.name}' are all texts:"
                f" {', '.join(raw)}."
            )
        raw = np.stack(columns, axis=-1)
    return np.asarray(raw, np.float64).reshape(len(raw), -1, raw.shape[-1])


def _outside(values: np.ndarray, method: str, threshold: float) -> np.ndarray:
    """Return which examples have a value too far from the middle of its feature."""
    axes = (0, 1)
    if method == "iqr":
        low, high = np.nanquantile(values, (0.25, 0.75), axis=axes)
        spread = high - low
        reach = threshold * spread
    else:
        low = high = np.nanmean(values, axis=axes)
        spread = np.nanstd(values, axis=axes)
        reach = threshold * spread
    # Where most values are the same, as zeros, any other would be far from them.
    reach = np.where(spread > 0, reach, np.inf)
    # A missing value compares as false: it is no outlier.
    return ((values < low - reach) | (values > high + reach)).any(axis=(1, 2))


def _isolated(values: np.ndarray, threshold: float | None, seed: int) -> np.ndarray:
    from sklearn.ensemble import IsolationForest

    flat = values.reshape(len(values), -1)
    filled = np.where(np.isnan(flat), np.nanmedian(flat, axis=0), flat)
    share = "auto" if threshold is None else threshold
    forest = IsolationForest(contamination=share, random_state=seed)
    return forest.fit_predict(filled) == -1


def _check_left(
    origin: Origin, name: str, rows: np.ndarray, method: str, threshold: float | None
) -> None:
    told = f"'{method}'" + ("" if threshold is None else f" with threshold={threshold:g}")
    if not len(rows):
        raise InputError(
            f"{told} would leave out every training example of '{name}'; give a greater threshold."
        )
    targets = origin.targets
    if targets is None or targets.task not in ("binary", "multiclass"):
        return
    lost = np.setdiff1d(targets.values[origin.split.train], targets.values[rows])
    if len(lost):
        raise InputError(
            f"{told} would leave out every training example of the class"
            f" '{targets.names[lost[0]]}'; give another threshold or method."
        )


def _listed(rows: np.ndarray) -> str:
    """Return the first few row numbers, in brackets."""
    if not len(rows):
        return "."
    more = ", ..." if len(rows) > 10 else ""
    return f" (rows {', '.join(map(str, rows[:10]))}{more})."
