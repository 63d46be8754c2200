"""The cells of a table as texts, as they stand in a file, to the raw input of a model.

    texts by column -> [blanks stripped; numbers and booleans read, NaN for a gap] -> raw input

An export offers it as the signature `cells`, since plain JSON has no word for a missing number.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.files.table_styles import Style, number_pattern

_TRUE, _FALSE = "True|TRUE|true", "False|FALSE|false"


@keras.saving.register_keras_serializable(package="dlkit")
class CellNumbers(keras.layers.Layer):
    """Texts (B, ...) of each column -> float64 (B, ..., columns), read as from a CSV file.

    Keras has no layer that reads numbers. Booleans are 1 and 0. A text that is neither that nor a
    number nor one of `na_values` is an error that names its column.

    Args:
        columns: The columns' names, along the last axis.
        na_values: Texts for which NaN is given.
        decimal: What stands before the decimals; no number is read where it is empty. Defaults to
            ".".
        thousands: What stands between groups of digits, if anything. Defaults to None.
    """

    def __init__(
        self,
        columns: Sequence[str],
        na_values: Collection[str],
        decimal: str = ".",
        thousands: str | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.columns, self.na_values = list(columns), list(na_values)
        self.decimal, self.thousands = decimal, thousands

    def call(self, cells: Sequence[Any]) -> tf.Tensor:
        """Return the numbers in texts (B, ...) of each column."""
        texts = tf.strings.strip(tf.stack(cells, axis=-1))
        missing = tf.zeros_like(texts, tf.bool)
        for text in self.na_values:
            missing |= texts == text
        known = f"{_TRUE}|{_FALSE}"
        if self.decimal:
            known += f"|{number_pattern(self.decimal, self.thousands).pattern}"
        wrong = ~(tf.strings.regex_full_match(texts, known) | missing)
        names = tf.gather(tf.constant(self.columns), tf.where(wrong)[:1, -1])
        given = tf.boolean_mask(texts, wrong)[:1]
        takes = (
            " takes numbers as text. Received: " if self.decimal else " takes true or false, not "
        )
        told = tf.strings.join(["Column ", names, takes, given])
        with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(wrong), [told])]):
            plain = tf.where(missing, "nan", texts)
        for words, number in ((_TRUE, "1"), (_FALSE, "0")):
            plain = tf.strings.regex_replace(plain, f"^(?:{words})$", number)
        for mark, point in ((self.thousands, ""), (self.decimal, ".")):
            plain = tf.strings.regex_replace(plain, re.escape(mark), point) if mark else plain
        return tf.strings.to_number(plain, tf.float64)

    def compute_output_spec(self, cells: Sequence[Any]) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((*cells[0].shape, len(cells)), dtype="float64")

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        names = ("columns", "na_values", "decimal", "thousands")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="dlkit")
class CellTexts(keras.layers.Layer):
    """Texts (B,) -> the same without blanks around them, as a CSV file is read."""

    def call(self, cells: Any) -> tf.Tensor:
        """Return the texts."""
        return tf.strings.strip(cells)

    def compute_output_spec(self, cells: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor(cells.shape, dtype="string")


def table_cells(examples: Mapping[str, np.ndarray], style: Style) -> keras.Model:
    """Return a model from the cells of a table to its raw columns, both by name.

    Args:
        examples: The raw columns: floats, booleans or texts.
        style: How the cells are written.
    """
    cells = {name: _cell(place, ()) for place, name in enumerate(examples)}
    kinds = {name: values.dtype.kind for name, values in examples.items()}
    raw = {name: CellTexts()(cells[name]) for name in cells if kinds[name] == "O"}
    marks = {"f": style.decimal, "b": ""}  # booleans are written without any
    for kind, decimal in marks.items():
        if names := [name for name in cells if kinds[name] == kind]:
            missing = ["", *style.na_values] if decimal else []
            thousands = style.thousands if decimal else None
            read = CellNumbers(names, missing, decimal, thousands)([cells[n] for n in names])
            for place, name in enumerate(names):
                raw[name] = keras.ops.cast(read[:, place], examples[name].dtype.name)
    return named_inputs(cells, raw, "cells")


def series_cells(names: Sequence[str], window: int, dtype: str) -> keras.Model:
    """Return a model from texts (B, window) of each variable to windows (B, window, variables).

    Args:
        names: The variables.
        window: Steps of the past.
        dtype: That of the windows.
    """
    cells = {name: _cell(place, (window,)) for place, name in enumerate(names)}
    windows = keras.ops.cast(CellNumbers(names, ())(list(cells.values())), dtype)
    return named_inputs(cells, windows, "cells")


def named_inputs(columns: Mapping[str, Any], outputs: Any, name: str) -> keras.Model:
    """Return a model from columns by name, whatever their names are.

    A column may be called as a layer, which Keras lets no input of the same model be. Beside its
    inputs, this one has a single layer: what comes between `columns` and `outputs`.

    Args:
        columns: Column -> its `keras.Input`, whose own name does not matter.
        outputs: What is made of them.
        name: The model's name.
    """
    inputs, taken = {}, set(columns)
    for column, given in columns.items():
        # Keras wants no / in a name.
        free = _free(column.replace("/", "_"), taken) if "/" in column else column
        inputs[column] = keras.Input(given.shape[1:], dtype=given.dtype, name=free)
    inner = keras.Model(list(columns.values()), outputs, name=_free("features", taken))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "When providing `inputs` as a dict")
        return keras.Model(inputs, inner(list(inputs.values())), name=name)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _cell(place: int, shape: tuple[int, ...]) -> keras.KerasTensor:
    return keras.Input(shape, dtype="string", name=f"column_{place}")
