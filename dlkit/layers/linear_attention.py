"""Attention whose time and memory grow with the length: Performer's random features (FAVOR+).

    softmax:  mean of v weighed by exp(q k)               every q with every k
    FAVOR+:   exp(q k) = E[f(q) f(k)] for random f > 0    f(q) (sum of f(k) v) / f(q) (sum of f(k))

Reference: Choromanski et al. 2020, arXiv:2009.14794.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.layers.attention import SelfAttention, in_blocks

_BLOCK = 128  # tokens of which causal attention compares each with each
_SMALLEST = 1e-30


@keras.saving.register_keras_serializable(package="dlkit")
class LinearAttention(SelfAttention):
    """Attention by positive orthogonal random features (FAVOR+): an estimate of softmax attention.

    Its memory grows with the number of tokens, and not with the square of it. The features are
    drawn once, by the seed, and not trained; more of them estimate better.

    Reference:
        Choromanski et al. 2020, Rethinking Attention with Performers, arXiv:2009.14794.

    Args:
        num_heads: Heads, which divide the units among them.
        num_features: Random features a head. Defaults to `None`: n ln n, rounded up, for n units of
            a head, as many as the paper's bound asks for.
        seed: A whole number that decides the features. Defaults to 0.
        **kwargs: What `SelfAttention` takes: `causal`, `rotary`.

    Input shape:
        (batch, tokens, units), and if some are padding a `padding_mask` (batch, tokens).

    Output shape:
        (batch, tokens, units)

    Raises:
        InputError: as `SelfAttention`, and for less than one feature.

    Example:
        >>> LinearAttention(4, num_features=64)(keras.Input((None, 32))).shape
        (None, None, 32)
    """

    def __init__(
        self, num_heads: int, num_features: int | None = None, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(num_heads, **kwargs)
        if num_features is not None:
            check_integer("num_features", num_features)
        self.num_features, self.seed = num_features, seed

    def build(self, input_shape: Any) -> None:
        """Make the weights, and draw the features."""
        super().build(input_shape)
        width = input_shape[-1] // self.num_heads
        count = self.num_features or max(1, math.ceil(width * math.log(width)))
        drawn = orthogonal_features(count, width, self.seed)
        self.features = self.add_weight(
            name="features",
            shape=(width, count),
            initializer=lambda shape, dtype=None: ops.cast(drawn.T, dtype),
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def _attend(self, query: Any, key: Any, value: Any, mask: Any) -> Any:
        """Return the estimated means."""
        return self._estimate(query, key, value, mask, self._before if self.causal else self._all)

    def _recall(self, query: Any, keys: Any, values: Any, seen: Any) -> Any:
        """Return the estimated mean for one token of those that it may see."""
        return self._estimate(query, keys, values, seen, self._all)

    def _estimate(self, query: Any, key: Any, value: Any, mask: Any, sums: Any) -> Any:
        """Return means of values by the features' sums, in float32 whatever the precision."""
        mask = None if mask is None else mask[:, :, None, None]
        # What all of a query's features, or all features of all keys, have as a factor cancels.
        query = self._features(query, axis=(3,))
        key = self._features(key, axis=(1, 3), mask=mask)  # (B, T, H, features)
        value = ops.cast(value, "float32")
        value = ops.concatenate([value, ops.ones_like(value[..., :1])], axis=-1)  # ones count
        read = sums(query, key, value)
        read, count = read[..., :-1], read[..., -1:]
        return ops.cast(read / ops.maximum(count, _SMALLEST), self.compute_dtype)

    def _features(self, x: Any, axis: tuple[int, ...], mask: Any = None) -> Any:
        """Return positive numbers whose products estimate exp(q k / sqrt(units))."""
        x = ops.cast(x, "float32") / x.shape[-1] ** 0.25
        power = x @ self.features - ops.sum(ops.square(x), axis=-1, keepdims=True) / 2
        if mask is not None:
            power = ops.where(mask, power, -1e30)
        largest = ops.stop_gradient(ops.max(power, axis=axis, keepdims=True))
        made = ops.exp(power - largest)
        return made if mask is None else made * ops.cast(mask, made.dtype)

    def _all(self, query: Any, key: Any, value: Any) -> Any:
        held = ops.einsum("bthf,bthu->bhfu", key, value)
        return ops.einsum("bthf,bhfu->bthu", query, held)

    def _before(self, query: Any, key: Any, value: Any) -> Any:
        """Return sums over the tokens up to each: block by block, and exactly inside of one."""
        tokens = ops.shape(query)[1]
        query, key, value = (in_blocks(x, _BLOCK) for x in (query, key, value))
        held = ops.einsum("bnthf,bnthu->bnhfu", key, value)
        held = ops.cumsum(held, axis=1) - held  # of the blocks before
        read = ops.einsum("bnthf,bnhfu->bnthu", query, held)
        weights = ops.einsum("bnthf,bnshf->bnhts", query, key)
        own = ops.cast(ops.tri(_BLOCK, dtype="float32"), weights.dtype)
        read = read + ops.einsum("bnhts,bnshu->bnthu", weights * own, value)
        return ops.reshape(read, (-1, ops.shape(read)[1] * _BLOCK, *read.shape[3:]))[:, :tokens]


def orthogonal_features(count: int, width: int, seed: int) -> np.ndarray:
    """Draw normal vectors of which each `width` stand at right angles to each other.

    Args:
        count: Vectors.
        width: Their length.
        seed: A whole number.

    Returns:
        An array (count, width): each row is as long as one of `width` independent normal numbers.

    Example:
        >>> drawn = orthogonal_features(6, 4, seed=0)
        >>> abs(float(drawn[0] @ drawn[3])) < 1e-5
        True
    """
    rng = np.random.default_rng(seed)
    made, signs = np.linalg.qr(rng.normal(size=(-(-count // width), width, width)))
    # Without the signs of the triangle some directions would come more often than others.
    directions = made * np.sign(np.diagonal(signs, axis1=1, axis2=2))[:, np.newaxis]
    directions = directions.transpose(0, 2, 1)
    lengths = np.linalg.norm(rng.normal(size=(count, width)), axis=1)
    return (np.concatenate(directions)[:count] * lengths[:, np.newaxis]).astype("float32")
