"""Reversible instance normalization: a forecast without level and spread, which get them back.

    normalized = (x - offset) / scale        of each window and channel by itself
    forecast   = f(normalized) * scale + offset

The paper's symbols: `gamma` and `beta` are learned, one a channel, and stand inside `scale` and
`offset`, with the window's mean and deviation.
"""

from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_fraction


@keras.saving.register_keras_serializable(package="dlkit")
class ReversibleInstanceNormalization(keras.layers.Layer):
    """Take level and spread from each window of a series, and tell them, to be put back.

    Use it where the level of a series wanders: what a network learns of one level then holds for
    others. Normalized is `(x - mean) / deviation * gamma + beta`, of each window and channel by
    itself, the deviation being the root of the variance and `epsilon`. Whatever the network makes
    of it is brought back by `y * scale + offset`, which undoes all four.

    Reference:
        Kim et al. 2022, Reversible Instance Normalization for Accurate Time-Series Forecasting
        against Distribution Shift, ICLR.

    Args:
        affine: Whether `gamma` and `beta` are learned, one each a channel; else they are 1 and 0.
            Defaults to `True`.
        epsilon: What is added to the variance, at least 0, so that a window of one value becomes
            zeros. Defaults to 1e-5.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, length, channels)

    Output shape:
        Three tensors: normalized, as the input; offset and scale, (batch, 1, channels) in float32.

    Raises:
        InputError: for a negative epsilon.

    Example:
        >>> x = ops.array([[[7.0], [9.0]]])
        >>> normalized, offset, scale = ReversibleInstanceNormalization()(x)
        >>> [round(float(value), 3) for value in ops.ravel(normalized)]
        [-1.0, 1.0]
        >>> [round(float(value), 3) for value in ops.ravel(normalized * scale + offset)]
        [7.0, 9.0]
    """

    def __init__(self, affine: bool = True, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # half precision would round a level away
        self.affine = affine
        self.epsilon = check_fraction("epsilon", epsilon, high=float("inf"))

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        if self.affine:
            channels = input_shape[-1]
            self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
            self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return the windows normalized, and the offset and scale that bring them back."""
        x = ops.cast(inputs, "float32")
        offset = ops.mean(x, axis=1, keepdims=True)  # (B, L, C) -> (B, 1, C)
        variance = ops.mean(ops.square(x - offset), axis=1, keepdims=True)
        scale = ops.sqrt(variance + self.epsilon)
        if self.affine:
            scale = scale / self.gamma
            offset = offset - self.beta * scale
        return ops.cast((x - offset) / scale, self.compute_dtype), offset, scale
