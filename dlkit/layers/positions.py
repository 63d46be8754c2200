"""Where a token stands, told by waves: added to its vector, or turned into its queries and keys.

    SinusoidalPositions:  tokens -> tokens + sin and cos of their places
    rotate:               pairs of numbers, as arrows, each turned by its place times its own speed

References: Vaswani et al. 2017, arXiv:1706.03762, section 3.5; Su et al. 2021, arXiv:2104.09864.
"""

from typing import Any

import keras
from keras import ops

_LONGEST = 10_000.0  # of the wave lengths, in places and divided by 2 pi


def places(x: Any, padding_mask: Any = None) -> Any:
    """Return the number of each token, counted from the first that is no padding.

    Args:
        x: Tokens (batch, tokens, ...).
        padding_mask: True where there is a token, (batch, tokens). Defaults to `None`:
            everywhere.

    Returns:
        Whole numbers (batch, tokens), or (1, tokens) without a mask; 0 for padding in front.

    Example:
        >>> mask = ops.array([[False, True, True, False]])
        >>> print(ops.convert_to_numpy(places(ops.zeros((1, 4, 2)), mask)))
        [[0 0 1 1]]
    """
    if padding_mask is None:
        return ops.expand_dims(ops.arange(ops.shape(x)[1], dtype="int32"), 0)
    return ops.maximum(ops.cumsum(ops.cast(padding_mask, "int32"), axis=1) - 1, 0)


def angles(positions: Any, units: int) -> Any:
    """Return by how much each of `units // 2` waves has turned at each place.

    Args:
        positions: Whole numbers (batch, tokens).
        units: Twice the number of waves; their lengths grow from 2 pi to nearly 20,000 pi places.

    Returns:
        A float32 tensor (batch, tokens, units // 2), in radians.

    Example:
        >>> angles(ops.array([[0, 3]]), 4).shape[-1]
        2
    """
    speeds = _LONGEST ** (-ops.arange(0, units, 2, dtype="float32") / units)
    return ops.expand_dims(ops.cast(positions, "float32"), -1) * speeds


def rotate(x: Any, positions: Any) -> Any:
    """Turn queries or keys by their places, so that their products know how far apart they are.

    The first half of a vector's numbers are the x, the second half the y of its arrows.

    Reference:
        Su et al. 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding,
        arXiv:2104.09864.

    Args:
        x: A tensor (batch, tokens, heads, units) with an even number of units.
        positions: Whole numbers (batch, tokens) or (1, tokens).

    Returns:
        A tensor of the same shape and type.

    Example:
        >>> rotate(ops.ones((2, 5, 1, 4)), ops.array([[0, 1, 2, 3, 4]])).shape[-1]
        4
    """
    units = x.shape[-1]
    turned = ops.expand_dims(angles(positions, units), 2)  # (B, T, 1, units / 2)
    cos, sin = (ops.cast(wave(turned), x.dtype) for wave in (ops.cos, ops.sin))
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


@keras.saving.register_keras_serializable(package="dlkit")
class SinusoidalPositions(keras.layers.Layer):
    """Add sines and cosines of its place to each token: any length, and nothing to learn.

    Reference:
        Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762, section 3.5; sines come
        first here, cosines behind them, which a dense layer cannot tell from the paper's turns.

    Args:
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, tokens, units), and if some are padding a `padding_mask` (batch, tokens).

    Output shape:
        (batch, tokens, units)

    Example:
        >>> SinusoidalPositions()(keras.Input((None, 8))).shape
        (None, None, 8)
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: Any, padding_mask: Any = None) -> Any:
        """Return the tokens with their places."""
        return self.add(inputs, places(inputs, padding_mask))

    def add(self, inputs: Any, positions: Any) -> Any:
        """Return tokens with places that are given.

        Args:
            inputs: A tensor (batch, tokens, units).
            positions: Whole numbers (batch, tokens) or (1, tokens).
        """
        units = inputs.shape[-1]
        turned = angles(positions, units + units % 2)
        waves = ops.concatenate([ops.sin(turned), ops.cos(turned)], axis=-1)[..., :units]
        return inputs + ops.cast(waves, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape
