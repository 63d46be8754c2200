"""Large numbers that differ little: 7 digits of float32 may not tell them apart.

Time stamps in milliseconds and measurements on a large base lose their differences before they can
be scaled. Raw inputs of such columns stay float64, in training and in an export, until their mean
is taken away. What a network itself gets or gives is float32, and `Data.check` says so.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

# How far rounding may move a value, in deviations of its column; and how far apart values are, in
# parts of the largest, that differ by more than the rounding of whatever computed them.
_NOTICEABLE, _DIFFERENT = 1e-4, 1e-12


def narrowed(values: np.ndarray) -> np.ndarray:
    """Return floats (n, ...) as float32, or as float64 where that rounds away what they differ by.

    Other values stay as they are.

    Example:
        >>> narrowed(np.array([1.5e12, 1.5e12 + 60_000])).dtype, narrowed(np.zeros(3)).dtype
        (dtype('float64'), dtype('float32'))
    """
    if values.dtype.kind != "f":
        return values
    return values.astype(np.float64 if len(lossy(values)) else np.float32, copy=False)


def lossy(values: np.ndarray) -> list[int]:
    """Return which columns of numbers (n,) or (n, ..., columns) float32 would round noticeably."""
    if values.dtype == np.float32 or values.dtype.itemsize < 4:
        return []
    columns = values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)
    return [place for place, column in enumerate(columns.T) if _is_lossy(column)]


def _is_lossy(column: np.ndarray) -> bool:
    known = column[np.isfinite(column)].astype(np.float64)
    if not len(known) or np.ptp(known) <= _DIFFERENT * np.abs(known).max():
        return False
    with np.errstate(over="ignore"):
        moved = np.abs(known - known.astype(np.float32)).max()
    return bool(moved > _NOTICEABLE * known.std())


def centred(values: keras.KerasTensor, base: np.ndarray) -> Any:
    """Return values (B, ..., columns) less `base`, which float32 must hold exactly, as float32."""
    wide = values.dtype == "float64"
    layer = keras.layers.Normalization(
        axis=-1,
        mean=base.tolist(),
        variance=np.ones_like(base).tolist(),
        dtype="float64" if wide else None,
    )
    return keras.ops.cast(layer(values), "float32") if wide else layer(values)


def standardised(values: keras.KerasTensor, mean: np.ndarray, variance: np.ndarray) -> Any:
    """Return values (B, ..., columns) with mean 0 and variance 1.

    Args:
        values: The raw values; float64 ones become float32 once the mean is taken away.
        mean: Of each column.
        variance: Of each column; a constant, of variance 0, carries nothing and becomes 0.
    """
    mean, variance = np.atleast_1d(mean), np.atleast_1d(variance)
    if values.dtype == "float64":
        base = mean.astype(np.float32).astype(np.float64)  # as Keras's layer holds a mean
        values, mean = centred(values, base), mean - base
    variance = np.square(deviation(variance))
    layer = keras.layers.Normalization(axis=-1, mean=mean.tolist(), variance=variance.tolist())
    return layer(values)


def deviation(variance: np.ndarray) -> np.ndarray:
    """Return what `standardised` divides by: roots of the variances, and 1 for a constant.

    Example:
        >>> deviation(np.array([9.0, 0.0]))
        array([3., 1.])
    """
    roots = np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.maximum(roots, keras.config.epsilon())  # as Keras's layer does
