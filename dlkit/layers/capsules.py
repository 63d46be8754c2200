"""Capsules: groups of units whose vector says what a thing is like, and whose length that it is.

    Squash:          vectors -> vectors of the same direction, with a length below 1
    Capsules:        capsules -> a vote of each for each above -> routing by agreement -> capsules
    CapsuleLengths:  capsules -> one number in [0, 1) each

Reference: Sabour, Frosst & Hinton 2017, arXiv:1710.09829. The paper's symbols: `s` is what is
squashed, `v` a capsule, `u_hat` the votes, `b` the logits and `c` the shares.
"""

from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_integer


def squash(vectors: Any) -> Any:
    """Shorten vectors to below 1: `s / |s| * |s|^2 / (1 + |s|^2)`, equation 1 of the paper.

    Args:
        vectors: A tensor (..., units).

    Returns:
        A tensor of the same shape.

    Example:
        >>> [round(float(value), 3) for value in squash(ops.array([3.0, 4.0]))]
        [0.577, 0.769]
    """
    # In float32, since squares of long vectors are infinite in float16.
    long = ops.cast(vectors, "float32")
    square = ops.sum(ops.square(long), axis=-1, keepdims=True)
    # The small number gives a vector of zeros a gradient that is finite.
    scale = ops.sqrt(square + keras.config.epsilon()) / (1 + square)
    return ops.cast(scale * long, vectors.dtype)


def route(votes: Any, iterations: int) -> Any:
    """Route by agreement: a capsule gives the more of its vote, the better others agree with it.

    Procedure 1 of the paper, with gradients through all of its iterations, as in its code.

    Args:
        votes: A tensor (batch, capsules above, capsules below, units).
        iterations: How often the shares are found anew, at least 1; with 1 they are all the same.

    Returns:
        The capsules above, a tensor (batch, capsules above, units).

    Example:
        >>> tuple(route(ops.ones((2, 3, 6, 4)), iterations=3).shape)
        (2, 3, 4)
    """
    logits = ops.zeros_like(votes[..., :1])  # (B, above, below, units) -> (B, above, below, 1)
    for iteration in range(iterations):
        shares = ops.softmax(logits, axis=1)  # of each capsule below, among those above
        above = squash(ops.matmul(_turned(shares), votes))  # (B, above, 1, units)
        if iteration < iterations - 1:
            logits += ops.matmul(votes, _turned(above))
    return ops.squeeze(above, axis=2)


def _turned(x: Any) -> Any:
    return ops.transpose(x, (0, 1, 3, 2))


@keras.saving.register_keras_serializable(package="dlkit")
class Squash(keras.layers.Layer):
    """Shorten the vectors along the last axis to lengths below 1, and keep their directions.

    Reference:
        Sabour, Frosst & Hinton 2017, Dynamic Routing Between Capsules, arXiv:1710.09829.

    Args:
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, ..., units)

    Output shape:
        The same.

    Example:
        >>> Squash()(keras.Input((6, 8))).shape
        (None, 6, 8)
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: Any) -> Any:
        """Return the squashed vectors."""
        return squash(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape


@keras.saving.register_keras_serializable(package="dlkit")
class Capsules(keras.layers.Layer):
    """A layer of capsules, each of which gathers the votes of all capsules below by agreement.

    Each pair of a capsule below and one above has a matrix of its own, and there is no bias, as in
    the paper. All votes of a batch are in memory at once: 0.7 MiB an image for the 1,152 capsules
    below and 10 above of the paper.

    Reference:
        Sabour, Frosst & Hinton 2017, Dynamic Routing Between Capsules, arXiv:1710.09829.

    Args:
        capsules: Capsules of this layer.
        units: Length of a capsule's vector.
        routing_iterations: How often the shares of the votes are found anew. Defaults to 3.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, capsules below, units below), with fixed numbers of both.

    Output shape:
        (batch, capsules, units)

    Raises:
        InputError: for what is no whole number of at least 1.

    Example:
        >>> Capsules(10, 16)(keras.Input((6, 8))).shape
        (None, 10, 16)
    """

    def __init__(
        self, capsules: int, units: int, routing_iterations: int = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.capsules = check_integer("capsules", capsules)
        self.units = check_integer("units", units)
        self.routing_iterations = check_integer("routing_iterations", routing_iterations)

    def build(self, input_shape: Any) -> None:
        """Make a matrix for each pair of capsules, of N(0, 0.1^2) cut off at two deviations."""
        below, units_below = input_shape[1:]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(below, units_below, self.capsules * self.units),
            initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        )

    def call(self, inputs: Any) -> Any:
        """Return the capsules above."""
        below = inputs.shape[1]
        # (B, below, units below) -> (below, B, units below) -> (below, B, above * units)
        votes = ops.matmul(ops.transpose(inputs, (1, 0, 2)), ops.cast(self.kernel, inputs.dtype))
        votes = ops.reshape(votes, (below, -1, self.capsules, self.units))
        return route(ops.transpose(votes, (1, 2, 0, 3)), self.routing_iterations)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, capsules, units)."""
        return (input_shape[0], self.capsules, self.units)


@keras.saving.register_keras_serializable(package="dlkit")
class CapsuleLengths(keras.layers.Layer):
    """Return the lengths of capsules, which say how sure it is that a thing is there.

    Reference:
        Sabour, Frosst & Hinton 2017, Dynamic Routing Between Capsules, arXiv:1710.09829.

    Args:
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, capsules, units)

    Output shape:
        (batch, capsules), numbers in [0, 1) for squashed capsules.

    Example:
        >>> round(float(CapsuleLengths()(ops.array([[[0.0, 0.6, 0.8]]]))[0, 0]), 3)
        1.0
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: Any) -> Any:
        """Return the lengths."""
        # The small number gives a capsule of zeros a gradient that is finite.
        return ops.sqrt(ops.sum(ops.square(inputs), axis=-1) + keras.config.epsilon())

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, capsules)."""
        return input_shape[:-1]
