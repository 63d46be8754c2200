"""Wide and deep: a linear model that remembers, beside a network that generalises.

    wide: all features -> linear ------------------------------------------------+ sum
    deep: numbers -> piecewise linear embeddings, categories -> embeddings       |
          -> all side by side -> [dense -> activation -> dropout] x n -> linear -+-> predictions

Both are trained together. Combinations of columns, which the wide part remembers as they are, come
from the data: `crosses=[("age", "occupation")]` of `dk.data.from_csv`.

Reference: Cheng et al. 2016, Wide & Deep Learning for Recommender Systems, arXiv:1606.07792. Its
wide part has an optimizer of its own (FTRL, with L1); here one optimizer trains both. Its numbers
go into the deep part by their quantiles; here each has a vector that bends at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from dlkit.models import blocks
from dlkit.models.table.features import embed_columns


def wide_and_deep(
    inputs: Any,
    num_classes: int,
    task: str,
    *,
    bin_edges: Sequence[Sequence[float]],
    feature_columns: Sequence[int],
    units: Sequence[int],
    embedding_dim: int,
    activation: str,
    dropout: float,
) -> keras.Model:
    """Return the network from features to predictions.

    Args:
        inputs: A Keras input (batch, features).
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        bin_edges: The edges of each feature's bins, or none.
        feature_columns: Which column each feature is of.
        units: Width of each hidden layer.
        embedding_dim: Length of a column's vector.
        activation: One of `blocks.ACTIVATIONS`.
        dropout: Share of each hidden layer set to 0 in training, in [0, 1).
    """
    x = embed_columns(inputs, bin_edges, feature_columns, embedding_dim)  # (B, F) -> (B, C, d)
    x = blocks.flatten(x)  # -> (B, C * d)
    for width in blocks.check_sizes("units", units):
        x = blocks.dense(x, width, activation=activation, dropout=dropout)
    outputs = 1 if task == "binary" else num_classes
    # In float32, as the last layer of every network here.
    deep = layers.Dense(outputs, use_bias=False, dtype="float32", name="deep")(x)
    wide = layers.Dense(outputs, kernel_initializer="zeros", dtype="float32", name="wide")(inputs)
    x = layers.Add(dtype="float32", name="sum")([wide, deep])
    activation = blocks.output_activation(task)
    predictions = layers.Activation(activation, dtype="float32", name="predictions")(x)
    return keras.Model(inputs, predictions, name="tabular")
