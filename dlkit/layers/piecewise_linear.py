"""A number as a vector that is piecewise linear in it: what a tree does with thresholds.

    x, in bins with edges b0 < b1 < ... < bT -> how far through each bin, 0 before and 1 behind it
    -> times a vector for each bin, summed -> a vector of x

The paper's symbols: `b` are `bin_edges`, `T` is the number of bins, and `e`, the piecewise linear
encoding, is what `encode` returns.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError

_UNBOUNDED = 3e38  # an infinity that every export format can hold


@keras.saving.register_keras_serializable(package="dlkit")
class PiecewiseLinearEmbedding(keras.layers.Layer):
    """Turn each of some numbers into a vector, by a function with a bend at each edge of its bins.

    Use it before dense layers on a table: what is learned for one bin leaves the others alone, so
    that steps and peaks in a number are found as trees find them. It starts as a straight line. A
    number beyond the outer edges goes on along the line of the outer bin.

    Reference:
        Gorishniy et al. 2022, On Embeddings for Numerical Features in Tabular Deep Learning,
        arXiv:2203.05556, section 3.2.

    Args:
        bin_edges: The edges of each number's bins, two or more, rising; from the training rows, as
            `dlkit.data.Data.bin_edges`.
        units: Length of the vectors.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, numbers)

    Output shape:
        (batch, numbers, units)

    Raises:
        InputError: for no numbers, edges that do not rise, or fewer than two of them.

    Example:
        >>> layer = PiecewiseLinearEmbedding([(0.0, 1.0, 4.0)], units=8)
        >>> layer.encode(ops.array([[2.5]])).numpy().tolist()
        [[[1.0, 0.5]]]
    """

    def __init__(self, bin_edges: Sequence[Sequence[float]], units: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # 16 bits would move a number across edges
        self.bin_edges = check_bin_edges(bin_edges)
        if not self.bin_edges or not all(self.bin_edges):
            raise InputError(
                "PiecewiseLinearEmbedding needs two or more edges for each of its numbers."
                f" Received: bin_edges={bin_edges!r}."
            )
        self.units = check_integer("units", units)
        shape = len(self.bin_edges), max(map(len, self.bin_edges)) - 1
        # Of a bin that a number does not have, nothing is ever passed: x * 0 + 0 in [0, 0].
        self._slopes, self._offsets, self._low, self._high = np.zeros((4, *shape), "float32")
        for row, edges in enumerate(self.bin_edges):
            known, widths = slice(len(edges) - 1), np.diff(edges)
            self._slopes[row, known] = 1 / widths
            self._offsets[row, known] = -np.array(edges[:-1]) / widths
            self._high[row, known] = 1.0
            self._low[row, 0], self._high[row, len(edges) - 2] = -_UNBOUNDED, _UNBOUNDED

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        if input_shape[-1] != len(self.bin_edges):
            raise InputError(
                f"PiecewiseLinearEmbedding has bins for {len(self.bin_edges)} numbers. Received:"
                f" inputs of shape {tuple(input_shape)}."
            )
        draw = keras.initializers.RandomNormal(stddev=self.units**-0.5)
        widths = np.where(self._slopes > 0, 1 / np.where(self._slopes > 0, self._slopes, 1), 0)

        def line(shape: Any, dtype: Any = None) -> Any:
            """Return vectors that are as long as their bins: a straight line."""
            return draw((shape[0], 1, shape[2]), dtype) * ops.cast(widths[..., None], dtype)

        self.kernel = self.add_weight(
            (*self._slopes.shape, self.units), initializer=line, name="kernel"
        )
        self.bias = self.add_weight(
            (len(self.bin_edges), self.units), initializer="zeros", name="bias"
        )

    def encode(self, inputs: Any) -> Any:
        """Return how far each number (batch, numbers) is through each of its bins.

        Args:
            inputs: A tensor (batch, numbers).

        Returns:
            A tensor (batch, numbers, bins) in float32, bins as many as the number with the most
            has.
        """
        x = ops.cast(inputs, "float32")[..., None]  # (B, n) -> (B, n, 1)
        passed = x * self._slopes + self._offsets  # -> (B, n, T)
        return ops.minimum(ops.maximum(passed, self._low), self._high)

    def call(self, inputs: Any) -> Any:
        """Return a vector for each number."""
        encoded = ops.cast(self.encode(inputs), self.compute_dtype)
        kernel = ops.cast(self.kernel, self.compute_dtype)
        x = ops.matmul(ops.transpose(encoded, (1, 0, 2)), kernel)  # (n, B, T) -> (n, B, units)
        return ops.transpose(x, (1, 0, 2)) + ops.cast(self.bias, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, numbers, units)."""
        return (*input_shape, self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        config = super().get_config() | {"bin_edges": self.bin_edges, "units": self.units}
        config.pop("autocast", None)
        return config


def check_bin_edges(bin_edges: Any) -> tuple[tuple[float, ...], ...]:
    """Return the edges of each number's bins as tuples; a number may have none.

    Args:
        bin_edges: For each number its edges, finite and rising, two or more or none.

    Raises:
        InputError: for something else.

    Example:
        >>> check_bin_edges([[0, 1, 4], []])
        ((0.0, 1.0, 4.0), ())
    """
    try:
        edges = tuple(tuple(map(float, row)) for row in bin_edges)
    except (TypeError, ValueError):
        raise InputError(
            "bin_edges must hold the edges of each number's bins, as ((0.0, 1.0, 4.0), ())."
            f" Received: bin_edges={bin_edges!r}."
        ) from None
    for place, row in enumerate(edges):
        steps = np.diff(np.array(row, "float32"))  # what float32 takes for one edge is one
        if len(row) == 1 or not np.isfinite(row).all() or not (steps > 0).all():
            raise InputError(
                f"bin_edges[{place}] must be finite and rise, two edges or more, or none."
                f" Received: bin_edges[{place}]={row!r}."
            )
    return edges
