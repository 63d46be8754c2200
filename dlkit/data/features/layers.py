"""The preprocessing of a table: one Keras model from raw columns to a vector of floats.

    numeric   -> minus the median, missing = 0 -> standardised          [+ 1 where it was missing]
    boolean   -> 1 or 0 -> standardised
    date      -> year, day, hour as numbers; month and weekday one-hot
    category  -> index in the training vocabulary -> one-hot
    hash      -> one of n bins -> one-hot
    cross     -> one of n bins for each combination -> one-hot

All but the reading of dates are Keras's own layers. Everything is learned from training rows alone.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from dlkit.data.core import precision
from dlkit.data.core.record import Column
from dlkit.data.files.cell_layers import named_inputs
from dlkit.data.files.dates import PARTS, DateParts
from dlkit.data.files.table_styles import Style

# A value that occurs once teaches nothing of itself: such values are learned together.
_MIN_COUNT = 2
_UNKNOWN = "[UNK]"  # StringLookup's own word, which no vocabulary may hold
_CROSS_BUCKETS = 10
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclasses.dataclass
class _Features:
    """The parts of the vector, in their order, and what is known of the columns on the way."""

    blocks: list[Any] = dataclasses.field(default_factory=list)
    names: list[str] = dataclasses.field(default_factory=list)
    columns: list[Any] = dataclasses.field(default_factory=list)  # that each of them is of
    codes: dict[str, Any] = dataclasses.field(default_factory=dict)  # column -> (B,) whole numbers

    def add(self, block: Any, names: Sequence[str], columns: Sequence[Any]) -> None:
        """Append a block (B, len(names)), and the column of each of its features."""
        self.blocks.append(block)
        self.names.extend(names)
        self.columns.extend(columns)


class _Number(NamedTuple):
    """A number for each row: its name, the column that it is of, and whether gaps are shown."""

    name: str
    column: str
    tensor: Any
    values: np.ndarray  # of the training rows
    shows_gaps: bool


def build(
    columns: Sequence[Column],
    train: Mapping[str, np.ndarray],
    style: Style,
    *,
    crosses: Sequence[Sequence[str]],
    hash_bins: int,
) -> tuple[keras.Model, tuple[str, ...], tuple[int, ...]]:
    """Return the preprocessing model, and the name and the column of each feature that it gives.

    Args:
        columns: The columns, dropped ones included.
        train: The raw values of the training rows.
        style: How a client may write dates and missing values.
        crosses: Columns whose combinations are features.
        hash_bins: Bins of each hashed column and of each cross.

    Returns:
        A model that takes a dict of raw columns, each (B,), and gives (B, features); the names; and
        which column each is of, counted from 0 in the order of the features.
    """
    kept = [column for column in columns if column.kind != "drop"]
    inputs = {c.name: _input(c, train[c.name], f"column_{i}") for i, c in enumerate(kept)}
    features = _Features()
    numbers = [
        _Number(c.name, c.name, inputs[c.name], train[c.name], True)
        for c in kept
        if c.kind in ("numeric", "boolean")
    ]
    parts = {}
    for column in kept:
        if column.kind == "date":
            reader = DateParts(column.name, style.dayfirst, style.na_values)
            parts[column.name] = reader(inputs[column.name])
            numbers.extend(_date_numbers(column.name, parts[column.name], train, reader))
    crossed = {name for cross in crosses for name in cross}
    if numbers:
        _add_numbers(features, numbers, crossed)
    for name, tensor in parts.items():
        _add_date(features, name, tensor)
    for column in kept:
        if column.kind in ("category", "hash"):
            arguments = (features, column.name, inputs[column.name], train[column.name])
            if column.kind == "category":
                _add_category(*arguments, style.na_values)
            else:
                _add_hash(*arguments, style.na_values, hash_bins)
    for cross in crosses:
        _add_cross(features, cross, hash_bins)
    vector = keras.layers.Concatenate()(features.blocks)
    places = {column: place for place, column in enumerate(dict.fromkeys(features.columns))}
    columns_of = tuple(places[column] for column in features.columns)
    return named_inputs(inputs, vector, "preprocessing"), tuple(features.names), columns_of


def _input(column: Column, values: np.ndarray, name: str) -> keras.KerasTensor:
    dtype = values.dtype.name if column.kind in ("numeric", "boolean") else "string"
    return keras.Input((), dtype=dtype, name=name)


def _add_numbers(
    features: _Features,
    numbers: Sequence[_Number],
    crossed: set[str],
) -> None:
    """Append numbers: imputed with the median, standardised, and where they were missing.

    Moved by the median, a missing number is 0: Keras's layers can impute without knowing a value.
    """
    names, columns, tensors, values, shown = zip(*numbers, strict=True)
    dtype = np.result_type(np.float32, *values).name  # float64 where a column needs it
    rows = np.stack(values, axis=-1).astype(np.float64)  # (rows, numbers)
    # As the layer will hold it: the mean of what is left is then exact, far from 0 as well.
    median = np.nanmedian(rows, axis=0).astype(np.float32).astype(np.float64)
    moved = np.nan_to_num(rows - median)
    x = keras.ops.stack([keras.ops.cast(tensor, dtype) for tensor in tensors], axis=-1)  # (B, n)
    missing = keras.ops.cast(keras.ops.isnan(x), "float32")
    x = keras.ops.nan_to_num(precision.centred(x, median))
    features.add(precision.standardised(x, moved.mean(axis=0), moved.var(axis=0)), names, columns)
    gaps = [i for i in np.flatnonzero(np.isnan(rows).any(axis=0)) if shown[i]]
    if gaps:
        places = [int(i) for i in gaps]
        told = [f"{names[i]} missing" for i in gaps]
        features.add(_take(missing, places), told, [columns[i] for i in gaps])
    for i, name in enumerate(names):
        if name in crossed:
            edges = _edges(moved[:, i]).tolist()
            features.codes[name] = keras.layers.Discretization(bin_boundaries=edges)(x[:, i])


def _edges(values: np.ndarray) -> np.ndarray:
    """Return what divides values into tenths of the rows or, where they are few, from each other.

    A tenth would swallow a rare one, as most booleans have it.
    """
    different = np.unique(values)
    if len(different) <= _CROSS_BUCKETS:
        return (different[1:] + different[:-1]) / 2
    return np.unique(np.quantile(values, np.arange(1, _CROSS_BUCKETS) / _CROSS_BUCKETS))


def _take(x: Any, columns: Sequence[int]) -> Any:
    """Return some columns of `x` (B, n)."""
    return keras.ops.take(x, list(columns), axis=-1)


def _date_numbers(
    name: str, parts: Any, train: Mapping[str, np.ndarray], reader: DateParts
) -> list[_Number]:
    """Return year, day and, where there are times, hour as numbers to be standardised."""
    learned = reader(keras.ops.convert_to_tensor(train[name].tolist())).numpy()
    kept = ["year", "day"] + ["hour"] * bool(np.nan_to_num(learned[:, PARTS.index("hour")]).any())
    read = [(part, PARTS.index(part)) for part in kept]
    return [
        _Number(f"{name} {part}", name, parts[:, at], learned[:, at], part == "year")
        for part, at in read
    ]


def _add_date(features: _Features, name: str, parts: Any) -> None:
    for part, first, labels in (("month", 1, _MONTHS), ("weekday", 0, _WEEKDAYS)):
        # -1, for a missing date, is no class: zeros throughout.
        number = keras.ops.nan_to_num(parts[:, PARTS.index(part)] - first, nan=-1.0)
        one_hot = keras.ops.one_hot(keras.ops.cast(number, "int32"), len(labels))
        features.add(one_hot, [f"{name} {part}={label}" for label in labels], [name] * len(labels))


def _add_category(
    features: _Features, name: str, texts: Any, values: np.ndarray, na_values: Collection[str]
) -> None:
    """Append a category: one column a value, one for rare values, one for missing ones.

    What training never showed (a missing or an unknown value) has no column, since nothing could
    be learned for it: zeros throughout.
    """
    counts = collections.Counter(values.tolist())
    gaps = counts.pop("", 0)
    words = sorted(w for w, count in counts.items() if count >= _MIN_COUNT and w != _UNKNOWN)
    known = len(words) + 2  # 0 is missing, 1 is unknown
    missing = [text for text in na_values if text not in ("", _UNKNOWN, *words)]
    lookup = keras.layers.StringLookup(vocabulary=[*words, *missing], mask_token="")
    index = lookup(texts)
    index = keras.ops.where(index < known, index, 0)
    features.codes[name] = index
    one_hot = keras.layers.CategoryEncoding(num_tokens=known, output_mode="one_hot")(index)
    shown = [bool(gaps), len(words) < len(counts), *[True] * len(words)]
    labels = [f"{name} missing", f"{name} other", *(f"{name}={word}" for word in words)]
    places = [place for place in range(known) if shown[place]]
    told = [labels[place] for place in places]
    features.add(_take(one_hot, places), told, [name] * len(told))


def _add_hash(
    features: _Features,
    name: str,
    texts: Any,
    values: np.ndarray,
    na_values: Collection[str],
    bins: int,
) -> None:
    """Append a column of many values: one of `bins`, of which the first is for missing ones."""
    missing = [text for text in na_values if text]
    lookup = keras.layers.StringLookup(vocabulary=missing, mask_token="") if missing else None
    index = keras.layers.Hashing(bins, mask_value="")(texts)
    if lookup is not None:
        index = keras.ops.where(lookup(texts) < 2, index, 0)
    features.codes[name] = index
    one_hot = keras.layers.CategoryEncoding(num_tokens=bins, output_mode="one_hot")(index)
    names = [f"{name} missing", *(f"{name} #{i}" for i in range(1, bins))]
    features.add(one_hot, names, [name] * bins)


def _add_cross(features: _Features, cross: Sequence[str], bins: int) -> None:
    codes = tuple(features.codes[name] for name in cross)
    one_hot = keras.layers.HashedCrossing(bins, output_mode="one_hot")(codes)
    label = " x ".join(cross)
    # A column of its own, whatever the others are named.
    features.add(one_hot, [f"{label} #{i}" for i in range(bins)], [tuple(cross)] * bins)
