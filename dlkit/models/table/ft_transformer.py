"""FT-Transformer: a row is a sentence, a token for each column, and attention mixes them.

    each column -> a vector (numbers: piecewise linear in bins) -> class token before them
    -> [encoder block] x depth -> the class token -> norm -> activation -> predictions

Each block looks at all pairs of columns, which makes it the slow one: time and memory grow with the
square of the columns.

Reference: Gorishniy et al. 2021, Revisiting Deep Learning Models for Tabular Data,
arXiv:2106.11959, section 3.3. Its numbers are `x * w + b`; the bins are those of the same authors'
arXiv:2203.05556, and `bin_edges=None` leaves them out. Its blocks end in ReGLU; these are the
project's, with `activation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from dlkit.argument_validation import check_integer
from dlkit.layers import ClassToken
from dlkit.layers.attention import check_heads
from dlkit.models import blocks
from dlkit.models.encoder import EPSILON, encoder_block
from dlkit.models.table.features import embed_columns


def ft_transformer(
    inputs: Any,
    num_classes: int,
    task: str,
    *,
    bin_edges: Sequence[Sequence[float]],
    feature_columns: Sequence[int],
    embedding_dim: int,
    depth: int,
    num_heads: int,
    mlp_ratio: float,
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
        embedding_dim: Length of a column's vector.
        depth: Encoder blocks.
        num_heads: Heads of each attention, which divide `embedding_dim` among them.
        mlp_ratio: Width of the dense layer inside a block, in `embedding_dim`.
        activation: One of `blocks.ACTIVATIONS`.
        dropout: Share of what is dropped in training, in [0, 1).
    """
    check_integer("embedding_dim", embedding_dim)
    block: dict[str, Any] = {
        "num_heads": check_heads(num_heads, embedding_dim, "embedding_dim"),
        "mlp_dim": blocks.mlp_dim(mlp_ratio, embedding_dim),
        "activation": activation,
        "dropout": dropout,
    }
    x = embed_columns(inputs, bin_edges, feature_columns, embedding_dim)  # (B, F) -> (B, C, d)
    x = ClassToken()(x)  # -> (B, 1 + C, d)
    for _ in range(check_integer("depth", depth)):
        x = encoder_block(x, **block)
    x = layers.LayerNormalization(epsilon=EPSILON)(x[:, 0])  # (B, 1 + C, d) -> (B, d)
    outputs = blocks.head(blocks.activate(x, activation), num_classes, task)
    return keras.Model(inputs, outputs, name="tabular")
