"""Columns of a table as the inputs of a Keras model, whatever they are called."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras


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
