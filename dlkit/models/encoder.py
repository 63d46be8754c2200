"""The encoder's block of transformers, for patches of images and of series.

encoder block: x -> norm -> attention ---- + x -> norm -> dense gelu dense ---- + x

References: Vaswani et al. 2017, arXiv:1706.03762; with the normalization first, Dosovitskiy et al.
2020, arXiv:2010.11929.
"""

from typing import Any

from keras import layers

from dlkit.argument_validation import check_fraction
from dlkit.layers import StochasticDepth
from dlkit.models import blocks

EPSILON = 1e-6  # what the paper's layer normalization adds to a variance


def encoder_block(
    x: Any,
    *,
    num_heads: int,
    mlp_dim: int,
    activation: str = "gelu",
    stochastic_depth: float = 0.0,
    dropout: float = 0.0,
) -> Any:
    """Let each token attend to all, then change each by itself; both are added to it.

    Args:
        x: Tokens (batch, tokens, units).
        num_heads: Heads of the attention, which divide the units among them.
        mlp_dim: Width of the dense layer inside.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"gelu"`.
        stochastic_depth: Share of the examples that skip each of the two, in [0, 1).
            Defaults to 0.0.
        dropout: Share of what is dropped in training, in [0, 1). Defaults to 0.0.

    Returns:
        Tokens of the same shape.

    Raises:
        InputError: for a choice or a value that cannot be used.

    Example:
        >>> encoder_block(layers.Input((49, 8)), num_heads=2, mlp_dim=16).shape
        (None, 49, 8)
    """
    units = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON)(x)
    drops = check_fraction("dropout", dropout)
    y = layers.MultiHeadAttention(num_heads, units // num_heads, dropout=drops)(y, y)
    x = _add(x, blocks.drop(y, dropout), stochastic_depth)
    y = layers.LayerNormalization(epsilon=EPSILON)(x)
    y = blocks.dense(y, mlp_dim, activation=activation, dropout=dropout)
    y = blocks.dense(y, units, activation="linear", dropout=dropout)
    return _add(x, y, stochastic_depth)


def _add(x: Any, branch: Any, rate: float) -> Any:
    return layers.Add()([x, StochasticDepth(rate)(branch) if rate else branch])
