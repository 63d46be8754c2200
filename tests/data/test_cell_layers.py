"""Columns that are called as layers are."""

import keras
import numpy as np

from dlkit.data.cell_layers import named_inputs


def test_a_column_may_be_called_as_any_layer():
    """As many as there are, and whatever number Keras is at."""
    layers = [name.lower() for name in dir(keras.layers) if name[0].isupper()]
    names = [f"{name}{end}" for name in layers for end in ("", "_1", "_2")] + [
        "features",
        "a/b",
        "a_b",
    ]
    inputs = {name: keras.Input(()) for name in names}
    total = keras.layers.Add()(list(inputs.values()))
    model = named_inputs(inputs, keras.layers.Rescaling(2.0)(total), "sum")
    rows = {name: np.float32([place]) for place, name in enumerate(names)}
    assert float(model(rows)[0]) == 2 * sum(range(len(names)))
